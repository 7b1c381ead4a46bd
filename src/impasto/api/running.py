"""Python API: runs any job, here or on the fleet."""

from typing import TYPE_CHECKING, Any

from impasto.api.session import OnEvent, ShouldStop, log_notes, run_job

if TYPE_CHECKING:
    from impasto.jobs.base import Job


def run(
    job: "Job",
    *,
    on: str | None = None,
    workers: int | None = None,
    cores_per_worker: int = 1,
    gpus_per_run: float | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> Any:
    """Runs a job (`impasto.jobs.job_class("caption")(...)`) and returns its result; see docs/fleet.md.

    Args:
        job: the job.
        on: None for this process; "ray" for workers on this machine's cores, ended with the job; "ray://host:port" for a
            cluster's. Files and results are the same.
        workers: how many at most; None for as many as cores or GPUs allow.
        cores_per_worker: cores, and threads, of each.
        gpus_per_run: GPUs of each; None for what the job asks for.
        on_event: called with every event; if not given, notes go to the logger `impasto`.
        should_stop: called repeatedly; True lets the units in work finish, keeps them, and ends with `StoppedError`.

    Raises:
        UsageError, MissingPart, ImpastoError: as the job; the job cannot be divided, or Ray is not installed.
        StoppedError: it was stopped.
    """
    if on is None:
        return run_job(job, on_event, should_stop)
    from impasto.fleet.place import Place
    from impasto.fleet.run import run_on
    from impasto.jobs.context import Context

    context = Context(on_event=on_event or log_notes)
    if should_stop is not None:
        context.should_stop = should_stop
    return run_on(job, Place.read(on, workers=workers, cores=cores_per_worker, gpus=gpus_per_run), context)
