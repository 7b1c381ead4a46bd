"""Judges a few-step student beside its teacher: the same prompts and seeds, painted in four ways.

Prints the Fréchet distance on EfficientNet-Lite2 features (not an "FID") to real paintings of the student's few steps, of
dpm++ with 20 steps and with as few as the student's, and of the student's sampler without the student; beside them that of
other real paintings, which is the floor. Draws all four, row by row, to `--figure`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.adapters.lora.files import POCKET_STUDENT, load_lora
from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.files import write_atomically
from impasto.painting.sheets.layout import draw_sheet
from impasto.settings import cache_folder
from impasto.training.examples.training_set import condition_of
from judged_pictures import JudgedPictures
from judging.distances import say_if_few, two_sets

SHOWN = 8


def judge(
    base: JudgedPictures, student: JudgedPictures, count: int, few: int
) -> tuple[dict[str, dict[str, float]], dict[str, list[Image.Image]]]:
    """Distance and seconds a picture of each way to paint, and the first pictures of each."""
    reals, others = two_sets(base, count)
    real = base.real_features(reals)
    found = {"other real paintings": {"distance": frechet_distance(real, base.real_features(others), allow_few=True)}}
    shown: dict[str, list[Image.Image]] = {}
    ways: dict[str, tuple[JudgedPictures, dict[str, Any]]] = {
        f"dpm++, {base.steps} steps": (base, {}),
        f"student, {few} steps": (student, {"sampler": "lcm", "steps": few}),
        f"dpm++, {few} steps": (base, {"steps": few}),
        f"lcm, {few} steps, no student": (base, {"sampler": "lcm", "steps": few}),
    }
    for name, (judged, how) in ways.items():
        requests = [judged.request(condition_of(entry), 300 + number, **how) for number, entry in enumerate(others)]
        pictures, features, seconds = judged.painted(f"student-{how.get('sampler', 'dpm++')}", requests)
        found[name] = {"distance": frechet_distance(real, features, allow_few=True), "seconds": seconds / count}
        shown[name] = [Image.fromarray(picture) for picture in pictures[:SHOWN]]
    return found, shown


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True, help="a folder of real paintings with its metadata")
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--lora", default=POCKET_STUDENT, help="the student: a run that distilled, or its LoRA")
    parser.add_argument("--paintings", type=int, default=1000, help="of each way, against as many real ones")
    parser.add_argument("--guidance", type=float, default=4.0, help="of all but the student, which is not guided")
    parser.add_argument("--steps", type=int, default=20, help="of dpm++")
    parser.add_argument("--work", type=Path, default=Path("scratch/student"), help="what is done; goes on from there")
    parser.add_argument("--figure", type=Path, default=Path("docs/student.png"))
    chosen = parser.parse_args(words)
    if chosen.paintings < 2:
        parser.error("at least 2 paintings")
    try:
        few = load_lora(chosen.lora).steps or 4
        shared = chosen.catalogue, chosen.checkpoint, chosen.work, cache_folder()
        base = JudgedPictures(*shared, guidance=chosen.guidance, steps=chosen.steps)
        student = JudgedPictures(*shared, guidance=1.0, steps=few, loras=[chosen.lora])
        found, shown = judge(base, student, chosen.paintings, few)
    except ImpastoError as error:
        sys.exit(str(error))
    print(f"\nFréchet distance to {chosen.paintings} real paintings, {chosen.paintings} pictures of each")
    for name, row in found.items():
        seconds = f"{row['seconds']:8.3f} s each" if "seconds" in row else ""
        print(f"  {name:32s} {row['distance']:9.2f}{seconds}")
    say_if_few(chosen.paintings)
    chosen.figure.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(list(shown.values()), list(shown)).save(chosen.figure, optimize=True)
    write_atomically(chosen.work / "student.json", json.dumps(found, indent=1).encode())
    print(f"{chosen.figure}, {chosen.work / 'student.json'}")


if __name__ == "__main__":
    main()
