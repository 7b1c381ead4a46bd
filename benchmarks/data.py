"""How fast catalogues are made, each part beside a peer in the same run: `python benchmarks/data.py --pictures DIR`.

Each part prints one line a measurement: what, per second, and the ratio to its peer. `--only import` runs one part.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import imagehash
import numpy as np
import torch
from PIL import Image

from impasto.data.annotations.captioning import caption_catalogue
from impasto.data.annotations.tag_vocabulary import tag_vocabulary
from impasto.data.annotations.tagging import chosen_tags, tag_catalogue, thresholds_of
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.endings import PICTURE_SUFFIXES
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.pictures import open_at_least
from impasto.data.catalogue.read import read_catalogue
from impasto.data.importing.folder import FolderSource
from impasto.data.importing.importer import ImportChoices, import_pictures
from impasto.data.importing.perceptual_hash import HASHED_SIDE, appearance_of
from impasto.vision.captioners.load import load_captioner
from impasto.vision.captioners.pocket import PocketCaptioner
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.vision.scorers.interface import load_scorer
from impasto.vision.taggers.pocket import PocketTagger

CAPTIONED = 48  # pictures of the workload


@dataclass(frozen=True)
class Workload:
    """What a part is run on: a folder of pictures without metadata."""

    folder: Path

    @property
    def pictures(self) -> list[Path]:
        """The files, by name."""
        return sorted(path for path in self.folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)

    @property
    def entries(self) -> list[CatalogueEntry]:
        """The same as a catalogue has them."""
        return read_catalogue(self.folder, check_images=False).entries


def compare(part: str, count: int, ours: float, peer_name: str, peer: float) -> None:
    """One line: pictures per second of ours and the peer's (seconds given), and how many times faster ours is."""
    print(f"{part}: {count / ours:.1f} pictures/s, {peer_name}: {count / peer:.1f} pictures/s, ratio {peer / ours:.2f}")


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def plain_loop(pictures: Sequence[Path]) -> None:
    """What one writes first: open each, hash it, compare with all before by a dictionary of equal hashes."""
    seen: dict[str, Path] = {}
    for file in pictures:
        with Image.open(file) as image:
            seen.setdefault(str(imagehash.phash(image.convert("RGB"))), file)


def measure_import(work: Workload) -> None:
    """Import (decode, hash, near duplicates, files, rows) beside a single process with Pillow and imagehash."""
    choices = ImportChoices()
    for turn in range(2):  # the first warms the file system's cache
        peer = seconds(partial(plain_loop, work.pictures))
        with tempfile.TemporaryDirectory() as out:
            ours = seconds(partial(import_pictures, FolderSource(work.folder), Path(out) / "catalogue", choices))
        if turn:
            compare("import", len(work.pictures), ours, "plain loop", peer)


def measure_hash(work: Workload) -> None:
    """What import looks at (opened at 96 px, 64-bit hash, thumbnail), in one process, beside Pillow and imagehash."""

    def ours() -> None:
        for file in work.pictures:
            opened = open_at_least(file, HASHED_SIDE)
            appearance_of(opened.image, opened.width, opened.height)

    ours()  # the first warms the file system's cache
    compare("hash", len(work.pictures), seconds(ours), "plain loop", seconds(partial(plain_loop, work.pictures)))


def plain_features(encoder: ImageFeatures, pictures: Sequence[Path]) -> np.ndarray:
    """What one writes first: open each and embed it, one after the other."""
    return np.concatenate([encoder.embed_images([Image.open(file).convert("RGB")]) for file in pictures])


def measure_features(work: Workload) -> None:
    """Features into an empty cache beside a plain loop; then from the cache."""
    encoder = ImageFeatures(side=192)
    plain_features(encoder, work.pictures[:4])
    with own_cache():
        ours = seconds(partial(image_vectors, work.entries, encoder))
        cached = seconds(partial(image_vectors, work.entries, encoder))
    peer = seconds(partial(plain_features, encoder, work.pictures))
    compare("features", len(work.pictures), ours, "plain loop", peer)
    compare("features, cached", len(work.pictures), cached, "plain loop", peer)


def measure_tags(work: Workload) -> None:
    """`impasto data tag` from nothing and with cached features, beside a plain loop of the same tagger."""
    tagger = PocketTagger()

    def peer() -> None:
        for file in work.pictures:
            (p,) = tagger.probabilities([Image.open(file).convert("RGB")])
            chosen_tags(p, tagger.tags, thresholds_of(tagger), 12)

    plain_features(ImageFeatures(side=192), work.pictures[:4])
    with own_cache(), tempfile.TemporaryDirectory() as scratch:
        folders = [copied(work.pictures, Path(scratch) / name) for name in ("cold", "warm")]
        cold, warm = (seconds(partial(tag_catalogue, folder, tagger)) for folder in folders)
    plain = seconds(peer)
    compare("tags", len(work.pictures), cold, "plain loop", plain)
    compare("tags, features cached", len(work.pictures), warm, "plain loop", plain)


def measure_captions(work: Workload) -> None:
    """Three candidates a picture by `impasto data caption`, features cached, beside transformers' `generate` of the same
    model, prefix and prompt, a picture at a time."""
    captioner, tagger, scorer = load_captioner(), PocketTagger(), load_scorer()
    assert isinstance(captioner, PocketCaptioner)
    scratch = tempfile.TemporaryDirectory()
    chosen = Workload(copied(work.pictures[:CAPTIONED], Path(scratch.name) / "captioned"))
    features = image_vectors(chosen.entries, captioner.features)
    tags = [[name for name, _ in chosen_tags(p, tagger.tags, thresholds_of(tagger), 12)]
            for p in tagger.probabilities_of(features)]  # fmt: skip
    scorer.embed_texts(["warm"])
    generate_one_by_one(captioner, features[:1], tags[:1])
    with scratch:
        ours = seconds(partial(caption_catalogue, chosen.folder, captioner, tagger, scorer, tag_vocabulary()))
    peer = seconds(partial(generate_one_by_one, captioner, features, tags))
    compare("captions", len(features), ours, "transformers' generate", peer)


def generate_one_by_one(captioner: PocketCaptioner, features: np.ndarray, tags: Sequence[Sequence[str]]) -> list[list[str]]:
    """Three candidates each by transformers alone."""
    written = []
    for row, told in zip(features, tags, strict=True):
        embedded = captioner.prompts(row[None], [told])[0][None]
        ids = captioner.language_model.generate(
            inputs_embeds=embedded, attention_mask=torch.ones(embedded.shape[:2], dtype=torch.long),
            do_sample=True, num_return_sequences=3, max_new_tokens=captioner.config.longest, top_k=40,
            temperature=captioner.config.temperature, pad_token_id=captioner.tokenizer.eos_token_id,
        )  # fmt: skip
        written.append(captioner.tokenizer.batch_decode(ids, skip_special_tokens=True))
    return written


def copied(pictures: Sequence[Path], folder: Path) -> Path:
    """A new folder with copies of the pictures."""
    folder.mkdir()
    for number, file in enumerate(pictures):
        shutil.copyfile(file, folder / f"{number:05}{file.suffix}")
    return folder


@contextmanager
def own_cache() -> Iterator[None]:
    """An empty cache for what is inside."""
    before = os.environ.get("IMPASTO_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IMPASTO_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("IMPASTO_CACHE")
            if before is not None:
                os.environ["IMPASTO_CACHE"] = before


PARTS: dict[str, Callable[[Workload], None]] = {
    "import": measure_import, "hash": measure_hash, "features": measure_features, "tags": measure_tags,
    "captions": measure_captions,
}  # fmt: skip


def main() -> None:
    """Runs the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of pictures, with or without metadata")
    parser.add_argument("--only", choices=PARTS, help="run this part alone")
    parser.add_argument("--count", type=int, default=400, help="pictures to work on, the first of a fixed shuffle; 0: all")
    options = parser.parse_args()
    pictures = sorted(path for path in options.pictures.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not pictures:
        parser.error(f"{options.pictures} holds no picture")
    if 0 < options.count < len(pictures):
        pictures = [pictures[n] for n in np.random.default_rng(0).permutation(len(pictures))[: options.count]]
    for name in [options.only] if options.only else PARTS:
        with tempfile.TemporaryDirectory() as scratch:
            PARTS[name](Workload(copied(pictures, Path(scratch) / "pictures")))


if __name__ == "__main__":
    main()
