"""The job `train/wang2023-masters`: the paper's protocol with a separate retraining run for each of nine artists."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from impasto.errors import ImpastoError
from impasto.jobs.context import Context
from impasto.jobs.training.retraining import ArtistRecipeJob, RetrainJob
from impasto.jobs.training.run import check_files
from impasto.jobs.training.several import train_each

if TYPE_CHECKING:
    from impasto.training.recipes.wang2023 import Master

FOLDER = Path("runs/wang2023")


class MastersJob(ArtistRecipeJob):
    """Retrains a checkpoint for each of nine masters, one after the other.

    Attributes:
        out: the folder of the nine runs; None for `runs/wang2023`.
        command: the words of `impasto train wang2023-artist`, without the artist, with which each run can be resumed.
    """

    kind: ClassVar[str] = "train/wang2023-masters"

    def run(self, context: Context) -> Any:
        """Trains for one master after the other; returns a list of `Trained`, or of `Estimate` in a dry run.

        Raises:
            UsageError, MissingPart, ImpastoError: the catalogue does not exist, or holds none of the nine; otherwise the
                same as `RetrainJob`.
            StoppedError: the training was stopped; the same job resumes it.
        """
        from impasto.data.catalogue.read import read_catalogue
        from impasto.training.recipes.wang2023 import WANG2023_MASTERS

        check_files(self.catalogue)
        there = {entry.artist for entry in read_catalogue(self.catalogue, check_images=False).entries}
        masters = [master for master in WANG2023_MASTERS if master.name in there]
        if not masters:
            names = ", ".join(master.name for master in WANG2023_MASTERS)
            raise ImpastoError(f"{self.catalogue} holds none of the nine: {names}")
        for master in WANG2023_MASTERS:
            if master not in masters:
                context.note(f"{master.name}: {self.catalogue} holds no work, so there is no run")
        jobs = [(master, self.one(master)) for master in masters]
        return train_each([(f"{master.name} ({master.reason}): {job.out}", job) for master, job in jobs], context)

    def one(self, master: "Master") -> RetrainJob:
        """Returns the retraining job of one master: a separate run that can be resumed alone."""
        choices = {name: getattr(self, name) for name in ArtistRecipeJob.model_fields if name not in ("out", "command")}
        out = (self.out or FOLDER) / master.name.casefold().replace(" ", "-")
        command = (*self.command, "--artist", master.name) if self.command else ()
        return RetrainJob(**choices, artist=master.name, out=out, command=command)
