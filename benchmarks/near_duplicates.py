"""Finds the pairs of perceptual hashes that differ in few bits: processor time against the number of pictures.

    python benchmarks/near_duplicates.py --counts 100000 1000000

The hashes are drawn by chance; of every fiftieth there is another one that differs in at most six bits. All of these pairs
must be found, and up to 20,000 hashes the result must be that of comparing each with each.
"""

import argparse
import resource
import time

import numpy as np

from impasto.data.importing.near_duplicates import MAX_BITS, near_hashes


def drawn(count: int) -> np.ndarray:
    """Distinct hashes uint64, one in fifty with a near one."""
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 2**64, count, dtype=np.uint64)
    near = hashes[: count // 50].copy()
    for _ in range(MAX_BITS):
        near ^= np.uint64(1) << draw.integers(0, 64, len(near)).astype(np.uint64)
    return np.unique(np.concatenate([hashes, near]))


def every_pair(hashes: np.ndarray) -> np.ndarray:
    """The same by comparing each with each."""
    found = []
    for place, one in enumerate(hashes):
        near = np.flatnonzero(np.bitwise_count(hashes[place + 1 :] ^ one) <= MAX_BITS) + place + 1
        found.append(np.stack([np.full(len(near), place), near], axis=1))
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[20_000, 100_000, 1_000_000])
    for count in parser.parse_args().counts:
        hashes = drawn(count)
        began = time.process_time()
        pairs = near_hashes(hashes)
        spent = time.process_time() - began
        if count <= 20_000 and not np.array_equal(pairs, every_pair(hashes)):
            raise SystemExit("pairs are missing")
        if len(pairs) < count // 50 * 0.99:  # a few flips undo each other
            raise SystemExit(f"{len(pairs)} pairs of {count // 50}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(hashes):,} hashes: {len(pairs):,} near pairs, {spent:.2f} s of CPU, peak {peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
