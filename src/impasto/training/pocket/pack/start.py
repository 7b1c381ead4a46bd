"""Trains pocket from this folder: `python train.py --minutes 9 --out OUT`; the minutes include the start of Python.

Packages that the machine may lack are in `packages/`. They are unpacked to a temporary folder, which comes before the
installed packages on the path.
"""

import sys
import tempfile
import time
import zipfile
from pathlib import Path


def main() -> None:
    """Puts the packages of the pack first on the path, and trains."""
    started = time.time()
    here = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="impasto-") as unpacked:
        for archive in sorted((here / "packages").glob("*.zip")):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(unpacked)
        sys.path.insert(0, unpacked)
        from impasto.training.pocket.pack.device import run

        run(here, sys.argv[1:], started)


if __name__ == "__main__":
    main()
