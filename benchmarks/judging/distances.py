"""`--only frechet` and `--only samplers`: Fréchet distances on EfficientNet-Lite2 features, which are no "FID"."""

import random
from typing import Any

import numpy as np
from PIL import Image

from impasto.data.catalogue.read import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.training.examples.training_set import condition_of
from impasto.vision.features.efficientnet import WIDTH, stack_images
from judged_pictures import JudgedPictures


def blurred(squares: np.ndarray) -> np.ndarray:
    """Each picture down to 16x16 px and back."""
    side = squares.shape[1]
    small = [Image.fromarray(square).resize((16, 16), Image.Resampling.BOX) for square in squares]
    return stack_images([image.resize((side, side), Image.Resampling.BICUBIC) for image in small])


def two_sets(judged: JudgedPictures, count: int) -> tuple[list[CatalogueEntry], list[CatalogueEntry]]:
    """Real pictures to compare with, and others of the same number whose conditions are painted."""
    pool = [*judged.training, *judged.held_out]
    if len(pool) < 2 * count:
        raise ImpastoError(f"{count} against {count} need {2 * count} real pictures, not {len(pool)}: ask for fewer")
    random.Random(7).shuffle(pool)
    return pool[:count], pool[count : 2 * count]


def say_if_few(count: int) -> None:
    if count <= WIDTH:
        print(f"  (fewer pictures than the {WIDTH} features: compare only with the other lines of this table)")


def frechet(judged: JudgedPictures, count: int) -> dict[str, Any]:
    """Reconstructions and blurred ones are of the very pictures they are compared with; the floor is of other pictures."""
    reals, others = two_sets(judged, count)
    real, squares = judged.real_features(reals), judged.squares(reals)
    requests = [judged.request(condition_of(entry), 9000 + number) for number, entry in enumerate(others)]
    rows = {
        "floor": ("other real paintings (the floor)", judged.real_features(others)),
        "reconstructed": ("themselves through the autoencoder", judged.features.of_squares(judged.reconstructions(squares))),
        "paintings": ("paintings of the checkpoint", judged.painted("frechet", requests)[1]),
        "blurred": ("themselves blurred to 16x16 and back", judged.features.of_squares(blurred(squares))),
    }
    found = {name: frechet_distance(real, features, allow_few=True) for name, (_, features) in rows.items()}
    print(f"\nfrechet: Fréchet distance on EfficientNet-Lite2 features, {count} against {count} real paintings")
    for name, (label, _) in rows.items():
        print(f"  {label:40s} {found[name]:9.3f}")
    way = (found["blurred"] - found["paintings"]) / (found["blurred"] - found["floor"])
    print(f"  the checkpoint is {way:.0%} of the way from the blurred ones to the floor")
    say_if_few(count)
    return {"count": count, "way": way, **found}


def samplers(judged: JudgedPictures, count: int) -> dict[str, Any]:
    """Both paint the same conditions from the same seeds."""
    reals, others = two_sets(judged, count)
    real, found = judged.real_features(reals), {}
    for name, sampler, steps, eta in (("dpm++, 20 steps", "dpm++", 20, 0.0), ("ddim, eta 1, 200 steps", "ddim", 200, 1.0)):
        requests = [
            judged.request(condition_of(entry), 100 + number, sampler=sampler, steps=steps, eta=eta)
            for number, entry in enumerate(others)
        ]
        _, features, seconds = judged.painted(f"samplers-{sampler}-{steps}", requests)
        found[name] = {"seconds": seconds / count, "distance": frechet_distance(real, features, allow_few=True)}
    print(f"\nsamplers: {count} paintings of each against {count} real ones")
    for name, row in found.items():
        print(f"  {name:24s} {row['seconds']:7.3f} s each   Fréchet distance {row['distance']:9.3f}")
    say_if_few(count)
    return {"count": count, **found}
