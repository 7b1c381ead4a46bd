"""Judges a checkpoint against a catalogue of real paintings in four ways; prints plain tables, writes JSON, can be stopped.

    probe      a linear probe names the asked artist; beside it the same on held-out real paintings, and chance
    frechet    Fréchet distance to real paintings, beside its neighbours: other real ones, reconstructions, blurred ones
    nearest    cosine to the nearest training picture, beside the same for held-out real paintings
    samplers   dpm++ with 20 steps against the 2022 paper's setting (DDIM, eta 1, 200 steps): seconds and distances

All on EfficientNet-Lite2 features of real pictures prepared as in training; none of the distances is an "FID".
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from histogram import draw_histogram
from impasto.checkpoints.image_features import WIDTH, stack_images
from impasto.data.catalogue import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.evaluation.frechet import frechet_distance
from impasto.evaluation.grids import draw_sheet
from impasto.evaluation.nearest import nearest_training_pictures
from impasto.evaluation.style_probe import StyleProbe, most_seen
from impasto.prompts.condition import Condition
from impasto.settings import cache_folder
from impasto.training.training_set import condition_of
from judged_pictures import JudgedPictures

ARTISTS = 20
GENERIC = ("landscape", "portrait", "still life", "river", "street", "garden", "sea", "figures")
PERCENTILES = (5, 25, 50, 75, 95, 99, 100)


def probe(judged: JudgedPictures, count: int) -> dict[str, Any]:
    """Trains the probe on training pictures; asks for each artist in turn with titles of his held-out works."""
    artists = most_seen([entry.artist for entry in judged.training], ARTISTS)
    train = [entry for entry in judged.training if entry.artist in artists]
    test = [entry for entry in judged.held_out if entry.artist in artists]
    model = StyleProbe.train(judged.real_features(train), [entry.artist for entry in train])
    real = model.accuracy(judged.real_features(test), [entry.artist for entry in test])
    squares = judged.squares(test)
    spoilt = {"through the autoencoder": judged.reconstructions(squares), "blurred to 16x16": blurred(squares)}
    neighbours = {
        what: model.accuracy(judged.features.of_squares(made), [entry.artist for entry in test])
        for what, made in spoilt.items()
    }
    draw = random.Random(20)
    captions: dict[str, list[str]] = {}
    for artist in artists:
        own = sorted({e.caption or e.title for e in test if e.artist == artist} - {""})
        captions[artist] = draw.sample(own, len(own)) or list(GENERIC)
    asked = [artists[number % len(artists)] for number in range(count)]
    requests = []
    for number, artist in enumerate(asked):
        own = captions[artist]
        condition = Condition(caption=own[number // len(artists) % len(own)], artist=artist)
        requests.append(judged.request(condition, 5000 + number))
    _, features, _ = judged.painted("probe", requests)
    named, ours = model.name(features), model.accuracy(features, asked)
    chance = 1 / len(artists)
    shares = {a: float(np.mean([n == a for n, b in zip(named, asked, strict=True) if a == b])) for a in artists[:count]}
    print(f"\nprobe: the artist that a linear probe names, {len(artists)} artists, {len(train)} training pictures")
    print(f"  held-out real paintings      {len(test):5d}   {real:6.1%}")
    for what, share in neighbours.items():
        print(f"    the same {what:24s}   {share:6.1%}")
    print(f"  paintings of the checkpoint  {count:5d}   {ours:6.1%}")
    print(f"  chance                               {chance:6.1%}")
    for artist, share in sorted(shares.items(), key=lambda pair: -pair[1]):
        taken = [n for n, b in zip(named, asked, strict=True) if b == artist and n != artist]
        rival = f"   else mostly {max(sorted(set(taken)), key=taken.count)}" if taken else ""
        print(f"    {artist:28s} {share:6.0%}{rival}")
    found = {"real": real, "real_count": len(test), **neighbours, "paintings": ours, "count": count, "chance": chance}
    return {**found, "artists": shares}


def blurred(squares: np.ndarray) -> np.ndarray:
    """Each picture down to 16x16 px and back."""
    side = squares.shape[1]
    small = [Image.fromarray(square).resize((16, 16), Image.Resampling.BOX) for square in squares]
    return stack_images([image.resize((side, side), Image.Resampling.BICUBIC) for image in small])


def two_sets(judged: JudgedPictures, count: int) -> tuple[list[CatalogueEntry], list[CatalogueEntry]]:
    """Real pictures to compare with, and others of the same number whose conditions are painted."""
    pool = [*judged.training, *judged.held_out]
    if len(pool) < 2 * count:
        raise ImpastoError(f"{count} against {count} need {2 * count} real pictures, not {len(pool)}: ask for fewer")
    random.Random(7).shuffle(pool)
    return pool[:count], pool[count : 2 * count]


def say_if_few(count: int) -> None:
    if count <= WIDTH:
        print(f"  (fewer pictures than the {WIDTH} features: compare only with the other lines of this table)")


def frechet(judged: JudgedPictures, count: int) -> dict[str, Any]:
    """Reconstructions and blurred ones are of the very pictures they are compared with; the floor is of other pictures."""
    reals, others = two_sets(judged, count)
    real, squares = judged.real_features(reals), judged.squares(reals)
    requests = [judged.request(condition_of(entry), 9000 + number) for number, entry in enumerate(others)]
    rows = {
        "floor": ("other real paintings (the floor)", judged.real_features(others)),
        "reconstructed": ("themselves through the autoencoder", judged.features.of_squares(judged.reconstructions(squares))),
        "paintings": ("paintings of the checkpoint", judged.painted("frechet", requests)[1]),
        "blurred": ("themselves blurred to 16x16 and back", judged.features.of_squares(blurred(squares))),
    }
    found = {name: frechet_distance(real, features, allow_few=True) for name, (_, features) in rows.items()}
    print(f"\nfrechet: Fréchet distance on EfficientNet-Lite2 features, {count} against {count} real paintings")
    for name, (label, _) in rows.items():
        print(f"  {label:40s} {found[name]:9.3f}")
    way = (found["blurred"] - found["paintings"]) / (found["blurred"] - found["floor"])
    print(f"  the checkpoint is {way:.0%} of the way from the blurred ones to the floor")
    say_if_few(count)
    return {"count": count, "way": way, **found}


def nearest(judged: JudgedPictures, count: int, figure: Path) -> dict[str, Any]:
    """Half of the paintings have conditions of training pictures, where a copy is likeliest, half of held-out ones."""
    training = judged.real_features(judged.training)
    draw = random.Random(3)
    half = min(count // 2, len(judged.training))
    seen, unseen = draw.sample(judged.training, half), draw.sample(judged.held_out, min(count - half, len(judged.held_out)))
    asked = [*seen, *unseen]
    requests = [judged.request(condition_of(entry), 700 + number) for number, entry in enumerate(asked)]
    pictures, features, _ = judged.painted("nearest", requests)
    ours = nearest_training_pictures(features, training)
    reals = draw.sample(judged.held_out, min(count, len(judged.held_out)))
    theirs = nearest_training_pictures(judged.real_features(reals), training)
    groups = {
        f"{len(reals)} held-out real paintings": theirs.cosine,
        f"{len(asked)} paintings of the checkpoint": ours.cosine,
        f"  {half} of texts it was trained on": ours.cosine[:half],
        f"  {len(unseen)} of held-out texts": ours.cosine[half:],
    }
    print(f"\nnearest: cosine to the nearest of {len(training)} training pictures, percentiles")
    print(f"  {'':36s}" + "".join(f"{p:>7d}%" for p in PERCENTILES))
    table = {}
    for label, cosines in groups.items():
        if len(cosines):
            table[label.strip()] = {str(p): float(np.percentile(cosines, p)) for p in PERCENTILES}
            print(f"  {label:36s}" + "".join(f"{value:8.3f}" for value in table[label.strip()].values()))
    figure.parent.mkdir(parents=True, exist_ok=True)
    drawn = [(label, cosines) for label, cosines in groups.items() if not label.startswith(" ")]
    draw_histogram(drawn, "cosine to the nearest training picture").save(figure, optimize=True)
    pairs, labels = [], []
    for place in ours.closest(8):
        match = judged.training[int(ours.place[place])]
        pairs.append([Image.fromarray(pictures[place]), Image.fromarray(judged.squares([match])[0])])
        labels.append(f"{ours.cosine[place]:.3f}  {requests[place].condition.text()[:70]}  |  {match.file_name[:70]}")
    sheet = judged.work / "closest-pairs.png"
    draw_sheet(pairs, labels, cell=256).save(sheet)
    print(f"  {figure}; the 8 closest pairs, with paintings of the catalogue in it (do not publish it): {sheet}")
    return {"training": len(training), "percentiles": table}


def samplers(judged: JudgedPictures, count: int) -> dict[str, Any]:
    """Both paint the same conditions from the same seeds."""
    reals, others = two_sets(judged, count)
    real, found = judged.real_features(reals), {}
    for name, sampler, steps, eta in (("dpm++, 20 steps", "dpm++", 20, 0.0), ("ddim, eta 1, 200 steps", "ddim", 200, 1.0)):
        requests = [
            judged.request(condition_of(entry), 100 + number, sampler=sampler, steps=steps, eta=eta)
            for number, entry in enumerate(others)
        ]
        _, features, seconds = judged.painted(f"samplers-{sampler}-{steps}", requests)
        found[name] = {"seconds": seconds / count, "distance": frechet_distance(real, features, allow_few=True)}
    print(f"\nsamplers: {count} paintings of each against {count} real ones")
    for name, row in found.items():
        print(f"  {name:24s} {row['seconds']:7.3f} s each   Fréchet distance {row['distance']:9.3f}")
    say_if_few(count)
    return {"count": count, **found}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True, help="a folder of real paintings with its metadata")
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--only", choices=("probe", "frechet", "nearest", "samplers"), action="append")
    parser.add_argument("--work", type=Path, default=Path("scratch/judge"), help="what is done already; goes on from there")
    parser.add_argument("--probe-paintings", type=int, default=400)
    parser.add_argument("--paintings", type=int, default=2000, help="of the Fréchet distance")
    parser.add_argument("--nearest-paintings", type=int, default=200)
    parser.add_argument("--sampler-paintings", type=int, default=1000)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=20, help="of dpm++, in all parts but `samplers`")
    parser.add_argument("--figure", type=Path, default=Path("docs/nearest.png"))
    chosen = parser.parse_args(words)
    if min(chosen.probe_paintings, chosen.paintings, chosen.nearest_paintings, chosen.sampler_paintings) < 2:
        parser.error("at least 2 paintings of each kind")
    try:
        chosen.work.mkdir(parents=True, exist_ok=True)
        judged = JudgedPictures(
            chosen.catalogue,
            chosen.checkpoint,
            chosen.work,
            cache_folder(),
            guidance=chosen.guidance,
            steps=chosen.steps,
        )
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "probe": lambda: probe(judged, chosen.probe_paintings),
            "nearest": lambda: nearest(judged, chosen.nearest_paintings, chosen.figure),
            "frechet": lambda: frechet(judged, chosen.paintings),
            "samplers": lambda: samplers(judged, chosen.sampler_paintings),
        }
        file = judged.work / "judgement.json"
        results = json.loads(file.read_text("utf-8")) if file.exists() else {}
        for name, part in parts.items():
            if not chosen.only or name in chosen.only:
                results[name] = {**part(), "guidance": chosen.guidance, "steps": chosen.steps}
                file.write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")
        print(f"\n{file}")
    except ImpastoError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
