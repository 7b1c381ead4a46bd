"""Judges a checkpoint against a catalogue of real paintings, four ways, resumable; prints plain tables and writes JSON.

    probe      a linear probe on EfficientNet-Lite2 features names the asked artist (beside the same on held-out real ones)
    frechet    Fréchet distance to real paintings, beside its neighbours: other real ones, reconstructions, blurred ones
    nearest    cosine to the nearest training picture, beside the same for held-out real paintings
    samplers   dpm++ with 20 steps against the 2022 paper's DDIM, eta 1, 200 steps: seconds and Fréchet distances

Real pictures are prepared as in training. `--work` keeps pictures' features, so that a run that is stopped goes on.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from impasto.data.catalogue import Catalogue, CatalogueEntry, read_catalogue
from impasto.data.pixels import is_for_training, prepare_pixels
from impasto.data.split import is_held_out
from impasto.evaluation.features import ImageFeatures, stack_images
from impasto.evaluation.frechet import frechet_distance
from impasto.evaluation.grids import contact_sheet
from impasto.evaluation.nearest import Nearest, nearest_training_pictures
from impasto.evaluation.style_probe import StyleProbe, most_seen
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.settings import cache_folder

CHUNK = 32
ARTISTS = 20
GENERIC = ("landscape", "portrait", "still life", "river", "street", "garden", "sea", "figures")


class Judge:
    """The catalogue, the painter and the features, each made once."""

    def __init__(self, catalogue: Path, checkpoint: str, work: Path, guidance: float, steps: int) -> None:
        self.rows: Catalogue = read_catalogue(catalogue, check_images=False)
        self.painter = Painter.load(checkpoint)
        self.size = self.painter.components.default_size
        self.features = ImageFeatures()
        self.guidance, self.steps = guidance, steps
        self.work = work / self.painter.components.content_hash[:12]
        self.work.mkdir(parents=True, exist_ok=True)
        usable = [
            e for e in self.rows.entries if not any(e.extra.get(m) == "1" for m in ("monochrome", "square_stretched"))
        ]
        self.training = [e for e in usable if is_for_training(e)]
        self.held_out = [e for e in usable if is_held_out(e.file_name)]

    def squares(self, entries: Sequence[CatalogueEntry]) -> np.ndarray:
        pixels, _ = prepare_pixels(entries, self.size, cache_folder())
        return pixels.batch(np.arange(len(pixels.entries)))

    def real_features(self, name: str, entries: Sequence[CatalogueEntry]) -> np.ndarray:
        file = self.work.parent / f"real-{name}-{self.size}-{len(entries)}.npy"
        if not file.exists():
            print(f"features of {len(entries)} real paintings ({name})", flush=True)
            save(file, self.features.of_squares(self.squares(entries)))
        return np.load(file)

    def request(self, condition: Condition, seed: int, sampler: str, steps: int, eta: float = 0.0) -> PaintRequest:
        if not condition.text():
            condition = Condition(caption="a painting")
        return PaintRequest(
            condition=condition, seed=seed, sampler=sampler, steps=steps, guidance=self.guidance, eta=eta,
            width=self.size, height=self.size,
        )  # fmt: skip

    def painted(self, name: str, requests: Sequence[PaintRequest]) -> tuple[np.ndarray, np.ndarray, float]:
        """Pictures uint8 [n, s, s, 3], features [n, 1280] and seconds of painting; chunk by chunk on disk."""
        pictures, rows, seconds = [], [], 0.0
        for start in range(0, len(requests), CHUNK):
            file = self.work / f"{name}-g{self.guidance:g}-{start:05d}.npz"
            group = requests[start : start + CHUNK]
            if not file.exists():
                begun = time.perf_counter()
                images = [painting.image for painting in self.painter.paint_many(group)]
                took = time.perf_counter() - begun
                stack = stack_images(images)
                temporary = file.with_suffix(".part.npz")
                np.savez(temporary, pictures=stack, features=self.features.of_squares(stack), seconds=took)
                temporary.replace(file)
                print(
                    f"{name}: {start + len(group)} of {len(requests)} painted, {took / len(group):.2f} s each",
                    flush=True,
                )
            with np.load(file) as chunk:
                pictures.append(chunk["pictures"])
                rows.append(chunk["features"])
                seconds += float(chunk["seconds"])
        return np.concatenate(pictures), np.concatenate(rows), seconds


def save(file: Path, rows: np.ndarray) -> None:
    temporary = file.with_suffix(".part.npy")
    np.save(temporary, rows)
    temporary.replace(file)


def condition_of(entry: CatalogueEntry) -> Condition:
    return Condition(entry.caption or entry.title, entry.artist, entry.year, entry.style, entry.genre)


def probe(judge: Judge, count: int) -> dict[str, float]:
    artists = most_seen([entry.artist for entry in judge.training], ARTISTS)
    train = [e for e in judge.training if e.artist in artists]
    test = [e for e in judge.held_out if e.artist in artists]
    model = StyleProbe.train(judge.real_features("probe-train", train), [e.artist for e in train])
    real = model.accuracy(judge.real_features("probe-test", test), [e.artist for e in test])
    draw = random.Random(20)
    requests, asked = [], []
    for number in range(count):
        artist = artists[number % ARTISTS]
        own = [e for e in test if e.artist == artist and (e.caption or e.title)]
        caption = draw.choice(own).title if own else draw.choice(GENERIC)
        requests.append(judge.request(Condition(caption=caption, artist=artist), 5000 + number, "dpm++", judge.steps))
        asked.append(artist)
    _, features, _ = judge.painted("probe", requests)
    named = model.name(features)
    per_artist = {a: float(np.mean([n == a for n, b in zip(named, asked, strict=True) if b == a])) for a in artists}
    ours = model.accuracy(features, asked)
    print(f"\nprobe, {ARTISTS} artists, chance {1 / ARTISTS:.1%}")
    print(f"  held-out real paintings ({len(test)})   {real:.1%}")
    print(f"  paintings of the checkpoint ({count})   {ours:.1%}")
    for artist, share in sorted(per_artist.items(), key=lambda pair: -pair[1]):
        print(f"    {artist:32s} {share:.0%}")
    return {"real": real, "paintings": ours, "chance": 1 / ARTISTS, "count": count, **per_artist}


def blurred(squares: np.ndarray) -> np.ndarray:
    """Each picture down to 16x16 px and back."""
    side = squares.shape[1]
    return stack_images([
        Image.fromarray(s).resize((16, 16), Image.Resampling.BOX).resize((side, side), Image.Resampling.BICUBIC)
        for s in squares
    ])  # fmt: skip


def reconstructions(judge: Judge, squares: np.ndarray) -> np.ndarray:
    import torch

    vae, parts = judge.painter.components.vae, []
    with torch.inference_mode():
        for start in range(0, len(squares), CHUNK):
            x = torch.from_numpy(squares[start : start + CHUNK]).permute(0, 3, 1, 2).float() / 127.5 - 1
            made = vae.decode(vae.encode(x.to(vae.device, vae.dtype)).latent_dist.mode()).sample
            parts.append(made.float().add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(parts)


def frechet(judge: Judge, count: int) -> dict[str, float]:
    draw = random.Random(7)
    pool = judge.training.copy()
    draw.shuffle(pool)
    ours, others = pool[:count], pool[count : 2 * count]
    real = judge.real_features("frechet-a", ours)
    table = {"other real paintings (the floor)": judge.real_features("frechet-b", others)}
    squares = judge.squares(ours)
    file = judge.work / f"reconstructed-{count}.npy"
    if not file.exists():
        save(file, judge.features.of_squares(reconstructions(judge, squares)))
    table["their reconstructions by the autoencoder"] = np.load(file)
    requests = [judge.request(condition_of(e), 9000 + n, "dpm++", judge.steps) for n, e in enumerate(others)]
    table["paintings of the checkpoint"] = judge.painted("frechet", requests)[1]
    file = judge.work.parent / f"blurred-{judge.size}-{count}.npy"
    if not file.exists():
        save(file, judge.features.of_squares(blurred(squares)))
    table["themselves blurred to 16x16 and back"] = np.load(file)
    print(f"\nFréchet distance on EfficientNet-Lite2 features (not FID), {count} against {count} real paintings")
    distances = {name: frechet_distance(real, rows, allow_few=True) for name, rows in table.items()}
    for name, distance in distances.items():
        print(f"  {name:44s} {distance:9.3f}")
    return {"count": count, **distances}


def nearest(judge: Judge, count: int) -> dict[str, dict[int, float]]:
    training = judge.real_features("training", judge.training)
    draw = random.Random(3)
    rows = draw.sample(judge.held_out, min(count, len(judge.held_out)))
    requests = [judge.request(condition_of(e), 700 + n, "dpm++", judge.steps) for n, e in enumerate(rows)]
    pictures, features, _ = judge.painted("nearest", requests)
    ours = nearest_training_pictures(features, training)
    theirs = nearest_training_pictures(judge.real_features("nearest-held-out", rows), training)
    print(f"\ncosine to the nearest of {len(training)} training pictures, percentiles")
    for name, found in (("paintings of the checkpoint", ours), ("held-out real paintings", theirs)):
        print(f"  {name:30s} " + "  ".join(f"{p}%: {v:.3f}" for p, v in found.percentiles().items()))
    histogram(ours, theirs).save("docs/nearest.png", optimize=True)
    pairs = []
    for place in ours.closest(8):
        match = judge.squares([judge.training[int(ours.place[place])]])[0]
        pairs.append([Image.fromarray(pictures[place]), Image.fromarray(match)])
    sheet = judge.work / "closest-pairs.png"
    contact_sheet(pairs, [f"{ours.cosine[p]:.3f}" for p in ours.closest(8)]).save(sheet)
    print(f"  docs/nearest.png; the 8 closest pairs (paintings of the catalogue: keep them apart): {sheet}")
    return {"paintings": ours.percentiles(), "held_out": theirs.percentiles()}


def histogram(ours: Nearest, theirs: Nearest, width: int = 640, height: int = 320) -> Image.Image:
    """Two histograms over one another: share of pictures by cosine, 0 to 1."""
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    bins = np.linspace(0, 1, 41)
    left, bottom, right, top = 50, height - 40, width - 20, 40
    drawn = ((theirs, "#3366aa", "held-out real paintings"), (ours, "#cc5533", "paintings of the checkpoint"))
    shares = [np.histogram(found.cosine, bins)[0] / len(found.cosine) for found, _, _ in drawn]
    peak = max(float(share.max()) for share in shares)
    for number, (share, (_, colour, label)) in enumerate(zip(shares, drawn, strict=True)):
        points = []
        for place, value in enumerate(share):
            y = bottom - value / peak * (bottom - top)
            points += [(left + bins[place] * (right - left), y), (left + bins[place + 1] * (right - left), y)]
        pen.line(points, fill=colour, width=3)
        pen.text((left + 10, 6 + 15 * number), label, fill=colour)
    pen.line((left, bottom, right, bottom), fill="black")
    for tick in np.linspace(0, 1, 6):
        pen.text((left + tick * (right - left) - 8, bottom + 6), f"{tick:.1f}", fill="black")
    pen.text((left, bottom + 20), "cosine to the nearest training picture", fill="black")
    return picture


def samplers(judge: Judge, count: int) -> dict[str, dict[str, float]]:
    draw = random.Random(7)
    pool = judge.training.copy()
    draw.shuffle(pool)
    real = judge.real_features("samplers", pool[:count])
    found = {}
    print(f"\nsamplers, {count} paintings each against {count} real ones")
    for name, sampler, steps, eta in (
        ("dpm++, 20 steps", "dpm++", 20, 0.0),
        ("DDIM, eta 1, 200 steps", "ddim", 200, 1.0),
    ):
        requests = [
            judge.request(condition_of(e), 100 + n, sampler, steps, eta) for n, e in enumerate(pool[count : 2 * count])
        ]
        _, features, seconds = judge.painted(f"samplers-{sampler}-{steps}", requests)
        distance = frechet_distance(real, features, allow_few=True)
        found[name] = {"seconds_each": seconds / count, "distance": distance}
        print(f"  {name:24s} {seconds / count:7.2f} s each   Fréchet distance {distance:9.3f}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--only", choices=("probe", "frechet", "nearest", "samplers"))
    parser.add_argument("--work", type=Path, default=Path("scratch/judge"))
    parser.add_argument("--probe-paintings", type=int, default=400)
    parser.add_argument("--paintings", type=int, default=2000)
    parser.add_argument("--nearest-paintings", type=int, default=200)
    parser.add_argument("--sampler-paintings", type=int, default=1000)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=20)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    judge = Judge(chosen.catalogue, chosen.checkpoint, chosen.work, chosen.guidance, chosen.steps)
    parts = {
        "probe": lambda: probe(judge, chosen.probe_paintings),
        "nearest": lambda: nearest(judge, chosen.nearest_paintings),
        "frechet": lambda: frechet(judge, chosen.paintings),
        "samplers": lambda: samplers(judge, chosen.sampler_paintings),
    }
    file = judge.work / "judgement.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for name, part in parts.items():
        if chosen.only in (None, name):
            results[name] = part()
            file.write_text(json.dumps(results, indent=1))
    print(f"\n{file}")


if __name__ == "__main__":
    main()
