"""Paints the sheets by which edits are judged by eye, nothing picked out, to docs/editing: pictures of the checkpoint's own.

    python benchmarks/editing_sheets.py [--only strengths inpainted outpainted words weights thin scribbled] [--work FOLDER]

Strengths: six paintings from `paint --from`. Inpainted: a box with another object, by strength. Outpainted: three ways.
Words: words swapped and added, with the maps of `attention`. Weights: one word counts less and more. Thin: a line
of 3 px, without dilation and with it. Scribbled, if it is asked for: drawings in four hands, by a control network. The seeds
are the numbers of the rows, from 0.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

import impasto
from drawings import DRAWINGS, drawing
from impasto.painting.sheets.layout import Picture, Sheet

PAINTINGS = (
    "boats at sunset", "a village in the snow", "a vase of flowers", "a portrait of a lady", "a house by a river",
    "a garden with a pond",
)  # fmt: skip
OTHER = (
    "ships on a stormy sea", "a village in spring, green meadows", "a vase of sunflowers", "a portrait of an old man",
    "a house by a river at night", "a garden in autumn, red leaves",
)  # fmt: skip
OBJECTS = (
    "a red boat", "a church with a tower", "a red apple", "a face of an old man", "a tree with red leaves", "a white swan",
)  # fmt: skip
STRENGTHS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
STEPS, CELL = 20, 128
Rows = list[tuple[str, list[Picture]]]


def kept(file: Path, make: Callable[..., object], *given: object, **how: object) -> Path:
    """The file; made by `make(*given, out=file, **how)` if it is not there."""
    if not file.exists():
        make(*given, out=file, **how)
    return file


def painted(work: Path, number: int) -> Path:
    """The painting of a row."""
    return kept(work / f"painting-{number}.png", impasto.paint, PAINTINGS[number], seed=number, steps=STEPS)


def strengths(work: Path) -> tuple[Sequence[str], Rows]:
    rows: Rows = []
    for number, text in enumerate(OTHER):
        source = painted(work, number)
        made = [
            kept(
                work / f"from-{number}-{strength}.png", impasto.paint, text, init=source, strength=strength, seed=number,
                steps=STEPS,
            )
            for strength in STRENGTHS
        ]  # fmt: skip
        rows.append((f"{PAINTINGS[number]} -> {text}", [source, *made]))
    return ("the painting", *(f"strength {strength:g}" for strength in STRENGTHS)), rows


def inpainted(work: Path) -> tuple[Sequence[str], Rows]:
    rows: Rows = []
    for number, text in enumerate(OBJECTS):
        source = painted(work, number)
        with Image.open(source) as opened:
            shown = opened.convert("RGB")
        ImageDraw.Draw(shown).rectangle((32, 48, 95, 111), outline="white")
        made = [
            kept(
                work / f"inpainted-{number}-{strength}-{fill}.png", impasto.inpaint, source, text, box=(32, 48, 64, 64),
                strength=strength, fill=fill, seed=number, steps=STEPS,
            )
            for strength, fill in ((0.6, "original"), (0.8, "original"), (1.0, "original"), (1.0, "latent-noise"))
        ]  # fmt: skip
        rows.append((f"{PAINTINGS[number]}: {text}", [shown, *made]))
    return ("the box", "strength 0.6", "strength 0.8", "strength 1", "strength 1, latent noise"), rows


def outpainted(work: Path) -> tuple[Sequence[str], Rows]:
    rows: Rows = []
    ways = ({"right": 64}, {"up": 64}, {"left": 32, "right": 32, "up": 32, "down": 32})
    for number in range(4):
        source, text = painted(work, number), PAINTINGS[number]
        made = [
            kept(work / f"out-{number}-{way}.png", impasto.outpaint, source, text, seed=number, steps=STEPS, **sides)
            for way, sides in enumerate(ways)
        ]
        rows.append((text, [source, *made]))
    return ("the painting", "right 64", "up 64", "32 to all sides"), rows


EDITS: tuple[tuple[int, dict[str, str], str, str], ...] = (
    (0, {"boats": "ships"}, "", "boats"), (1, {"snow": "rain"}, "", "snow"), (2, {"flowers": "apples"}, "", "flowers"),
    (3, {"lady": "monk"}, "", "lady"), (4, {}, "under snow", "river"), (5, {}, "at night", "pond"),
)  # fmt: skip


def words(work: Path) -> tuple[Sequence[str], Rows]:
    rows: Rows = []
    for number, swap, add, word in EDITS:
        source = painted(work, number)
        heat = kept(work / f"heat-{number}.png", impasto.attention, source, [word])
        edited = kept(work / f"edited-{number}.png", impasto.edit, source, swap=swap, add=add)
        alone = kept(work / f"alone-{number}.png", impasto.edit, source, swap=swap, add=add, cross=0, itself=0)
        said = ", ".join([*(f"{old} -> {new}" for old, new in swap.items()), *([f"+ {add}"] if add else [])])
        rows.append((f"{PAINTINGS[number]}: {said}; map of {word!r}", [source, the_map(heat), edited, alone]))
    return ("the painting", "where the word acts", "edited", "the edited prompt alone"), rows


def the_map(heat: Path) -> Image.Image:
    """The right picture of `attention`'s sheet; the left one is the painting."""
    with Image.open(heat) as opened:
        width, height = opened.size
        gap = (width - 2 * CELL) // 3
        return opened.convert("RGB").crop((width - gap - CELL, height - gap - CELL, width - gap, height - gap))


def weights(work: Path) -> tuple[Sequence[str], Rows]:
    rows: Rows = []
    for number in (1, 5):
        source, word = painted(work, number), EDITS[number][3]
        heat = kept(work / f"heat-{number}.png", impasto.attention, source, [word])
        made = [
            kept(work / f"weight-{number}-{weight}.png", impasto.edit, source, weight={word: weight}) for weight in (-2, 6)
        ]
        rows.append((f"{PAINTINGS[number]}: {word}", [source, the_map(heat), *made]))
    return ("the painting", "where the word acts", "weight -2", "weight 6"), rows


def thin(work: Path) -> tuple[Sequence[str], Rows]:
    mask, line = Image.new("L", (CELL, CELL)), work / "line.png"
    ImageDraw.Draw(mask).line((16, 100, 112, 28), fill=255, width=3)
    mask.save(line)
    rows: Rows = []
    for number, text in ((0, "a rope"), (1, "a red branch"), (4, "lightning"), (5, "a white path")):
        source = painted(work, number)
        made = [
            kept(
                work / f"thin-{number}-{dilated}.png", impasto.inpaint, source, text, mask=line, strength=1.0, thin=dilated,
                seed=number, steps=STEPS, mask_blur=0,
            )
            for dilated in (0, 2, 4)
        ]  # fmt: skip
        rows.append((f"{PAINTINGS[number]}: {text}", [source, line, *made]))
    return ("the painting", "the mask", "--thin 0", "--thin 2", "--thin 4"), rows


NETS: list[str] = []
HANDS = ("Claude Monet", "Vincent van Gogh", "Rembrandt", "Nicholas Roerich")


def scribbled(work: Path) -> tuple[Sequence[str], Rows]:
    """Drawings in four hands, and without the drawing; `--control-net` names another network than pocket's."""
    rows: Rows = []
    for number, text in enumerate(DRAWINGS):
        file = work / f"drawing-{number}.png"
        drawing(text).save(file)
        led: dict[str, Any] = {"control": [f"scribble={file}"], "control_net": NETS, "seed": number, "steps": STEPS}
        made = [
            kept(work / f"scribbled-{number}-{hand}.png", impasto.paint, text, artist=artist, **led)
            for hand, artist in enumerate(HANDS)
        ]
        alone = kept(work / f"unled-{number}.png", impasto.paint, text, artist=HANDS[0], seed=number, steps=STEPS)
        rows.append((text, [file, *made, alone]))
    return ("the drawing", *HANDS, f"{HANDS[0]}, without it"), rows


SHEETS: dict[str, Callable[[Path], tuple[Sequence[str], Rows]]] = {
    "strengths": strengths, "inpainted": inpainted, "outpainted": outpainted, "words": words, "weights": weights,
    "thin": thin, "scribbled": scribbled,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[name for name in SHEETS if name != "scribbled"], choices=list(SHEETS))
    parser.add_argument("--control-net", default="", help="the network of the sheet scribbled; else the checkpoint's own")
    parser.add_argument("--out", type=Path, default=Path("docs/editing"))
    parser.add_argument("--work", type=Path, help="keeps the single pictures; those that are there are not painted again")
    given = parser.parse_args()
    NETS.extend([given.control_net] if given.control_net else [])
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        work = given.work or Path(place)
        work.mkdir(parents=True, exist_ok=True)
        for name in given.only:
            titles, rows = SHEETS[name](work)
            captions = [caption for caption, _ in rows]
            sheet = Sheet(len(rows), len(titles), (CELL, CELL), column_titles=titles, row_captions=captions)
            file = given.out / f"{name}.webp"
            sheet.draw([pictures for _, pictures in rows]).save(file, quality=85, method=6)
            print(f"{file}: {file.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    main()
