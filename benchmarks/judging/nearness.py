"""`--only nearest`: how near paintings lie to training pictures, beside held-out real paintings, which are no copies."""

import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from histogram import draw_histogram
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.nearest import distance_ratios, further_right, nearest_training_pictures
from impasto.painting.sheets.layout import draw_sheet
from impasto.training.examples.training_set import condition_of
from judged_pictures import JudgedPictures

PERCENTILES = (5, 25, 50, 75, 95, 99, 100)
COMPARED = (50, 75, 95, 99)
MEMORIZED = 1 / 3  # d1 / d2 below this, as Yoon et al. 2023 have it


def nearest(judged: JudgedPictures, count: int, figure: Path) -> dict[str, Any]:
    """Half of the paintings have conditions of training pictures, where a copy is likeliest, half of held-out ones."""
    if not judged.held_out:
        raise ImpastoError("the catalogue holds no picture out: there is nothing to hold the paintings against")
    training = judged.real_features(judged.training)
    draw = random.Random(3)
    half = min(count // 2, len(judged.training))
    seen, unseen = draw.sample(judged.training, half), draw.sample(judged.held_out, min(count - half, len(judged.held_out)))
    asked = [*seen, *unseen]
    requests = [judged.request(condition_of(entry), 700 + number) for number, entry in enumerate(asked)]
    pictures, features, _ = judged.painted("nearest", requests)
    ours = nearest_training_pictures(features, training)
    reals = draw.sample(judged.held_out, min(count, len(judged.held_out)))
    real = judged.real_features(reals)
    theirs = nearest_training_pictures(real, training)
    groups = {
        f"{len(reals)} held-out real paintings": theirs.cosine,
        f"{len(asked)} paintings of the checkpoint": ours.cosine,
        f"  {half} of texts it was trained on": ours.cosine[:half],
        f"  {len(unseen)} of held-out texts": ours.cosine[half:],
    }
    print(f"\nnearest: cosine to the nearest of {len(training)} training pictures, percentiles")
    print(f"  {'':36s}" + "".join(f"{p:>7d}%" for p in PERCENTILES))
    table = {}
    for label, cosines in groups.items():
        if len(cosines):
            table[label.strip()] = {str(p): float(np.percentile(cosines, p)) for p in PERCENTILES}
            print(f"  {label:36s}" + "".join(f"{value:8.3f}" for value in table[label.strip()].values()))
    right = further_right(ours.cosine, theirs.cosine, COMPARED)
    print(f"  {verdict(right)}")
    shares = {"real": _memorized(real, training), "paintings": _memorized(features, training)}
    print(f"  d1/d2 below 1/3: {shares['paintings']:.1%} of the paintings, {shares['real']:.1%} of the held-out real ones")
    figure.parent.mkdir(parents=True, exist_ok=True)
    drawn = [(label, cosines) for label, cosines in groups.items() if not label.startswith(" ")]
    draw_histogram(drawn, "cosine to the nearest training picture").save(figure, optimize=True)
    pairs, labels = [], []
    for place in ours.closest(8):
        match = judged.training[int(ours.place[place])]
        pairs.append([Image.fromarray(pictures[place]), Image.fromarray(judged.squares([match])[0])])
        labels.append(f"{ours.cosine[place]:.3f}  {requests[place].condition.text()[:70]}  |  {match.file_name[:70]}")
    sheet = judged.work / "closest-pairs.png"
    draw_sheet(pairs, labels, cell=256).save(sheet)
    print(f"  {figure}; the 8 closest pairs, with paintings of the catalogue in it (do not publish it): {sheet}")
    return {"training": len(training), "percentiles": table, "further_right_at": right, "ratio_below_third": shares}


def verdict(right: list[int]) -> str:
    """One line on where the paintings' curve lies beside the real one's."""
    where = ", ".join(f"{p} %" for p in right)
    if not right:
        return f"the paintings' curve lies nowhere further right than the real one, of {COMPARED} %"
    if len(right) == len(COMPARED):
        return f"the paintings' curve lies further right than the real one at all of {COMPARED} %"
    return f"the paintings' curve lies further right than the real one at {where}, of {COMPARED} %"


def _memorized(features: np.ndarray, training: np.ndarray) -> float:
    return float(np.mean(distance_ratios(features, training) < MEMORIZED))
