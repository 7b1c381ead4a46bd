"""An index of more vectors than brute force searches in an instant: faiss' IVF-PQ proposes, exact products decide.

The vectors are projected to their `_PRINCIPAL` strongest principal components, assigned to the nearest of `_cells` cells,
and stored there as 64 bytes each (Jégou, Douze and Schmid 2011, product quantization; codes of 4 bits, which are compared in
registers: André, Kermarrec and Le Scouarnec 2017). A search visits the nearest cells, and compares the vectors proposed with
the query by their own products, read from a file of float16 rows. That file is memory-mapped, so that only the codes must
fit into memory.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from impasto.data.vectors.nearest import Nearest, nearest_of_all
from impasto.errors import ImpastoError, MissingPart
from impasto.files import replace_folder
from impasto.settings import cache_folder

BRUTE_FORCE = 1_000_000  # vectors up to which brute force is used
_PRINCIPAL = 256
_TRAINED_ON = 65_536  # vectors from which components, cells and codes are learned
_PROBED = 1 / 10  # share of the cells that a search visits
_PROPOSED = 640  # vectors whose exact products are compared
_BLOCK = 16_384
_VERSION = "1"

Blocks = Callable[[], Iterator[np.ndarray]]  # yields the vectors in blocks [n, d], the same at every call


class VectorIndex:
    """Unit vectors [n, d] on disk that are searched approximately.

    Attributes:
        vectors: their number, also of rows with NaN, which are never found.
        width: d.
    """

    def __init__(self, folder: Path) -> None:
        """Opens what `open_index` wrote.

        Raises:
            MissingPart: faiss is not installed.
            ImpastoError: the files are damaged.
        """
        faiss = _faiss()
        try:
            told = json.loads((folder / "index.json").read_text("utf-8"))
            self.vectors, self.width = int(told["vectors"]), int(told["width"])
            self._rows: np.ndarray = np.memmap(folder / "rows.f16", np.float16, "r", shape=(self.vectors, self.width))
            self._index: Any = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_READ_ONLY)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ImpastoError(f"{folder} is damaged ({str(error).splitlines()[0][:200]}): remove it") from None
        self._cells = faiss.extract_index_ivf(self._index)

    def search(self, queries: np.ndarray, count: int) -> Nearest:
        """Returns about the `count` nearest vectors for each of the queries, unit vectors float32 [q, d].

        The similarities are exact; how many of the nearest are found: `python benchmarks/vectors.py`.
        """
        import torch

        self._cells.nprobe = max(8, int(self._cells.nlist * _PROBED))
        proposed = self._index.search(np.ascontiguousarray(queries, np.float32), max(_PROPOSED, 4 * count))[1]
        similarity = np.full((len(queries), count), -np.inf, np.float32)
        place = np.full((len(queries), count), -1, np.int64)
        for number, found in enumerate(proposed):
            found = np.sort(found[found >= 0])  # in the order of the file
            rows = torch.from_numpy(self._rows[found]).float().numpy()  # from float16 in a third of NumPy's time
            near = nearest_of_all(queries[number : number + 1], [rows], count)
            there = near.place[0] >= 0
            similarity[number, there] = near.similarity[0, there]
            place[number, there] = found[near.place[0, there]]
        return Nearest(similarity, place)


def open_index(blocks: Blocks, identity: str) -> VectorIndex:
    """Opens the index of these vectors, which is built and kept in the user's cache if it is not there yet.

    The vectors are read once in blocks, and no more than a block and a sample of them are in memory, beside the
    codes: 64 bytes a vector while the index is built. The index is written under another name and renamed.

    Args:
        blocks: gives the unit vectors; rows of NaN stand for pictures without one.
        identity: what the vectors were made from; other vectors need another one.

    Raises:
        MissingPart: faiss is not installed.
        ImpastoError: the index cannot be written.
    """
    name = hashlib.sha256(f"{_VERSION}/{identity}".encode()).hexdigest()[:32]
    folder = cache_folder() / "vector-indices" / name
    if folder.is_dir():
        try:
            return VectorIndex(folder)
        except ImpastoError:  # damaged: it is made again
            pass
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replace_folder(folder) as part:
            _build(blocks, part)
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be written: {error.strerror}") from None
    return VectorIndex(folder)


def _build(blocks: Blocks, folder: Path) -> None:
    faiss = _faiss()
    total, width = 0, 0
    with (folder / "rows.f16").open("wb") as file:
        for block in blocks():
            total, width = total + len(block), block.shape[1]
            file.write(np.asarray(block, np.float16).tobytes())
    rows = np.memmap(folder / "rows.f16", np.float16, "r", shape=(total, width))
    principal = min(_PRINCIPAL, width)
    numbers = principal // 2 if principal % 2 == 0 else principal  # of 4 bits in a code
    cells = int(min(4096, 2 ** round(np.log2(np.sqrt(total)))))
    index = faiss.index_factory(width, f"PCA{principal},IVF{cells},PQ{numbers}x4fs", faiss.METRIC_L2)
    inside = faiss.extract_index_ivf(index)
    inside.cp.niter, inside.cp.max_points_per_centroid = 10, 64
    inside.cp.min_points_per_centroid = 1  # or it warns on stderr
    chosen = np.sort(np.random.default_rng(0).choice(total, min(total, _TRAINED_ON), replace=False))
    sample = rows[chosen].astype(np.float32)
    index.train(sample[np.isfinite(sample[:, 0])])
    del sample
    for start in range(0, total, _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float32)
        whole = np.flatnonzero(np.isfinite(block[:, 0]))
        index.add_with_ids(block[whole], whole + start)
    faiss.write_index(index, str(folder / "index.faiss"))
    (folder / "index.json").write_text(json.dumps({"vectors": total, "width": width}), "utf-8")


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingPart(
            f"more than {BRUTE_FORCE:,} vectors are searched with faiss: pip install 'impasto[vectors]'"
        ) from None
    return faiss
