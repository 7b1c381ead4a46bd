"""Callback types by which a recipe reports its progress and checks whether it should stop."""

from collections.abc import Callable

Progress = Callable[[str, float, dict[str, float]], None]  # stage, share done 0 to 1, latest losses
ShouldStop = Callable[[], bool]  # called after every step; true: write the state and end


def no_report(stage: str, share: float, losses: dict[str, float]) -> None:
    """Ignores the progress."""
    del stage, share, losses


def never() -> bool:
    """Returns False: the run is never asked to stop."""
    return False


def each_step(on_progress: Progress) -> Callable[[int, float, dict[str, float]], None]:
    """Returns the callback that the loop calls after every step; it reports the step as the stage `step n`."""
    return lambda step, share, losses: on_progress(f"step {step}", share, losses)
