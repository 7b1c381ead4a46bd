"""Runs the commands under README's first picture and joins what they paint to that row, docs/opening.webp.

    python benchmarks/readme_row.py [--work FOLDER]

Each `impasto paint` line of README's first block is run as it stands; its painting is doubled with `impasto upscale --by 2`.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parents[1]
GAP = 6  # px


def commands(readme: str) -> list[list[str]]:
    """The words of the `impasto paint` lines of the first indented block that has one, without their comments.

    Raises:
        ValueError: README has no such block.
    """
    found: list[list[str]] = []
    for line in readme.splitlines():
        if line.startswith("    impasto paint "):
            found.append(shlex.split(line, comments=True))
        elif found:
            return found
    raise ValueError("README.md has no block of `impasto paint` lines")


def painted(words: list[str], work: Path, number: int) -> Image.Image:
    """What a command paints, twice as large."""
    small, large = work / f"{number}.png", work / "large"
    run([*words[1:], "--out", str(small), "--overwrite"])
    run(["upscale", str(small), "--by", "2", "--out", str(large)])
    return Image.open(next(large.glob(f"{number}*.png"))).convert("RGB")


def run(words: list[str]) -> None:
    """Runs `impasto` with these words in the repository."""
    subprocess.run([sys.executable, "-m", "impasto", *words], cwd=HERE, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="where the paintings stay")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = given.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        lines = commands((HERE / "README.md").read_text("utf-8"))
        pictures = [painted(words, work, number) for number, words in enumerate(lines, 1)]
    side = pictures[0].height
    row = Image.new("RGB", (sum(one.width + GAP for one in pictures) - GAP, side), "white")
    left = 0
    for one in pictures:
        row.paste(one, (left, 0))
        left += one.width + GAP
    row.save(HERE / "docs/opening.webp", quality=90, method=6)
    print(f"{len(pictures)} paintings: docs/opening.webp")


if __name__ == "__main__":
    main()
