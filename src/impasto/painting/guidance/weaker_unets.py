"""The weaker U-Nets that some guiders lead away from, each created on first use."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from torch import nn

from impasto.checkpoints.guide import lacking_guide
from impasto.errors import UsageError
from impasto.painting.guidance.pag import perturbed
from impasto.painting.guidance.record import Worse

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.engines.conditioned import ControllableUNet
    from impasto.painting.engines.painting_engine import PaintingEngine


class RunsUNets(Protocol):
    """What runs weaker U-Nets."""

    def another(self, name: str, model: nn.Module) -> "ControllableUNet":
        """Returns a U-Net ready to run, kept under its name."""
        ...


class WeakerUNets:
    """The weaker U-Nets of one checkpoint: its guide and a perturbed copy of its own U-Net."""

    def __init__(self, components: "Components", engine: "PaintingEngine") -> None:
        self._components, self._engine = components, engine
        self._known: dict[str, nn.Module] = {}

    def models(self, kinds: Iterable[Worse]) -> "dict[str, nn.Module]":
        """Returns the checkpoint's guide, and a perturbed copy of its own U-Net, where they are among `kinds`.

        Raises:
            UsageError: the checkpoint has no guide.
            MissingPart, ImpastoError: its guide is incomplete, or does not fit it.
        """
        return {kind: self._model(kind) for kind in kinds if kind}

    def of(self, kind: Worse, engine: "RunsUNets | None" = None) -> "ControllableUNet | None":
        """Returns one of `models`, ready to run; None for a guider that needs neither. It raises the same.

        `engine` runs it in place of the painter's.
        """
        return (engine or self._engine).another(kind, self._model(kind)) if kind else None

    def _model(self, kind: Worse) -> nn.Module:
        if kind not in self._known:
            worse = perturbed(self._components.unet) if kind == "perturbed" else self._components.guide
            if worse is None:
                raise UsageError(lacking_guide(self._components.base_name))
            self._known[kind] = worse
        return self._known[kind]
