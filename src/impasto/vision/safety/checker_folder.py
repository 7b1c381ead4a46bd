"""Finds the folder of Stable Diffusion's safety checker, without loading it."""

from pathlib import Path

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.weights.header import read_json
from impasto.weights.hub import HUB_NAME, cached_folder

HUB = "CompVis/stable-diffusion-safety-checker"
PART, EXTRACTOR = "safety_checker", "feature_extractor"


def find_checker(name: str) -> tuple[Path, Path]:
    """Returns the checker's folder, and the folder that says how pictures are prepared for it.

    Raises:
        UsageError: the name is empty.
        MissingPart: there is no such folder here.
        ImpastoError: it holds no safety checker.
    """
    if not name.strip() or "\0" in name:
        raise UsageError("the safety checker's name is empty: give its folder, or off")
    given = Path(name).expanduser()
    folder = given if given.is_dir() else cached_folder(name) if HUB_NAME.fullmatch(name) else None
    if folder is None:
        raise MissingPart(
            f"--safety-checker {name} is not here: give a folder with {HUB}'s config.json, preprocessor_config.json and"
            f" weights, a Stable Diffusion folder with {PART}, or off"
        )
    inside = folder / PART if (folder / PART).is_dir() else folder
    kinds = read_json(inside / "config.json").get("architectures")
    if not isinstance(kinds, list) or "StableDiffusionSafetyChecker" not in kinds:
        raise ImpastoError(f"{inside} holds no safety checker: its config.json names {kinds}")
    places = (inside, inside.parent / EXTRACTOR)
    preparing = next((place for place in places if (place / "preprocessor_config.json").is_file()), inside)
    return inside, preparing
