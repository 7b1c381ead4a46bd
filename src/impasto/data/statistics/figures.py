"""Draws a catalogue's statistics as charts: the artists with the most paintings (figure 3 of wu2022), and the decades."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.data.statistics.counts import CatalogueStatistics
from impasto.errors import MissingPart
from impasto.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOP = 30  # artists, as in figure 3
_INK, _BAR, _GRID = "#333333", "#3b6ea5", "#dddddd"
_DOTS_PER_INCH = 150
_LONGEST_NAME = 40


def write_figures(found: CatalogueStatistics, folder: Path) -> list[Path]:
    """Writes `artists.png` and `decades.png` into `folder` and returns their paths. A chart without data is left out.

    Raises:
        MissingPart: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise MissingPart("figures need matplotlib: pip install 'impasto[data]'") from None
    written = []
    for name, wanted, draw in (
        ("artists.png", found.artists, artists_figure),
        ("decades.png", found.decades, decades_figure),
    ):
        if wanted:
            data = io.BytesIO()
            draw(found).savefig(data, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
            write_atomically(folder / name, data.getvalue())
            written.append(folder / name)
    return written


def artists_figure(found: CatalogueStatistics) -> "Figure":
    """Returns a chart with horizontal bars, the artist with the most paintings on top."""
    artists = found.artists[:TOP]
    figure, axes = _axes(7.5, 1.4 + 0.25 * len(artists))
    names = [name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…" for name, _ in artists]
    counts = [count for _, count in artists]
    # By position, not by name: two long names may be cut to the same text.
    bars = axes.barh(range(len(artists)), counts, color=_BAR, height=0.72)
    axes.set_yticks(range(len(artists)), names, parse_math=False)
    axes.invert_yaxis()
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8, color=_INK)
    axes.set_xlim(0, max(counts) * 1.08)
    axes.set_ylim(len(artists) - 0.4, -0.6)
    axes.set_xticks([])  # the labels at the bars show the counts
    axes.spines["bottom"].set_visible(False)
    share = f"{100 * found.share(len(artists)):.2f} % of {found.paintings:,} paintings"
    axes.set_title(f"The {len(artists)} artists with the most paintings: {share}", fontsize=10, loc="left", pad=10)
    return figure


def decades_figure(found: CatalogueStatistics) -> "Figure":
    """Returns a chart with one bar per decade.

    The earliest paintings, up to two in a thousand, have no bar; the axis label gives their number. Otherwise a papyrus
    would squeeze the other bars.
    """
    from matplotlib.ticker import MaxNLocator

    dated = sum(count for _, count in found.decades)
    shown, earlier = list(found.decades), 0
    while len(shown) > 1 and earlier + shown[0][1] <= 0.002 * dated:
        earlier += shown.pop(0)[1]
    figure, axes = _axes(7.5, 3.6)
    axes.bar([decade + 5 for decade, _ in shown], [count for _, count in shown], width=8.4, color=_BAR)
    axes.set_xlim(shown[0][0] - 5, shown[-1][0] + 15)
    axes.yaxis.grid(True, color=_GRID, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(0, 1.05 * max(count for _, count in shown))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    axes.set_ylabel("paintings", fontsize=9, color=_INK)
    left_out = f" ({earlier:,} earlier ones not shown)" if earlier else ""
    axes.set_xlabel(f"year, by decade{left_out}", fontsize=9, color=_INK)
    axes.set_title(f"{dated:,} of {found.paintings:,} paintings have a year", fontsize=10, loc="left", pad=10)
    return figure


def _axes(width: float, height: float) -> tuple["Figure", "Axes"]:
    """Creates an empty figure of this size in inches, without the frame's left, right and upper lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    return figure, axes
