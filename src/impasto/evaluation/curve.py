"""Draws measures along one setting, such as the guidance, as curves with their intervals."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from impasto.errors import ImpastoError, MissingPart
from impasto.evaluation.estimate import Estimate, Measured
from impasto.evaluation.labels import LESS_IS_BETTER, MORE_IS_BETTER, direction, label

_INK, _LINE, _BAND, _BEST, _GRID = "#333333", "#3b6ea5", "#c9d8ea", "#c0504d", "#dddddd"
_UNSURE = "#8c8c8c"
WITHIN_CHANCE = "best within chance"
_DOTS_PER_INCH = 150
_TITLE_LETTERS, _LEGEND_LETTERS = 118, 148  # of a line of words above and below the panels, which are 9 inches wide
_LONGEST_VALUE = 24  # letters of a name under the axis


@dataclass(frozen=True)
class Curve:
    """The measures at the values of a setting.

    Attributes:
        axis: the name of the setting.
        values: its values in words.
        numbers: its values as numbers, in rising order; None for names, which are drawn side by side.
        measures: name of the measure -> its value at each of `values`, or why there is none.
        title, legend: words above and below.
        is_fid: whether the distances may be called FID and KID.
    """

    axis: str
    values: tuple[str, ...]
    numbers: tuple[float, ...] | None
    measures: Mapping[str, Sequence[Measured]]
    title: str = ""
    legend: str = ""
    is_fid: bool = False

    def best(self, measure: str) -> int | None:
        """Returns the place of the best value, the first of equal ones; None if the measure has no better direction."""
        known = [(one.value, place) for place, one in enumerate(self.measures[measure]) if isinstance(one, Estimate)]
        if not known or measure not in (*LESS_IS_BETTER, *MORE_IS_BETTER):
            return None
        sign = 1 if measure in LESS_IS_BETTER else -1
        return min((sign * value, place) for value, place in known)[1]

    def is_within_chance(self, measure: str) -> bool:
        """Returns whether the interval of the best value overlaps that of every other one, so that chance may decide."""
        best = self.best(measure)
        found = [one for one in self.measures[measure] if isinstance(one, Estimate)]
        winner = None if best is None else self.measures[measure][best]
        if not isinstance(winner, Estimate) or winner.low is None or winner.high is None:
            return False
        return all(
            one.low is None or one.high is None or (one.low <= winner.high and winner.low <= one.high) for one in found
        )


def draw_curve(curve: Curve) -> bytes:
    """Returns the curves as a PNG: a panel for each measure that has a value anywhere, with its interval as a band.

    Values that were not measured are gaps. The best value has a red ring and a red dot; if it is within chance, a grey ring,
    and the panel says so.

    Raises:
        MissingPart: matplotlib is not installed.
        ImpastoError: nothing was measured.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPart("the curve needs matplotlib: pip install 'impasto[judge]'") from None
    names = [name for name, found in curve.measures.items() if any(isinstance(one, Estimate) for one in found)]
    if not names:
        raise ImpastoError("there is no curve: nothing was measured")
    across = min(2, len(names))
    down = -(-len(names) // across)
    head = textwrap.wrap(curve.title, _TITLE_LETTERS, break_on_hyphens=False)
    foot = textwrap.wrap(curve.legend, _LEGEND_LETTERS, break_on_hyphens=False)
    height = 2.6 * down + 0.22 * (len(head) + len(foot)) + 0.3
    figure = Figure(figsize=(9, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for panel, name in zip(panels, names, strict=False):
        _draw_panel(panel, curve, name)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    if head:
        figure.suptitle("\n".join(head), fontsize=10, x=0.01, ha="left", color=_INK, parse_math=False)
    if foot:
        figure.supxlabel("\n".join(foot), fontsize=8, x=0.01, ha="left", color=_INK, parse_math=False)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return data.getvalue()


def panel_title(curve: Curve, name: str) -> str:
    """Returns the measure's name, which direction is better, and whether its best value is within chance."""
    words = [word for word in (direction(name), WITHIN_CHANCE if curve.is_within_chance(name) else "") if word]
    return label(name, is_fid=curve.is_fid) + (f" ({'; '.join(words)})" if words else "")


def _draw_panel(panel, curve: Curve, name: str) -> None:
    found = curve.measures[name]
    places = list(range(len(found))) if curve.numbers is None else list(curve.numbers)
    gap = float("nan")
    values = [one.value if isinstance(one, Estimate) else gap for one in found]
    ends = [(one.low, one.high) if isinstance(one, Estimate) else (None, None) for one in found]
    low = [gap if end is None else end for end, _ in ends]
    high = [gap if end is None else end for _, end in ends]
    if curve.numbers is None:
        bars = [[value - one for value, one in zip(values, low, strict=True)],
                [one - value for value, one in zip(values, high, strict=True)]]  # fmt: skip
        panel.errorbar(places, values, yerr=bars, fmt="o", color=_LINE, ecolor=_BAND, elinewidth=5, markersize=5)
        words = [one if len(one) <= _LONGEST_VALUE else f"{one[:_LONGEST_VALUE]}…" for one in curve.values]
        turned = sum(map(len, words)) > 40
        panel.set_xticks(places, words, rotation=30 if turned else 0, ha="right" if turned else "center", parse_math=False)
        panel.set_xlim(-0.5, len(places) - 0.5)
    else:
        panel.fill_between(places, low, high, color=_BAND, linewidth=0)
        panel.plot(places, values, "o-", color=_LINE, markersize=4, linewidth=1.5)
        panel.set_xlabel(curve.axis, fontsize=8, color=_INK)
    best = curve.best(name)
    if best is not None:
        unsure = curve.is_within_chance(name)
        panel.plot(
            [places[best]], [values[best]], "o", markersize=11, markerfacecolor="none", color=_UNSURE if unsure else _BEST
        )
        if not unsure:
            panel.plot([places[best]], [values[best]], "o", markersize=4, color=_BEST)
    panel.set_title(panel_title(curve, name), fontsize=9, loc="left", color=_INK)
    panel.set_axisbelow(True)
    panel.yaxis.grid(True, color=_GRID, linewidth=0.8)
    panel.tick_params(labelsize=8, colors=_INK, length=0)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color(_GRID)
