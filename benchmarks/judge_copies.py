"""Plants copies of training pictures among real paintings that nobody copied, and counts how many `evaluation` finds.

200 pictures: 20 copies (5 each cropped, mirrored, recoloured, as JPEG of quality 40) and 180 held-out works of the
catalogue. The threshold is calibrated on the other held-out works. A copy counts as found when it is called one and its
source is named; every held-out work that is called one is false, unless `--same-work FILE` lists its name: catalogues hold
some works in two reproductions, which a person has to tell. Beside it, copies that are changed in all four ways at once.
"""

import argparse
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.features import USUAL, load_copy_features
from impasto.evaluation.memorization.index import CopyIndex
from impasto.evaluation.memorization.page import copies_page
from impasto.evaluation.memorization.search import MemorizationReport, compare_paintings
from impasto.evaluation.memorization.training_pictures import index_catalogue
from impasto.files import write_atomically
from impasto.vision.scorers.interface import ImageEncoder

COPIES, PICTURES = 20, 200
Change = Callable[[Image.Image, random.Random], Image.Image]


def crop(image: Image.Image, draw: random.Random) -> Image.Image:
    """70 to 90 % of each side, from anywhere."""
    width, height = (round(side * draw.uniform(0.7, 0.9)) for side in image.size)
    left, top = draw.randint(0, image.width - width), draw.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def flip(image: Image.Image, draw: random.Random) -> Image.Image:
    """Left and right exchanged."""
    return ImageOps.mirror(image)


def recolour(image: Image.Image, draw: random.Random) -> Image.Image:
    """Another hue, by 40 to 320 degrees, and other colour, contrast and brightness."""
    hue, saturation, value = image.convert("HSV").split()
    turn = draw.randrange(30, 226)
    turned = hue.point([(level + turn) % 256 for level in range(256)])
    image = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
    for enhance, least, most in (
        (ImageEnhance.Color, 0.5, 1.5),
        (ImageEnhance.Contrast, 0.7, 1.3),
        (ImageEnhance.Brightness, 0.75, 1.25),
    ):
        image = enhance(image).enhance(draw.uniform(least, most))
    return image


def jpeg(image: Image.Image, draw: random.Random) -> Image.Image:
    """As a JPEG of quality 40 returns it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def all_at_once(image: Image.Image, draw: random.Random) -> Image.Image:
    """Cropped, mirrored, recoloured and compressed."""
    for change in KINDS.values():
        image = change(image, draw)
    return image


KINDS: dict[str, Change] = {"crop": crop, "flip": flip, "recolour": recolour, "jpeg40": jpeg}


def without(entries: Sequence[CatalogueEntry], left_out: set[str], folder: Path) -> Path:
    """A catalogue of these pictures less those left out, as links where the file system has them."""
    rows = []
    for entry in entries:
        if entry.file_name in left_out:
            continue
        place = folder / entry.file_name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(entry.file, place)
        except OSError:
            shutil.copyfile(entry.file, place)
        rows.append(json.dumps({"file_name": entry.file_name, "artist": entry.artist, "title": entry.title}))
    (folder / "metadata.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def plant(sources: Sequence[CatalogueEntry], changes: Sequence[str], folder: Path, draw: random.Random) -> dict[str, str]:
    """Writes a changed picture of each source; returns file name -> the source's."""
    planted = {}
    for number, (source, name) in enumerate(zip(sources, changes, strict=True)):
        change = all_at_once if name == "all" else KINDS[name]
        file = folder / f"planted-{number:02}-{name}.png"
        change(open_picture(source.file), draw).save(file)
        planted[file.name] = source.file_name
    return planted


def judged(
    pictures: Path, training: Path, index: CopyIndex, features: ImageEncoder, false_alarms: float, planted: dict[str, str]
) -> tuple[MemorizationReport, dict[str, bool]]:
    """The report, and of each planted picture whether it is called a copy of its source."""
    threshold = index.calibration.threshold(false_alarms)
    report = compare_paintings(pictures, index, features, threshold, training=training)
    found = {
        pair.painting.file_name: pair.copy and pair.match.training.file_name == planted[pair.painting.file_name]
        for pair in report.pairs
        if pair.painting.file_name in planted
    }
    return report, found


def say_kinds(found: dict[str, bool]) -> None:
    for kind in dict.fromkeys(name.split("-")[2].removesuffix(".png") for name in found):
        own = [right for name, right in found.items() if name.endswith(f"-{kind}.png")]
        print(f"  {kind:10s} {sum(own)} of {len(own)}")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True, help="a folder of real paintings with its metadata")
    parser.add_argument("--features", default=USUAL, help="or SSCD's weights: FILE[:SHA256]")
    parser.add_argument("--false-alarms", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=0, help="which pictures are drawn")
    parser.add_argument("--same-work", type=Path, help="held-out works of which the catalogue has another reproduction")
    parser.add_argument("--page", type=Path, help="write the report there, for the eye")
    chosen = parser.parse_args(words)
    draw, begun = random.Random(chosen.seed), time.monotonic()
    try:
        same_work = set(chosen.same_work.read_text("utf-8").split("\n")) if chosen.same_work else set()
        entries = read_catalogue(chosen.catalogue, check_images=False, annotations=False).entries
        held_out = [entry for entry in entries if is_held_out(entry.file_name)]
        training = [entry for entry in entries if not is_held_out(entry.file_name)]
        if len(held_out) < 2 * (PICTURES - COPIES) or len(training) < 2 * COPIES:
            raise ImpastoError(f"{chosen.catalogue} holds out {len(held_out)} works: {2 * (PICTURES - COPIES)} are needed")
        others, sources = draw.sample(held_out, PICTURES - COPIES), draw.sample(training, 2 * COPIES)
        features = load_copy_features(chosen.features)
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            for name in ("catalogue", "pictures", "hard"):
                (place / name).mkdir()
            catalogue = without(entries, {entry.file_name for entry in others}, place / "catalogue")
            index = index_catalogue(catalogue, features, on_progress=_Progress())
            kinds = [name for name in KINDS for _ in range(COPIES // len(KINDS))]
            planted = plant(sources[:COPIES], kinds, place / "pictures", draw)
            other_names = {}
            for number, entry in enumerate(others):
                other_names[f"other-{number:03}{entry.file.suffix}"] = entry.file_name
                shutil.copyfile(entry.file, place / "pictures" / f"other-{number:03}{entry.file.suffix}")
            report, found = judged(place / "pictures", catalogue, index, features, chosen.false_alarms, planted)
            hard = plant(sources[COPIES:], ["all"] * COPIES, place / "hard", draw)
            _, found_hard = judged(place / "hard", catalogue, index, features, chosen.false_alarms, hard)
            if chosen.page:
                write_atomically(chosen.page, copies_page(report, most=60))
    except (ImpastoError, OSError) as error:
        sys.exit(str(error))
    quantiles = ", ".join(f"{q:.0%} {value:.3f}" for q, value in report.calibration.quantiles().items())
    same = report.calibration.same_artist.mean()
    print(f"{report.training_pictures} training pictures, features of {report.features}")
    print(f"held-out works to their nearest: {quantiles}; {same:.0%} of these by the same artist")
    print(f"threshold {report.threshold}; {len(report.pairs)} pictures compared, {len(report.skipped)} could not be read")
    said = {other_names[pair.painting.file_name]: pair for pair in report.copies if pair.painting.file_name in other_names}
    false = {name: pair for name, pair in said.items() if name not in same_work}
    print(f"\nplanted copies found: {sum(found.values())} of {len(planted)} (asked for: at least 18)")
    say_kinds(found)
    print(f"held-out works called copies: {len(false)} of {len(others)} (asked for: at most 2)")
    for name, pair in said.items():
        kind = "false" if name in false else "another reproduction of one work"
        print(f"  {kind}: {pair.match.similarity:.3f}  {name}  {pair.match.training.file_name}")
    print(f"copies changed in all four ways at once: {sum(found_hard.values())} of {len(hard)}")
    print(f"{(time.monotonic() - begun) / 60:.1f} min")


class _Progress:
    """A line every 20 seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, of: int) -> None:
        if time.monotonic() - self._last > 20:
            self._last = time.monotonic()
            print(f"  {what}: {done} of {of}", flush=True)


if __name__ == "__main__":
    main()
