"""How a recipe tells how far it is, and hears that it should end."""

from collections.abc import Callable

Progress = Callable[[str, float, dict[str, float]], None]  # stage, share done 0 to 1, latest losses
ShouldStop = Callable[[], bool]  # asked after every step: whether to write the state and end


def no_report(stage: str, share: float, losses: dict[str, float]) -> None:
    """Tells nobody."""
    del stage, share, losses


def never() -> bool:
    """Nobody asks to stop."""
    return False


def each_step(on_progress: Progress) -> Callable[[int, float, dict[str, float]], None]:
    """What the loop calls after every step: it is told as the stage `step n`."""
    return lambda step, share, losses: on_progress(f"step {step}", share, losses)
