"""Judges `paint --best-of`: how much more often a probe of real works names the artist asked for in the paintings it keeps.

Every prompt is painted by every artist with 8 seeds. The scorer of `--best-of` ranks them; of the first 2, 4 and 8 seeds
the best is kept. A linear probe, trained on real works, names the artist of each painting. The share that is right among
all paintings is what the first seed gives; the share among the kept ones is what the choice gives. Two scores are tried: by
prompt and artist, as `--best-of` takes it, and by the prompt alone.

The probe and the pocket scorer both look through EfficientNet-Lite2 (at different sizes), so they may share mistakes: with
`--scorer FOLDER` of CLIP the two are independent.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.evaluation.estimate import estimate_mean
from impasto.evaluation.features import OFFLINE, features_of, load_extractor
from impasto.evaluation.style_probe import StyleProbe
from impasto.painting.best_of.choosing import PromptScorer
from impasto.painting.file_names import slug
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.vision.scorers.interface import load_scorer

ARTISTS = ("Vincent van Gogh", "Nicholas Roerich", "Pierre-Auguste Renoir", "Claude Monet", "Rembrandt", "Ivan Aivazovsky")
PROMPTS = ("boats at sunset", "a village in the snow", "portrait of a woman", "a vase of flowers")
SEEDS, COUNTS = 8, (1, 2, 4, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True, help="real paintings with artists")
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--scorer", default=None, help="pocket, or CLIP's folder")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--works", type=int, default=150, help="real works of each artist that train the probe, at most")
    parser.add_argument("--folder", type=Path, default=Path("scratch/best-of"), help="where paintings are kept")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    asks = [(artist, prompt) for artist in ARTISTS for prompt in PROMPTS]
    requests = [
        PaintRequest(Condition(prompt, artist), seed=seed, steps=options.steps, guidance=options.guidance)
        for artist, prompt in asks
        for seed in range(1, SEEDS + 1)
    ]
    files = [options.folder / f"{slug(one.condition.text())}-{options.steps}-{one.seed}.png" for one in requests]
    missing = [place for place, file in enumerate(files) if not file.exists()]
    painter = Painter.load(options.checkpoint)
    for place, painting in zip(missing, painter.paint_many([requests[place] for place in missing]), strict=True):
        painting.save(files[place])

    extractor = load_extractor(OFFLINE)
    works = [entry for entry in read_catalogue(options.catalogue, check_images=False).entries if entry.artist in ARTISTS]
    chosen = [entry for artist in ARTISTS for entry in [one for one in works if one.artist == artist][: options.works]]
    real = features_of("real works", chosen, extractor)
    held_out = np.array([is_held_out(entry.file_name) for entry in real.entries])
    artists = np.array([entry.artist for entry in real.entries])
    probe = StyleProbe.train(real.rows[~held_out], list(artists[~held_out]))
    painted = features_of("paintings", [CatalogueEntry(file, file.name) for file in files], extractor)
    named = np.array([found == one.condition.artist for found, one in zip(probe.name(painted.rows), requests, strict=True)])

    from PIL import Image

    scorer = PromptScorer(load_scorer(options.scorer))
    whole, alone = np.zeros(len(requests)), np.zeros(len(requests))
    for start in range(0, len(requests), SEEDS):
        places = range(start, start + SEEDS)
        pictures = [Image.open(files[place]) for place in places]
        for place, (prompt, artist) in zip(places, scorer.score(requests[start].condition, pictures), strict=True):
            whole[place], alone[place] = (prompt or 0.0) + (artist or 0.0), prompt or 0.0
    report = {
        "scorer": scorer.scorer.name,
        "probe right on held-out works": round(float(probe.accuracy(real.rows[held_out], list(artists[held_out]))), 3),
        "chance": round(1 / len(ARTISTS), 3),
        "asks": len(asks),
    }
    for name, scores in (("prompt and artist", whole), ("prompt alone", alone)):
        for count in COUNTS:
            rows = scores.reshape(-1, SEEDS)[:, :count]
            kept = np.arange(len(rows)) * SEEDS + rows.argmax(axis=1)
            right = estimate_mean(named[kept].astype(float))
            report[f"named, best of {count} by {name}"] = [round(x or 0.0, 3) for x in (right.value, right.low, right.high)]
    everything = estimate_mean(named.astype(float))
    report["named, all seeds"] = [round(x or 0.0, 3) for x in (everything.value, everything.low, everything.high)]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
