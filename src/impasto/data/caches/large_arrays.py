"""Arrays that need not fit into memory: above a size they lie in a file without a name, which ends with the process."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

IN_MEMORY = 256 * 2**20  # bytes


def large_array(shape: Sequence[int], dtype: str, folder: Path) -> np.ndarray:
    """Returns a new array with arbitrary content: in memory, or above 256 MiB memory-mapped in a nameless file in `folder`.

    The system may write the pages of such a file to the disk and drop them from memory whenever it needs the memory.

    Raises:
        OSError: there is not enough room on the disk of `folder`.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(tuple(shape), dtype)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # a full disk must be an error here, not a crash when a page is written
            os.posix_fallocate(file.fileno(), 0, size)
        return np.asarray(np.memmap(file, dtype, "w+", shape=tuple(shape)))
