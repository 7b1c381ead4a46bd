"""The job `train/pocket`: trains all parts of pocket on a catalogue, or writes a folder for training elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun, check_files


class PocketJob(TimedTrainingJob):
    """Trains pocket: autoencoder, denoiser with its memory, and decoder. Each phase can be resumed.

    Attributes:
        catalogue: a folder of pictures with metadata, or artist/picture.jpg.
        minutes: total duration of all phases and restarts; a larger value resumes from the learning rate's plateau.
        autoencoder: a trained autoencoder's folder, instead of training one.
        decoder: whether to train a decoder for pictures of twice the size at the end.
        size: pixels of a side.
        batch: pictures per step.
        optimizer: optimizer of the denoiser: "adamw" or "muon".
        small_first: the share of the denoiser's minutes, 0 to 0.9, in which it learns pictures of half the side. A step
            costs less there, and layout is learned.
        compiled: whether the denoiser's step is compiled; None for on CUDA only.
        device: auto, cpu, cuda, cuda:1 or mps.
        precision: "auto", "fp32" or "bf16".
        pack: writes a folder that can train without network access and without diffusers, and trains nothing.
        count: number of pictures in the pack.
        begin_from: a checkpoint of pocket, by name or folder, with whose weights a new run begins; its autoencoder is used.
            With `autoencoder` its denoiser is carried over to the latents of that one.
        unpack: converts the output of a pack's train.py to a run.
    """

    kind: ClassVar[str] = "train/pocket"

    catalogue: Path | None = None
    minutes: float = 240.0
    autoencoder: Path | None = None
    begin_from: str | None = None
    decoder: bool = True
    size: int = 128
    batch: int = 64
    optimizer: Literal["adamw", "muon"] = "adamw"
    small_first: float = 0.0
    compiled: bool | None = None
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    pack: Path | None = None
    count: int | None = None
    unpack: Path | None = None

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        if self.pack is not None and self.unpack is not None:
            raise UsageError("--pack and --unpack: give one of them")
        if self.unpack is None and self.catalogue is None:
            raise UsageError("--catalogue is missing: give a folder of pictures")
        if not 0 <= self.small_first <= 0.9:
            raise UsageError(f"small-first {self.small_first:g}: use 0 to 0.9")
        super().check_values()

    def check_disk(self) -> None:
        """Raises UsageError if a folder does not exist."""
        if self.unpack is None:
            check_files(self.catalogue)
        elif not self.unpack.is_dir():
            raise UsageError(f"--unpack {self.unpack}: there is no such folder")

    def run(self, context: Context) -> Any:
        """Trains, resumes, or converts a pack's weights to a run; returns `Trained`, or with `pack` the `PackReport`.

        Raises:
            UsageError, MissingPart, ImpastoError: a part does not exist, or the recipe failed.
            StoppedError: the training was stopped; the same job resumes it.
        """
        if self.pack is None or self.catalogue is None:
            return super().run(context)
        self.check_disk()
        from impasto.training.pocket.pack.write import write_pack

        return write_pack(self.catalogue, self.pack, size=self.size, count=self.count)

    def train(self, run: TrainingRun) -> Path:
        """Trains or unpacks, and returns the checkpoint's folder."""
        if self.unpack is not None:
            from impasto.training.pocket.pack.begin import unpack

            return unpack(self.unpack, run.path)
        return self._train_phases(run)

    def _train_phases(self, run: TrainingRun) -> Path:
        from impasto.training.distributed.shared_cores import SharedCores
        from impasto.training.pocket.begin_from import begin_from
        from impasto.training.pocket.choices import PocketChoices
        from impasto.training.pocket.machine import find_machine
        from impasto.training.pocket.pack.begin import choices_to_go_on
        from impasto.training.pocket.phases import PocketRequest, train_phases

        if self.begin_from is not None and self.autoencoder is None:
            begin_from(self.begin_from, run.path)
        machine = find_machine(self.device, self.precision)
        fast = machine.device.type == "cuda"
        if self.compiled and machine.device.type == "cpu":
            # torch 2.13's compiler keeps the first batch's number of tokens as a stride, and fails at the next one's.
            raise UsageError("--compile is for CUDA: torch's compiler for CPUs fails on texts of different lengths")
        choices = replace(
            PocketChoices(), batch=self.batch, optimizer=self.optimizer,
            compiled=fast if self.compiled is None else self.compiled, small_until=self.small_first,
        )  # fmt: skip
        assert self.catalogue is not None  # `check_values` has checked it
        request = PocketRequest(
            self.catalogue, self.minutes, size=self.size, seed=self.seed, autoencoder=self.autoencoder, decoder=self.decoder,
            carried=self.begin_from if self.autoencoder is not None else None,
            choices=choices_to_go_on(run.path, choices),
        )  # fmt: skip
        should_stop = SharedCores(run.should_stop) if machine.device.type == "cpu" else run.should_stop
        return train_phases(request, run.path, machine, should_stop=should_stop, on_progress=run.on_progress)
