"""Impasto: paintings -> captions -> retraining -> prompt expansion -> new paintings -> judgement.

    painter = impasto.Painter.load("pocket")
    painting = painter.paint("boats at sunset", artist="Claude Monet", seed=1)
    painting.save("boats.png")
    impasto.expand("urbanization of China")[0].text  # a richer prompt

What needs torch is imported when it is first asked for, so that `import impasto` and `impasto --help` stay quick.
"""

from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError, MissingPart, UsageError

if TYPE_CHECKING:
    from impasto.painting.painter import Painter
    from impasto.painting.painting import Painting
    from impasto.painting.provenance.record import read_provenance
    from impasto.painting.upscaling.tiles import Upscaler
    from impasto.prompts.condition import Condition
    from impasto.prompts.expansion.expander import expand
    from impasto.prompts.expansion.pipeline import Expansion

__version__ = "0.1.0"
__all__ = [
    "Condition",
    "Expansion",
    "ImpastoError",
    "MissingPart",
    "Painter",
    "Painting",
    "Upscaler",
    "UsageError",
    "__version__",
    "expand",
    "read_provenance",
]

_HOMES = {
    "Painter": "impasto.painting.painter",
    "Painting": "impasto.painting.painting",
    "Upscaler": "impasto.painting.upscaling.tiles",
    "read_provenance": "impasto.painting.provenance.record",
    "Condition": "impasto.prompts.condition",
    "Expansion": "impasto.prompts.expansion.pipeline",
    "expand": "impasto.prompts.expansion.expander",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'impasto' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
