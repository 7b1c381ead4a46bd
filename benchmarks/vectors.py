"""Searches many vectors with the index and by brute force: recall@10, time of a query, memory, size on disk.

    python benchmarks/vectors.py                # a million vectors of 1,280 numbers; minutes, and 2.6 GB of disk
    python benchmarks/vectors.py --count 100000

The vectors are drawn from a mixture of 64 Gaussians with the spread of real ones: `BETWEEN` and `WITHIN` are eigenvalues of
the covariances of 5,000 paintings' features (EfficientNet-Lite2, 192 px, centred, unit length), between and within 64
clusters of k-means. (`--features FILE.npy` measures another file's.) Of those paintings the median cosine to the nearest
other one is 0.49; of 5,000 vectors drawn here it is printed below and lower, so they are no easier to search.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from impasto.data.vectors.index import VectorIndex, open_index
from impasto.data.vectors.nearest import nearest_of_all

WIDTH, COMPONENTS, BLOCK = 1280, 64, 10_000
# (number of the eigenvalue, eigenvalue), interpolated in logarithms
BETWEEN = (
    (1, 0.0544), (2, 0.0288), (4, 0.0154), (8, 0.00725), (16, 0.00298), (32, 0.000911), (48, 0.000436), (63, 0.000154),
)  # fmt: skip
WITHIN = (
    (1, 0.0155), (2, 0.0131), (4, 0.0113), (8, 0.00931), (16, 0.00683), (32, 0.00465), (64, 0.00267), (128, 0.0014),
    (256, 0.000578), (512, 0.000235), (768, 0.000131), (1024, 6.94e-05), (1280, 1.12e-06),
)  # fmt: skip


def deviations(spectrum: tuple[tuple[int, float], ...], count: int) -> np.ndarray:
    """The standard deviations along the first `count` principal axes, float32."""
    numbers, values = np.log(np.array(spectrum)).T
    return np.exp(np.interp(np.log(np.arange(1, count + 1)), numbers, values) / 2).astype(np.float32)


def drawn(count: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of unit vectors of the mixture, float32 [n, 1280]; the same at every call."""
    between = deviations(BETWEEN, COMPONENTS - 1)
    centres = np.random.default_rng(0).standard_normal((COMPONENTS, COMPONENTS - 1), dtype=np.float32) * between
    within = deviations(WITHIN, WIDTH)
    for start in range(0, count, BLOCK):
        random = np.random.default_rng((seed, start))
        rows = random.standard_normal((min(BLOCK, count - start), WIDTH), dtype=np.float32) * within
        rows[:, : COMPONENTS - 1] += centres[random.integers(0, COMPONENTS, len(rows))]
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measured(file: Path) -> None:
    """Prints the two spectra of a file of features [n, d]."""
    rows = np.load(file).astype(np.float32)
    rows -= rows.mean(0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    centres = rows[np.random.default_rng(0).choice(len(rows), COMPONENTS, False)]
    for _ in range(8):
        label = (rows @ centres.T - (centres**2).sum(1) / 2).argmax(1)
        centres = np.stack([rows[label == n].mean(0) if (label == n).any() else centres[n] for n in range(COMPONENTS)])
    inside = rows - centres[label]
    shares = np.bincount(label, minlength=COMPONENTS)[:, None] / len(rows)
    between = np.linalg.svd((centres - (shares * centres).sum(0)) * np.sqrt(shares), compute_uv=False) ** 2
    within = np.linalg.eigvalsh(inside.T @ inside / len(rows))[::-1]
    print("between", [(n, float(f"{between[n - 1]:.3g}")) for n, _ in BETWEEN])
    print("within ", [(n, float(f"{within[n - 1]:.3g}")) for n, _ in WITHIN if n <= len(within)])
    print(f"median cosine to the nearest of {len(rows)}: {nearest_cosine(rows):.2f}")


def nearest_cosine(rows: np.ndarray) -> float:
    """The median cosine of the first 500 rows to the nearest other row."""
    return float(np.median(nearest_of_all(rows[:500], [rows], 2).similarity[:, 1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--features", type=Path, help="measure the spread of these features and end")
    options = parser.parse_args()
    if options.features is not None:
        measured(options.features)
        return
    print(f"median cosine to the nearest of 5,000: {nearest_cosine(np.concatenate(list(drawn(5000, 1)))):.2f}")
    queries = np.concatenate(list(drawn(options.queries, 2)))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IMPASTO_CACHE"] = folder
        began = time.process_time()
        index = open_index(lambda: drawn(options.count, 1), f"benchmark-{options.count}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        spent = time.process_time() - began
        print(f"{options.count:,} vectors: built in {spent:.0f} s of CPU, peak memory {peak:.2f} GiB", flush=True)
        place = next(Path(folder).rglob("index.faiss")).parent
        for file in sorted(place.iterdir()):
            print(f"  {file.name}: {file.stat().st_size / options.count:.0f} bytes a vector")
        rows = np.memmap(place / "rows.f16", np.float16, "r", shape=(options.count, WIDTH))
        began = time.process_time()
        exact = nearest_of_all(queries, (rows[start : start + BLOCK] for start in range(0, options.count, BLOCK)), 10)
        brute = (time.process_time() - began) / len(queries)
        timed(index, queries[:20])  # reads what it needs of the files
        found, seconds = timed(index, queries)
        hits = np.mean([len({*one} & {*other}) / 10 for one, other in zip(found, exact.place, strict=True)])
        mean, median = 1000 * np.mean(seconds), 1000 * np.median(seconds)
        print(f"recall@10 {hits:.3f}, {mean:.2f} ms of CPU a query (median {median:.2f})")
        print(f"by brute force, all queries together: {1000 * brute:.1f} ms of CPU a query")


def timed(index: VectorIndex, queries: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """The places found one query at a time, and the CPU seconds of each."""
    places, seconds = [], []
    for query in queries:
        began = time.process_time()
        places.append(index.search(query[None], 10).place[0])
        seconds.append(time.process_time() - began)
    return np.stack(places), seconds


if __name__ == "__main__":
    main()
