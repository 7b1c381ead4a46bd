"""Reads a checkpoint's own default settings for painting from the file `painting.json` in its folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impasto.checkpoints.guide import has_guide
from impasto.errors import ImpastoError
from impasto.weights.header import read_json

PAINTING_FILE = "painting.json"
AUTO, DOMAIN = "auto", "domain"  # the guiders that need a guide


@dataclass(frozen=True)
class PaintingDefaults:
    """Defaults that replace the general ones for settings that the user does not give; "" and None keep the general ones.

    Attributes:
        guider, sampler: by their names in `painting`.
        guidance: of that guider.
        guidance_interval: of the guider `interval`.
        steps: of that sampler.
        lacks_guide: the guider that the file names, and that is left out because there is no guide; "" otherwise.
    """

    guider: str = ""
    guidance: float | None = None
    guidance_interval: tuple[float, float] | None = None
    sampler: str = ""
    steps: int | None = None
    lacks_guide: str = field(default="", compare=False)


def read_painting_defaults(folder: Path | None) -> PaintingDefaults:
    """Reads `painting.json`, such as {"guider": "cfg", "guidance": 2.5, "sampler": "dpm++", "steps": 25}.

    Each key is optional, and so is the file. Other keys are ignored. A guider that needs a guide is ignored too if the guide
    is missing, and so is the guidance of `auto`, which is measured on a scale of its own.

    Raises:
        ImpastoError: the file exists, and one of the values is of the wrong type.
    """
    if folder is None or not (folder / PAINTING_FILE).is_file():
        return PaintingDefaults()
    file = folder / PAINTING_FILE
    said = read_json(file)
    for name in ("guider", "sampler"):
        _demand(file, name, isinstance(said.get(name, ""), str))
    _demand(file, "steps", said.get("steps") is None or type(said["steps"]) is int)
    _demand(file, "guidance", said.get("guidance") is None or _is_number(said["guidance"]))
    interval = said.get("guidance_interval")
    pair = isinstance(interval, list) and len(interval) == 2 and all(map(_is_number, interval))
    _demand(file, "guidance_interval", interval is None or pair)
    lacks_guide = said["guider"] if said.get("guider") in (AUTO, DOMAIN) and not has_guide(folder) else ""
    if lacks_guide:
        said = {**said, "guider": "", **({"guidance": None} if said["guider"] == AUTO else {})}
    return PaintingDefaults(
        guider=said.get("guider", ""),
        guidance=None if said.get("guidance") is None else float(said["guidance"]),
        guidance_interval=None if interval is None else (float(interval[0]), float(interval[1])),
        sampler=said.get("sampler", ""),
        steps=said.get("steps"),
        lacks_guide=lacks_guide,
    )


def without_guide(folder: Path | None) -> dict[str, Any] | None:
    """Returns the content of `painting.json` for a checkpoint that is made from `folder` without its guide.

    None: the file stays as it is.

    Raises:
        ImpastoError: the file is broken.
    """
    own = read_painting_defaults(folder)
    guider = own.lacks_guide or own.guider
    if folder is None or guider not in (AUTO, DOMAIN):
        return None
    left = ("guider", "guidance") if guider == AUTO else ("guider",)
    return {name: value for name, value in read_json(folder / PAINTING_FILE).items() if name not in left}


def domain_guided(folder: Path | None) -> dict[str, Any] | None:
    """Returns the content of `painting.json` for a checkpoint that is retrained from `folder`, with Domain Guidance.

    None: the checkpoint in `folder` asks for a guider that Domain Guidance cannot stand in for.

    Raises:
        ImpastoError: its `painting.json` is broken.
    """
    own = read_painting_defaults(folder)
    if own.guider not in ("", "cfg", AUTO, DOMAIN):
        return None
    said = read_json(folder / PAINTING_FILE) if folder is not None and (folder / PAINTING_FILE).is_file() else {}
    if own.guider == AUTO:
        said.pop("guidance", None)
    return {**said, "guider": DOMAIN}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _demand(file: Path, name: str, fine: bool) -> None:
    if not fine:
        raise ImpastoError(f"{file}: its {name} is no value for a painting")
