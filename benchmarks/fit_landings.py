"""How a checkpoint's distance falls with the pictures it was trained on, over all its landings, and what a goal needs.

    python benchmarks/judge_pocket.py --only frechet --paintings 400 --guidance 2.5 --checkpoint X --work W ...    # for each
    python benchmarks/fit_landings.py 47000=W/HASH/judgement.json 267000=... 461000=... --goal 0.76 --rate "one core" 10

Fits distance - floor = b * pictures ** -c, in logarithms, where the floor is the distance of other real paintings. A goal is
a share of the way from real paintings blurred to 16x16 px to that floor. Of three landings one degree of freedom is left:
the interval says what follows if each distance is wrong by `--error`.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def fit(pictures: Sequence[float], above: Sequence[float]) -> tuple[float, float]:
    """Returns (log b, c) of above = b * pictures ** -c by least squares in logarithms."""
    slope, start = np.polyfit(np.log(pictures), np.log(above), 1)
    return float(start), float(-slope)


def needed(start: float, power: float, above: float) -> float:
    """The pictures at which the fit has fallen to `above`; infinite if it does not fall."""
    return math.exp((start - math.log(above)) / power) if power > 0 else math.inf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("landings", nargs="+", metavar="PICTURES=JUDGEMENT.json")
    parser.add_argument("--goal", type=float, default=0.76, help="share of the way from blurred to other real paintings")
    parser.add_argument("--error", type=float, default=5.0, help="of each distance")
    parser.add_argument(
        "--rate", nargs=2, action="append", default=[], metavar=("MACHINE", "PICTURES/S"),
        help="how long it would take there",
    )
    given = parser.parse_args()
    if len(given.landings) < 2:
        parser.error("name two landings or more")
    rows = []
    for text in given.landings:
        pictures, _, file = text.partition("=")
        found = json.loads(Path(file).read_text("utf-8"))["frechet"]
        rows.append((float(pictures), found["paintings"], found["floor"], found["blurred"]))
    rows.sort()
    if max(abs(a - b) for row in rows for a, b in zip(row[2:], rows[0][2:], strict=True)) > 0.1:
        parser.error("the landings were judged against different real paintings")
    floor, blurred = rows[0][2:]
    count, above = [row[0] for row in rows], [row[1] - floor for row in rows]
    print("pictures seen   distance   way from blurred to floor")
    for pictures, distance, *_ in rows:
        print(f"{pictures:13,.0f} {distance:10.1f} {(blurred - distance) / (blurred - floor):13.0%}")
    start, power = fit(count, above)
    goal = (1 - given.goal) * (blurred - floor)
    draws = np.random.default_rng(0).normal(0, given.error, (2000, len(above)))
    fits = [fit(count, np.maximum(np.array(above) + one, 1.0)) for one in draws]
    low, high = np.quantile([needed(*one, goal) for one in fits], (0.025, 0.975))
    print(f"distance = {floor:.1f} + {math.exp(start):.4g} * pictures ** -{power:.3f}")
    wanted = needed(start, power, goal)
    print(f"{given.goal:.0%} of the way, {floor + goal:.0f}, needs {wanted:.3g} pictures [{low:.2g}, {high:.2g}]")
    for machine, rate in given.rate:
        hours = wanted / float(rate) / 3600
        print(f"  {machine}, {float(rate):g} pictures/s: {hours:.3g} h")


if __name__ == "__main__":
    main()
