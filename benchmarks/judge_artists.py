"""Judges checkpoints retrained on one artist each against their base: the same prompts and seeds, painted by both.

For each `--run ARTIST=RUN` it asks for the artist's held-out works (which neither has seen) and prints how often a linear
probe names him, and the Fréchet distance on EfficientNet-Lite2 features to those held-out works (not an "FID"); beside it
his training pictures, whose distance is the floor. Draws original above retrained to `--figure`.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.evaluation.style_probe import StyleProbe, most_seen
from impasto.files import write_atomically
from impasto.painting.sheets.layout import draw_sheet
from impasto.settings import cache_folder
from impasto.training.examples.training_set import condition_of
from judged_pictures import JudgedPictures

ARTISTS = 20
SHOWN = 8


def probe_of(base: JudgedPictures, asked: Sequence[str]) -> tuple[StyleProbe, float]:
    """A probe of the artists seen most, those asked for among them, and its accuracy on held-out real paintings."""
    names = list(dict.fromkeys([*asked, *most_seen([entry.artist for entry in base.training], ARTISTS)]))
    train = [entry for entry in base.training if entry.artist in names]
    test = [entry for entry in base.held_out if entry.artist in names]
    model = StyleProbe.train(base.real_features(train), [entry.artist for entry in train])
    return model, model.accuracy(base.real_features(test), [entry.artist for entry in test])


def judge(
    base: JudgedPictures, retrained: JudgedPictures, artist: str, count: int, probe: StyleProbe
) -> tuple[dict[str, Any], list[list[Image.Image]]]:
    """The figures of one artist, and two rows of pictures: original, retrained."""
    works = [entry for entry in base.held_out if entry.artist == artist]
    own = [entry for entry in base.training if entry.artist == artist]
    if len(works) < 2:
        raise ImpastoError(f"the catalogue holds out {len(works)} works of {artist}: 2 are needed")
    asked: list[CatalogueEntry] = [works[number % len(works)] for number in range(count)]
    requests = [base.request(condition_of(entry), 6000 + number) for number, entry in enumerate(asked)]
    real, found, rows = base.real_features(works), {}, []
    for name, judged in (("original", base), ("retrained", retrained)):
        pictures, features, _ = judged.painted("artists", requests)
        found[name] = {
            "named": float(np.mean([who == artist for who in probe.name(features)])),
            "distance": frechet_distance(real, features, allow_few=True),
        }
        rows.append([Image.fromarray(picture) for picture in pictures[:SHOWN]])
    floor = random.Random(11).sample(own, min(count, len(own)))
    shown = base.real_features(floor)
    found["real"] = {
        "named": float(np.mean([who == artist for who in probe.name(real)])),
        "distance": frechet_distance(real, shown, allow_few=True),
    }
    return {"held_out": len(works), "training": len(own), "paintings": count, **found}, rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True, help="a folder of real paintings with its metadata")
    parser.add_argument("--run", action="append", required=True, metavar="ARTIST=RUN", help="as the catalogue names him")
    parser.add_argument("--base", default="pocket")
    parser.add_argument("--paintings", type=int, default=200, help="of each artist by each checkpoint")
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--guider", help="cfg ...; without it, each checkpoint's own")
    parser.add_argument("--steps", type=int, default=20, help="of dpm++")
    parser.add_argument("--work", type=Path, default=Path("scratch/artists"), help="what is done; goes on from there")
    parser.add_argument("--figure", type=Path, default=Path("docs/artists.webp"))
    chosen = parser.parse_args(words)
    runs = dict(text.partition("=")[::2] for text in chosen.run)
    if not all(runs.values()) or chosen.paintings < 2:
        parser.error("--run ARTIST=RUN, and at least 2 paintings")
    try:
        settings: dict[str, Any] = {"guidance": chosen.guidance, "guider": chosen.guider, "steps": chosen.steps}
        base = JudgedPictures(chosen.catalogue, chosen.base, chosen.work, cache_folder(), **settings)
        probe, accuracy = probe_of(base, list(runs))
        print(f"a probe of {len(probe.classes)} artists; on held-out real paintings it is right in {accuracy:.1%}\n")
        found, rows, labels = {}, [], []
        for artist, run in runs.items():
            retrained = JudgedPictures(chosen.catalogue, run, chosen.work, cache_folder(), **settings)
            found[artist], pair = judge(base, retrained, artist, chosen.paintings, probe)
            rows += pair
            labels += [f"{artist}: {chosen.base}", f"{artist}: retrained, the same prompts and seeds"]
    except ImpastoError as error:
        sys.exit(str(error))
    print(f"\n{'':24s}{'probe names the artist':>34s}   {'Fréchet distance to held-out':>34s}")
    print(f"{'':24s}" + 2 * f"{'original':>12s}{'retrained':>11s}{'real':>11s}   ")
    for artist, row in found.items():
        kinds = [row[kind] for kind in ("original", "retrained", "real")]
        shares = f"{kinds[0]['named']:12.1%}{kinds[1]['named']:11.1%}{kinds[2]['named']:11.1%}"
        distances = f"{kinds[0]['distance']:12.2f}{kinds[1]['distance']:11.2f}{kinds[2]['distance']:11.2f}"
        print(f"{artist:24s}{shares}   {distances}   {row['paintings']} paintings, {row['held_out']} held out")
    print("few pictures: compare the distances only with each other, along a line")
    chosen.figure.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(rows, labels).save(chosen.figure, optimize=True, quality=80)
    write_atomically(chosen.work / "artists.json", json.dumps(found, indent=1, ensure_ascii=False).encode())
    print(f"{chosen.figure}, {chosen.work / 'artists.json'}")


if __name__ == "__main__":
    main()
