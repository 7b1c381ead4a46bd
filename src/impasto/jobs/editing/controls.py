"""The controls of a painting: their options, checked without the disk, and their pictures, when the job runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.painting.control.control import Control
    from impasto.painting.control.record import ControlNote


def check_controls(
    words: Sequence[str], nets: Sequence[str], weights: Sequence[float], starts: Sequence[float], ends: Sequence[float],
    guess: bool,
) -> None:  # fmt: skip
    """Checks the options of controls.

    Raises:
        UsageError: a value is out of its range, or given without a control.
    """
    if not words:
        given = {"--control-net": nets, "--control-weight": weights, "--control-from": starts, "--control-until": ends,
                 "--control-guess": guess}  # fmt: skip
        lonely = next((option for option, value in given.items() if value), None)
        if lonely is not None:
            raise UsageError(f"{lonely} is for a control: add --control KIND=PICTURE, or leave it away")
        return
    from impasto.painting.control.control import check_control, check_count, parse_control, spread

    check_count(len(words))
    for word in words:
        parse_control(word)
    if len(nets) not in (0, 1, len(words)):
        raise UsageError(f"--control-net is given {len(nets)} times for {len(words)} controls: give one for all, or each")
    count = len(words)
    for numbers in zip(
        spread("--control-weight", weights, count, 1.0), spread("--control-from", starts, count, 0.0),
        spread("--control-until", ends, count, 1.0), strict=True,
    ):  # fmt: skip
        check_control(*numbers)


def open_controls(
    words: Sequence[str], nets: Sequence[str], weights: Sequence[float], starts: Sequence[float], ends: Sequence[float],
    guess: bool,
) -> "tuple[Control, ...]":  # fmt: skip
    """Opens the pictures of controls.

    Raises:
        UsageError, ImpastoError: as `check_controls`; a file is missing or no picture.
    """
    if not words:
        return ()
    from impasto.painting.control.control import Control, parse_control, spread
    from impasto.painting.editing.source import open_source

    count = len(words)
    chosen = list(nets) if len(nets) == count else [nets[0] if nets else ""] * count
    numbers = zip(
        spread("--control-weight", weights, count, 1.0), spread("--control-from", starts, count, 0.0),
        spread("--control-until", ends, count, 1.0), strict=True,
    )  # fmt: skip
    found = []
    for word, net, (weight, start, until) in zip(words, chosen, numbers, strict=True):
        maker, picture = parse_control(word)
        found.append(Control(maker, open_source(picture, "--control "), net, weight, start, until, guess))
    return tuple(found)


def recorded_controls(
    notes: "Sequence[ControlNote] | None", painting: Path, source: Path | None
) -> "tuple[Control, ...]":
    """Returns the controls of a painting's record, with their pictures found and opened.

    Raises:
        UsageError, MissingPart, ImpastoError: as `recorded_edit`; this version has no such maker.
    """
    from impasto.jobs.editing.recorded import found_file
    from impasto.painting.control.control import Control
    from impasto.vision.control_maps.makers import parse_maker

    return tuple(
        Control(parse_maker(note.condition), found_file(note.source, painting, source), note.net, note.weight, note.start,
                note.until, note.guess, note.net_hash)
        for note in notes or ()
    )  # fmt: skip
