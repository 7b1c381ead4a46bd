"""The controls of a painting: their options, checked without the disk, and their pictures, when the job runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import MissingPart, UsageError

if TYPE_CHECKING:
    from impasto.painting.control.control import Control
    from impasto.painting.control.record import ControlNote


@dataclass(frozen=True)
class ControlOptions:
    """The controls as they are typed. Networks and numbers are given once for all, or once for each.

    Attributes:
        words: each as "KIND=PICTURE".
        nets: networks; "" for the checkpoint's own.
        weights, starts, ends: weight, and first and last share of the steps.
        guess: whether they act on the condition alone.
    """

    words: tuple[str, ...]
    nets: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    starts: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    guess: bool = False

    def check(self) -> None:
        """Checks everything that needs no file.

        Raises:
            UsageError: a value is out of its range, or given without a control.
        """
        if not self.words:
            given = {"--control-net": self.nets, "--control-weight": self.weights, "--control-from": self.starts,
                     "--control-until": self.ends, "--control-guess": self.guess}  # fmt: skip
            lonely = next((option for option, value in given.items() if value), None)
            if lonely is not None:
                raise UsageError(f"{lonely} is for a control: add --control KIND=PICTURE, or leave it away")
            return
        from impasto.painting.control.control import check_control, check_count, parse_control

        check_count(len(self.words))
        for word, (_, weight, start, until) in zip(self.words, self._each(), strict=True):
            parse_control(word)
            check_control(weight, start, until)

    def open(self) -> "tuple[Control, ...]":
        """Opens the pictures.

        Raises:
            UsageError, ImpastoError: as `check`; a file is missing or no picture.
        """
        if not self.words:
            return ()
        from impasto.painting.control.control import Control, parse_control
        from impasto.painting.editing.source import open_source

        found = []
        for word, (net, weight, start, until) in zip(self.words, self._each(), strict=True):
            maker, picture = parse_control(word)
            found.append(Control(maker, open_source(picture, "--control "), net, weight, start, until, self.guess))
        return tuple(found)

    def _each(self) -> list[tuple[str, float, float, float]]:
        """Returns network, weight, start and end of each control."""
        from impasto.painting.control.control import spread

        count = len(self.words)
        columns = (
            spread("--control-net", self.nets, count, ""), spread("--control-weight", self.weights, count, 1.0),
            spread("--control-from", self.starts, count, 0.0), spread("--control-until", self.ends, count, 1.0),
        )  # fmt: skip
        return list(zip(*columns, strict=True))


def planned_controls(controls: "Sequence[Control]", checkpoint: Path) -> "tuple[ControlNote, ...] | None":
    """Returns the record that controls will get; None without any.

    Args:
        checkpoint: its folder or file, which may have networks of its own.

    Raises:
        MissingPart, ImpastoError: there is no such network, or it cannot be read.
    """
    if not controls:
        return None
    from impasto.adapters.control.nets import controlnet_hash
    from impasto.adapters.control.own import own_controlnet
    from impasto.painting.control.record import ControlNote

    hashes = []
    for one in controls:
        kind = one.maker.spec.name
        net = one.net or own_controlnet(checkpoint, kind)
        if net is None:
            raise MissingPart(f"{checkpoint.name} has no network of its own for {kind}: name one with --control-net")
        hashes.append(controlnet_hash(net))
    return tuple(
        ControlNote(str(one.maker), one.source.note, one.net, found, float(one.weight), float(one.start), float(one.until),
                    one.guess)
        for one, found in zip(controls, hashes, strict=True)
    )  # fmt: skip


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
