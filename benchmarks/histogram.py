"""Histograms drawn over one another with Pillow alone."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLOURS = ("#3366aa", "#cc5533", "#228855", "#885599")


def draw_histogram(
    series: Sequence[tuple[str, np.ndarray]], axis: str, *, bins: int = 40, width: int = 720, height: int = 360
) -> Image.Image:
    """Steps of each (label, values in 0 .. 1): the share of its values in each bin."""
    picture = Image.new("RGB", (width, height), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    edges = np.linspace(0, 1, bins + 1)
    left, right, top, bottom = 54, width - 24, 24 + 18 * len(series), height - 52
    shares = [np.histogram(np.clip(values, 0, 1), edges)[0] / max(1, len(values)) for _, values in series]
    peak = max(float(share.max()) for share in shares) or 1.0
    for number, ((label, _), share) in enumerate(zip(series, shares, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        points = [(left, bottom)]
        for place, value in enumerate(share):
            y = bottom - value / peak * (bottom - top)
            points += [(left + edges[place] * (right - left), y), (left + edges[place + 1] * (right - left), y)]
        pen.line([*points, (right, bottom)], fill=colour, width=2)
        pen.line((left + 8, 18 + 18 * number, left + 30, 18 + 18 * number), fill=colour, width=3)
        pen.text((left + 38, 10 + 18 * number), label, fill="black", font=font)
    pen.line((left, bottom, right, bottom), fill="black")
    pen.text((6, top - 7), f"{peak:.0%}", fill="black", font=font)
    for tick in np.linspace(0, 1, 6):
        x = left + tick * (right - left)
        pen.line((x, bottom, x, bottom + 4), fill="black")
        pen.text((x - 8, bottom + 6), f"{tick:.1f}", fill="black", font=font)
    pen.text((left, bottom + 26), axis, fill="black", font=font)
    return picture
