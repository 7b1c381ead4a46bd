"""The job `train/control`: trains a ControlNet for a checkpoint."""

from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.fine_tuning import WholeCatalogueJob
from impasto.jobs.training.plan import Learns
from impasto.jobs.training.run import TrainingRun
from impasto.training.methods.control_choices import ControlChoices
from impasto.training.methods.fine_tuning_choices import FineTuning


class ControlJob(WholeCatalogueJob):
    """Trains a network that makes a checkpoint follow a map: edges, strokes, colours (ControlNet, Zhang et al. 2023).

    Attributes:
        catalogue: a folder of pictures; the maps are made from the pictures themselves.
        condition: what the maps are: a maker of `impasto control map`, with its settings.
        checkpoint: whose U-Net is controlled; it is not changed.
        steps: number of training steps, instead of epochs.
        layers and the others: see `ControlChoices`.
    """

    kind: ClassVar[str] = "train/control"
    learns: ClassVar[Learns] = "control"

    condition: str
    steps: int | None = None
    layers: str | None = None
    redrawn: float | None = None
    consistency: float | None = None
    snr_gamma: float | None = None
    noise_offset: float | None = None
    timestep_bias: float | None = None
    text_dropout: float | None = None
    validation_every: int | None = None
    validation_pictures: int | None = None

    @property
    def loop_steps(self) -> int | None:
        """The number of training steps; None if minutes or epochs determine it."""
        return self.steps

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        from impasto.vision.control_maps.makers import parse_maker

        if self.minutes is not None and self.steps is not None:
            raise UsageError("give --minutes or --steps, not both")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps {self.steps}: use 1 or more")
        parse_maker(self.condition)
        self.choices()
        super().check_values()

    def choices(self) -> ControlChoices:
        """Returns the recipe's options, overridden by the given fields."""
        given: dict[str, Any] = self.changes(ControlChoices)
        return ControlChoices(**given)

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Trains the network and returns its folder."""
        from impasto.training.recipes.control import train_control
        from impasto.vision.control_maps.makers import parse_maker

        del choices  # the same options, but typed as the base class
        return train_control(
            self.catalogue, run.path, parse_maker(self.condition), self.choices(), checkpoint=self.checkpoint,
            steps=self.steps, **self.how(run),
        )  # fmt: skip
