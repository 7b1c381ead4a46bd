"""Impasto: paintings -> captions -> retraining -> prompt expansion -> new paintings -> judgement.

    impasto.paint("boats at sunset", artist="Claude Monet", seed=1)[0].path  # pictures/boats-at-sunset-1.png
    painting = impasto.Painter.load("pocket").paint("boats at sunset")  # a picture in memory
    impasto.Catalogue.import_("my-pictures", "catalogue").caption()
    impasto.train("wang2023-artist", catalogue="catalogue", artist="Claude Monet", run="runs/monet")
    impasto.evaluate("pictures", against="catalogue")
    impasto.expand("urbanization of China")[0].text  # a richer prompt

`__all__` is what is public; docs/python.md shows all of it.

What needs torch is imported when it is first asked for, so that `import impasto` and `impasto --help` stay quick.
"""

from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError, MissingPart, StoppedError, UsageError
from impasto.settings import quieten_bitsandbytes

if TYPE_CHECKING:
    from impasto.api.catalogue import Catalogue
    from impasto.api.credentials import sign, sign_bytes, verify
    from impasto.api.editing import attention, control_map, edit, inpaint, instruct, outpaint
    from impasto.api.judging import evaluate, evaluate_edits, find_copies, reproduce, sweep
    from impasto.api.painting import grid, paint, repaint, upscale
    from impasto.api.running import run
    from impasto.api.training import train
    from impasto.painting.painter import Painter
    from impasto.painting.painting import Painting
    from impasto.painting.provenance.record import read_provenance
    from impasto.painting.upscaling.tiles import Upscaler
    from impasto.prompts.condition import Condition
    from impasto.prompts.expansion.expander import expand
    from impasto.prompts.expansion.pipeline import Expansion

__version__ = "0.1.0"
__all__ = [
    "Catalogue",
    "Condition",
    "Expansion",
    "ImpastoError",
    "MissingPart",
    "Painter",
    "Painting",
    "StoppedError",
    "Upscaler",
    "UsageError",
    "__version__",
    "attention",
    "control_map",
    "edit",
    "evaluate",
    "evaluate_edits",
    "expand",
    "find_copies",
    "grid",
    "inpaint",
    "instruct",
    "outpaint",
    "paint",
    "read_provenance",
    "repaint",
    "reproduce",
    "run",
    "sign",
    "sign_bytes",
    "sweep",
    "train",
    "upscale",
    "verify",
]

_HOMES = {
    "Catalogue": "impasto.api.catalogue",
    "sign": "impasto.api.credentials",
    "sign_bytes": "impasto.api.credentials",
    "verify": "impasto.api.credentials",
    "evaluate": "impasto.api.judging",
    "evaluate_edits": "impasto.api.judging",
    "find_copies": "impasto.api.judging",
    "reproduce": "impasto.api.judging",
    "sweep": "impasto.api.judging",
    "attention": "impasto.api.editing",
    "control_map": "impasto.api.editing",
    "edit": "impasto.api.editing",
    "inpaint": "impasto.api.editing",
    "instruct": "impasto.api.editing",
    "outpaint": "impasto.api.editing",
    "grid": "impasto.api.painting",
    "paint": "impasto.api.painting",
    "repaint": "impasto.api.painting",
    "upscale": "impasto.api.painting",
    "run": "impasto.api.running",
    "train": "impasto.api.training",
    "Painter": "impasto.painting.painter",
    "Painting": "impasto.painting.painting",
    "Upscaler": "impasto.painting.upscaling.tiles",
    "read_provenance": "impasto.painting.provenance.record",
    "Condition": "impasto.prompts.condition",
    "Expansion": "impasto.prompts.expansion.pipeline",
    "expand": "impasto.prompts.expansion.expander",
}

# First of all: diffusers, transformers and peft all import bitsandbytes.
quieten_bitsandbytes()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'impasto' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
