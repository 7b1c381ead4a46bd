"""Tests whether one picture is part of another, mirrored or not: the best correlation of their edges over all placements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from impasto.evaluation.memorization.structure import Structure

# Searched scales: the share of the other picture's larger side that is covered. The correlation tolerates the step between
# two scales. Smaller parts are not searched.
_SCALES = (1.0, 0.93, 0.86, 0.8, 0.74, 0.69, 0.64, 0.59, 0.55, 0.5)
_LEAST = 0.4  # smallest share of either side
_COARSE = 48  # side in px for the first, coarse search
_REFINED = 3  # number of best-fitting pictures whose placement is refined
_FLATTEST = 0.25  # share of the whole map's variance: correlations with flatter parts are chance


@dataclass(frozen=True)
class Alignment:
    """The placement of a picture in another one.

    Attributes:
        correlation: correlation of the edges, at most 1.
        left, top, width, height: the part of the other picture that the picture shows, as shares of the other's sides.
        mirrored: whether left and right are exchanged.
    """

    correlation: float
    left: float
    top: float
    width: float
    height: float
    mirrored: bool


def best_alignments(picture: Structure, others: Sequence[Structure]) -> list[Alignment]:
    """Returns the best alignment of `picture` in each of `others`; the best-fitting ones are refined.

    `picture` may show the whole other picture, stretched or not, or an unstretched part of it, down to half a side.
    """
    small = _resized(picture.edges, _COARSE, _COARSE)
    found = [_coarse(small, picture.aspect, other) for other in others]
    for place in np.argsort([-alignment.correlation for alignment in found], kind="stable")[:_REFINED]:
        found[place] = _refined(picture.edges, others[place].edges, found[place])
    return found


def _coarse(small: np.ndarray, aspect: float, other: Structure) -> Alignment:
    narrower = aspect / other.aspect
    sizes = {(_COARSE, _COARSE): None}  # the whole, whatever its proportions
    for scale in _SCALES:
        width, height = (scale, scale / narrower) if narrower >= 1 else (scale * narrower, scale)
        if min(width, height) >= _LEAST:
            sizes[min(_COARSE, round(width * _COARSE)), min(_COARSE, round(height * _COARSE))] = None
    scene = _resized(other.edges, _COARSE, _COARSE)
    return _best_placement(scene, small, list(sizes), (False, True))


def _refined(edges: np.ndarray, scene: np.ndarray, coarse: Alignment) -> Alignment:
    """Tries sizes around the coarse one, each side separately, in decreasing steps."""
    side = len(scene)
    best, size = coarse, (round(coarse.width * side), round(coarse.height * side))
    for number, step in enumerate((3, 1, 1)):
        sizes = [
            (width, height)
            for width in (size[0] - step, size[0], size[0] + step)
            for height in (size[1] - step, size[1], size[1] + step)
            if min(width, height) >= _LEAST * side * 0.9 and max(width, height) <= side
        ]
        found = _best_placement(scene, edges, sizes, (coarse.mirrored,))
        # The coarse correlation comes from smaller maps: the first fine one always replaces it, lower or higher.
        if number == 0 or found.correlation > best.correlation:
            best, size = found, (round(found.width * side), round(found.height * side))
    return best


def _best_placement(
    scene: np.ndarray, edges: np.ndarray, sizes: Sequence[tuple[int, int]], mirrored: Sequence[bool]
) -> Alignment:
    """Returns the best of all positions, `sizes` (width, height) and orientations of `edges` [s, s] in `scene` [s, s].

    Normalised cross-correlation (Lewis 1995): products by Fourier transform, variances by running sums.
    """
    from scipy import fft

    side = len(scene)
    templates = np.zeros((len(sizes), len(mirrored), side, side), np.float32)
    for number, (width, height) in enumerate(sizes):
        part = _resized(edges, width, height)
        part = part - part.mean()
        part /= np.linalg.norm(part) + 1e-6
        for kind, turned in enumerate(mirrored):
            templates[number, kind, :height, :width] = part[:, ::-1] if turned else part
    # SciPy's transform takes a fifth of the time of NumPy's.
    spectra = np.asarray(fft.rfft2(scene)) * np.conj(np.asarray(fft.rfft2(templates)))
    products = np.asarray(fft.irfft2(spectra, s=(side, side)))
    sums, squares = _running_sums(scene), _running_sums(scene**2)
    flattest = _FLATTEST * float(scene.var()) + 1e-6
    best = Alignment(-1.0, 0.0, 0.0, 1.0, 1.0, False)
    for number, (width, height) in enumerate(sizes):
        count = width * height
        mean, square = (_window_sums(table, width, height) / count for table in (sums, squares))
        deviation = np.sqrt(np.maximum(square - mean**2, flattest) * count)
        fits = products[number, :, : side - height + 1, : side - width + 1] / deviation
        kind, top, left = np.unravel_index(int(fits.argmax()), fits.shape)
        if (correlation := float(fits[kind, top, left])) > best.correlation:
            best = Alignment(
                correlation=min(1.0, correlation),
                left=int(left) / side,
                top=int(top) / side,
                width=width / side,
                height=height / side,
                mirrored=mirrored[int(kind)],
            )
    return best


def _running_sums(table: np.ndarray) -> np.ndarray:
    """Summed-area table [h + 1, w + 1]: each entry is the sum of all values above and to the left."""
    return np.pad(table.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _window_sums(sums: np.ndarray, width: int, height: int) -> np.ndarray:
    """Sums [vertical positions, horizontal positions] over windows of this size."""
    return sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]


def _resized(edges: np.ndarray, width: int, height: int) -> np.ndarray:
    if edges.shape == (height, width):
        return edges
    return np.asarray(Image.fromarray(edges).resize((width, height), Image.Resampling.BILINEAR))
