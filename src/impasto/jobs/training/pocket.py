"""The job `train/pocket`: the whole of pocket from a catalogue, or a folder to train it elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun, check_files


class PocketJob(TimedTrainingJob):
    """Pocket: autoencoder, denoiser with its memory, and decoder. Each phase goes on where it was.

    Attributes:
        catalogue: a folder of pictures with metadata, or artist/picture.jpg.
        minutes: of all phases together, all restarts too; more of them go on from the plateau.
        autoencoder: a trained autoencoder's folder, in place of training one.
        decoder: whether a decoder for pictures of twice the size follows.
        size: pixels of a side; `batch`: pictures a step.
        optimizer: of the denoiser: "adamw" or "muon".
        compiled: whether the denoiser's step is compiled; None for on CUDA only.
        device: auto, cpu, cuda, cuda:1 or mps; `precision`: "auto", "fp32" or "bf16".
        pack: write a folder that trains where neither network nor diffusers is, of `count` pictures; train nothing.
        unpack: make a run of what a pack's train.py wrote.
    """

    kind: ClassVar[str] = "train/pocket"

    catalogue: Path | None = None
    minutes: float = 240.0
    autoencoder: Path | None = None
    decoder: bool = True
    size: int = 128
    batch: int = 64
    optimizer: Literal["adamw", "muon"] = "adamw"
    compiled: bool | None = None
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    pack: Path | None = None
    count: int | None = None
    unpack: Path | None = None

    def check_values(self) -> None:
        """Raises UsageError where a value makes no sense."""
        if self.pack is not None and self.unpack is not None:
            raise UsageError("--pack and --unpack: give one of them")
        if self.unpack is None and self.catalogue is None:
            raise UsageError("--catalogue is missing: give a folder of pictures")
        super().check_values()

    def check_disk(self) -> None:
        """Raises UsageError where a folder is not there."""
        if self.unpack is None:
            check_files(self.catalogue)
        elif not self.unpack.is_dir():
            raise UsageError(f"--unpack {self.unpack}: there is no such folder")

    def run(self, context: Context) -> Any:
        """Trains, goes on, or makes a run of a pack's weights; returns `Trained`, or with `pack` the `PackReport`.

        Raises:
            UsageError, MissingPart, ImpastoError: something is not there, or the recipe failed.
            StoppedError: it was stopped; the same job goes on.
        """
        if self.pack is None or self.catalogue is None:
            return super().run(context)
        self.check_disk()
        from impasto.training.pocket.pack.write import write_pack

        return write_pack(self.catalogue, self.pack, size=self.size, count=self.count)

    def train(self, run: TrainingRun) -> Path:
        """Trains, or unpacks; returns the checkpoint's folder."""
        if self.unpack is not None:
            from impasto.training.pocket.pack.begin import unpack

            return unpack(self.unpack, run.path)
        return self._train_phases(run)

    def _train_phases(self, run: TrainingRun) -> Path:
        from impasto.training.distributed.shared_cores import SharedCores
        from impasto.training.pocket.choices import PocketChoices
        from impasto.training.pocket.machine import find_machine
        from impasto.training.pocket.pack.begin import choices_to_go_on
        from impasto.training.pocket.phases import PocketRequest, train_phases

        machine = find_machine(self.device, self.precision)
        fast = machine.device.type == "cuda"
        choices = replace(
            PocketChoices(), batch=self.batch, optimizer=self.optimizer,
            compiled=fast if self.compiled is None else self.compiled,
        )  # fmt: skip
        assert self.catalogue is not None  # `check_values` has seen to it
        request = PocketRequest(
            self.catalogue, self.minutes, size=self.size, seed=self.seed, autoencoder=self.autoencoder, decoder=self.decoder,
            choices=choices_to_go_on(run.path, choices),
        )  # fmt: skip
        should_stop = SharedCores(run.should_stop) if machine.device.type == "cpu" else run.should_stop
        return train_phases(request, run.path, machine, should_stop=should_stop, on_progress=run.on_progress)
