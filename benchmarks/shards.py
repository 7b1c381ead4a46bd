"""Runs the verbs on catalogues in shards of two sizes: peak memory must not grow with the number of pictures.

    python benchmarks/shards.py --counts 1000 4000

Each size is a process of its own, which tags, filters, counts, searches, exports and builds a copy index;
features are the colours' means, so that what is measured is the catalogue's part. Prints the peak memory after each verb.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SHARD = 100


class Colours:
    """An encoder, scorer and tagger by mean colours."""

    name, width, identity, threshold, tags, thresholds = "colours", 3, "c" * 64, 0.0, ("red", "green", "blue"), None

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        rows = np.stack([np.asarray(image, np.float32).mean((0, 1)) for image in images]) + 1e-6
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.array([[float(tag in text) + 1e-6 for tag in self.tags] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def probabilities(self, images: list[Image.Image]) -> np.ndarray:
        return self.embed_images(images)


def make_shards(folder: Path, count: int) -> None:
    """Writes shards of small pictures without a manifest, as img2dataset would."""
    random = np.random.default_rng(0)
    for start in range(0, count, SHARD):
        with tarfile.open(folder / f"{start // SHARD:06}.tar", "w") as tar:
            for number in range(start, min(start + SHARD, count)):
                data = io.BytesIO()
                Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8)).resize((48, 48)).save(data, "PNG")
                told = {"artist": f"Artist {number % 97}", "caption": f"a field of {['red', 'green', 'blue'][number % 3]}"}
                for name, content in ((".png", data.getvalue()), (".json", json.dumps(told).encode())):
                    member = tarfile.TarInfo(f"{number:08}{name}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


def run(count: int) -> None:
    """Runs the verbs on one size."""
    from impasto.data.annotations.filtering import filter_catalogue
    from impasto.data.annotations.tagging import tag_catalogue
    from impasto.data.exporting.exporter import ExportChoices, export_catalogue
    from impasto.data.search import search_catalogue
    from impasto.data.statistics.counts import catalogue_statistics
    from impasto.evaluation.memorization.index_file import save_copy_index
    from impasto.evaluation.memorization.training_pictures import index_catalogue

    colours, choices = Colours(), ExportChoices(shard_size=SHARD)
    with tempfile.TemporaryDirectory() as place:
        os.environ["IMPASTO_CACHE"] = f"{place}/cache"
        folder, out = Path(place) / "shards", Path(place)
        folder.mkdir()
        make_shards(folder, count)
        verbs = {
            "tag": lambda: tag_catalogue(folder, colours),  # pyright: ignore[reportArgumentType]
            "filter": lambda: filter_catalogue(folder, colours, 0.0),
            "stats": lambda: catalogue_statistics(folder),
            "search": lambda: search_catalogue(folder, "red", colours),
            "captions.csv": lambda: export_catalogue(folder, "captions.csv", out / "captions.csv"),
            "shards": lambda: export_catalogue(folder, "shards", out / "again", choices),
            "copy-index": lambda: save_copy_index(index_catalogue(folder, colours), out / "index.safetensors"),
        }
        told = []
        for verb, do in verbs.items():
            began = time.process_time()
            do()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            told.append(f"{verb} {peak:.0f} MiB ({(time.process_time() - began) / count * 1e3:.1f} ms of CPU a picture)")
        print(f"{count:,} pictures: {', '.join(told)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        run(options.one)
        return
    for count in options.counts:
        subprocess.run([sys.executable, __file__, "--one", str(count)], check=True)


if __name__ == "__main__":
    main()
