"""Several trainings, each in a run's folder of its own: one after the other, or side by side by the context's workers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs import job_from_json
from impasto.jobs.context import Context
from impasto.jobs.training.retraining import ArtistRecipeJob, RetrainJob
from impasto.jobs.training.run import Trained, TrainingJob, check_files
from impasto.painting.file_names import slug
from impasto.spreading import HERE, Unit, results, unit_key

FOLDER = Path("runs/wang2023-artist")


@dataclass(frozen=True)
class TrainWork:
    """Trains. A payload is the JSON of a training; its run's folder must be one that driver and workers share.

    Attributes:
        on_gpu: whether each training gets a GPU.
    """

    on_gpu: bool = False
    name = "trainings"

    @property
    def gpus(self) -> float:
        """1 on a GPU."""
        return float(self.on_gpu)

    def do(self, payload: str, halvings: int) -> bytes:
        """Trains to the end, or goes on with a run that was stopped, and returns the folders as JSON.

        Raises:
            ImpastoError: the training failed; its batch is part of the recipe and is not made smaller.
        """
        if halvings:
            raise ImpastoError("out of memory: give a smaller batch or size, or workers with more memory")
        try:
            trained: Trained = job_from_json(payload).run(Context())
        except StoppedError as error:
            raise ImpastoError(str(error)) from None
        return json.dumps([str(trained.run), None if trained.made is None else str(trained.made)]).encode()

    def stop(self, payload: str) -> None:
        """Asks a training in work to write its state and end after its present step."""
        from impasto.training.runs.folder import RunFolder

        out = getattr(job_from_json(payload), "out", None)
        if out is not None and (folder := RunFolder(out)).is_running:
            folder.request_stop()


def train_each(jobs: Sequence[tuple[str, TrainingJob]], context: Context) -> list[Any]:
    """Runs trainings, each with its sentence for the user, and returns their results in order.

    Raises:
        UsageError, MissingPart, ImpastoError: as the trainings; with workers, after the others have ended.
        StoppedError: it was stopped; the same job resumes it.
    """
    if context.spread is HERE or any(getattr(job, "dry_run", False) for _, job in jobs):
        done = []
        for told, job in jobs:
            context.note(told)
            done.append(job.run(context))
        return done
    from impasto.jobs.painting.spread.settled import is_gpu

    for told, _ in jobs:
        context.note(told)
    units = [Unit(n, unit_key(job.to_json()), job.to_json()) for n, (_, job) in enumerate(jobs)]
    trained: dict[int, Trained] = {}
    failed: list[ImpastoError] = []
    try:
        with results(context.spread, TrainWork(is_gpu("auto")), units, rows=len(units), in_order=False) as found:
            for one in found:
                if one.error is not None:
                    context.failure(f"{jobs[one.unit.number][0]}: {one.error}")
                    failed.append(one.error)
                    continue
                run, made = json.loads(one.result)
                trained[one.unit.number] = Trained(Path(run), None if made is None else Path(made))
                context.figures(run=run, made=made or run)
                context.progress(f"{len(trained)} of {len(jobs)} trainings", len(trained) / len(jobs))
    except KeyboardInterrupt:
        told = f"stopped: {len(trained)} of {len(jobs)} trainings are complete; the same command resumes the others"
        raise StoppedError(told) from None
    if failed:
        raise failed[0] if len(jobs) == 1 else ImpastoError(f"{len(failed)} of {len(jobs)} trainings failed")
    return [trained[n] for n in range(len(jobs))]


class ArtistsJob(ArtistRecipeJob):
    """Retrains a checkpoint on the works of each of several artists, each in a run of its own.

    Attributes:
        artists: their names in the catalogue, or parts of them.
        out: the folder of the runs; None for `runs/wang2023-artist`.
        command: the words of `impasto train wang2023-artist`, without artist and folder, for `impasto runs resume`.
    """

    kind: ClassVar[str] = "train/wang2023-artists"

    artists: tuple[str, ...]

    def check_values(self) -> None:
        """Raises UsageError if no artist is named, one is named twice, or a value is invalid."""
        names = [name.strip() for name in self.artists]
        if not all(names) or not names:
            raise UsageError("--artist is empty: name one")
        if len({slug(name) for name in names}) < len(names):
            raise UsageError("--artist: each artist once, their runs would have the same folder")
        super().check_values()

    def run(self, context: Context) -> Any:
        """Trains for all artists; returns a list of `Trained`, or of `Estimate` in a dry run.

        Raises:
            UsageError, MissingPart, ImpastoError, StoppedError: as `train_each`.
        """
        check_files(self.catalogue)
        jobs = [self.one(name.strip()) for name in self.artists]
        return train_each([(f"{job.artist}: {job.out}", job) for job in jobs], context)

    def one(self, artist: str) -> RetrainJob:
        """Returns the retraining of one artist: a separate run that can be resumed alone."""
        choices = {name: getattr(self, name) for name in ArtistRecipeJob.model_fields if name not in ("out", "command")}
        out = (self.out or FOLDER) / slug(artist)
        command = (*self.command, "--artist", artist, "--run", str(out)) if self.command else ()
        return RetrainJob(**choices, artist=artist, out=out, command=command)
