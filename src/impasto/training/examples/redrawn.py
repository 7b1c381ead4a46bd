"""Edges redrawn as by hand: strokes bent, left out and thickened, so that a network of edges follows drawings too.

A hand draws the long lines, not each edge, thicker than a pixel and not quite where they are. HED's edges give such strokes
too (`fake-scribble`), but cost a network's run for each picture; these cost less than a millisecond at 128 px.
"""

from collections.abc import Sequence

import numpy as np

from impasto.vision.control_maps.opencv import opencv

_BEND = 1 / 85  # the largest shift of a stroke, of the shorter side: 1.5 px of 128
_GRID = 5  # points a side at which the shift is drawn; between them it is smooth
_MOST_LEFT_OUT = 0.08  # of the shorter side: a piece of edge shorter than this at most is left out
_KEPT = 0.85  # probability with which a longer one stays
_WIDTHS = (2, 3, 3, 4)  # px of 128


def redraw_some(maps: np.ndarray, share: float, seeds: Sequence[Sequence[int]]) -> np.ndarray:
    """Redraws about a share of the maps; the given array is not changed.

    Args:
        maps: uint8 [n, h, w, 3], white strokes on black.
        share: 0 to 1; 0 returns `maps`.
        seeds: whole numbers that decide, for each map, whether and how it is redrawn.

    Raises:
        MissingPart: OpenCV is not installed.
    """
    if not share:
        return maps
    made = maps.copy()
    for place, seed in enumerate(seeds):
        draw = np.random.default_rng(list(seed))
        if draw.random() < share:
            made[place] = redraw(made[place, :, :, 0], draw)[:, :, None]
    return made


def redraw(edges: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Returns edges as a hand might draw them: uint8 [h, w], 0 or 255.

    Args:
        edges: uint8 [h, w], 255 on the edges.
        draw: decides which pieces are left out, the bend and the width.

    Raises:
        MissingPart: OpenCV is not installed.
    """
    cv2 = opencv()
    side = min(edges.shape)
    _, pieces, boxes, _ = cv2.connectedComponentsWithStats((edges > 127).astype(np.uint8), connectivity=8)
    lengths = boxes[:, cv2.CC_STAT_AREA]
    kept = (lengths >= draw.uniform(0, _MOST_LEFT_OUT) * side) & (draw.random(len(lengths)) < _KEPT)
    kept[0] = False  # the ground
    drawn = np.where(kept[pieces], 255, 0).astype(np.uint8)
    down, across = (
        cv2.resize(draw.uniform(-_BEND, _BEND, (_GRID, _GRID)).astype(np.float32) * side, edges.shape[::-1],
                   interpolation=cv2.INTER_CUBIC)
        for _ in range(2)
    )  # fmt: skip
    rows, columns = np.mgrid[: edges.shape[0], : edges.shape[1]].astype(np.float32)
    bent = cv2.remap(drawn, columns + across, rows + down, cv2.INTER_LINEAR)
    width = max(1, round(float(draw.choice(_WIDTHS)) * side / 128))
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.where(cv2.dilate(bent, brush) > 100, 255, 0).astype(np.uint8)
