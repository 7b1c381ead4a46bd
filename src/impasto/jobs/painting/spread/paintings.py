"""Paints a job's units by the workers of a `Spread`, and gives their files the names and the order of the local run.

A worker returns files as bytes. They are named when it is the unit's turn; the names are written to a log before the files,
so that a killed job, given again, finishes what it began and paints nothing twice that was kept.
"""

import io
import json
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impasto.data.caches.row_log import RowLog
from impasto.errors import ImpastoError, StoppedError
from impasto.files import write_atomically
from impasto.jobs import job_from_json
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.events import Event, Failure, Note, PictureDone
from impasto.jobs.painter_pool import PainterPool
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint_files import PaintedFile
from impasto.spreading import Unit, results, unit_key

_TOLD = "told.json"
_NUMBERED = re.compile(r"(.*)-[1-9]\d{0,8}\.png")


@dataclass
class PaintWork:
    """Paints units. A payload is the JSON of a job; a result is a ZIP of its files, with what it told in `told.json`.

    Attributes:
        on_gpu: whether the device is a GPU.
    """

    on_gpu: bool = False
    _painters: PainterPool | None = field(default=None, repr=False)

    name = "paintings"

    def __getstate__(self) -> dict[str, Any]:
        return {"on_gpu": self.on_gpu, "_painters": None}

    @property
    def gpus(self) -> float:
        """1 on a GPU."""
        return float(self.on_gpu)

    def do(self, payload: str, halvings: int) -> bytes:
        """Paints a unit; after a want of memory fewer pictures at once."""
        job: Any = job_from_json(payload)
        if halvings:
            job = job.model_copy(update={"batch": max(1, (job.batch or job.count) >> halvings)})
        if self._painters is None:
            self._painters = PainterPool()
        notes: list[str] = []
        made: list[str] = []

        def hear(event: Event) -> None:
            if isinstance(event, Note | Failure):
                notes.append(event.text)
            elif isinstance(event, PictureDone):
                made.append(event.path.name)

        with tempfile.TemporaryDirectory(prefix="impasto-unit-") as folder:
            files = job.model_copy(update={"out": Path(folder)}).run(Context(on_event=hear, painters=self._painters))
            beside = {one.path.name: one.beside.name for one in files if one.beside is not None}
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                told = {"notes": notes, "made": made, "beside": beside}
                archive.writestr(zipfile.ZipInfo(_TOLD), json.dumps(told))
                for file in sorted(Path(folder).iterdir()):
                    archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
        return packed.getvalue()


def unpacked(result: bytes, folder: Path, seconds: float) -> tuple[list[PictureDone], list[str]]:
    """Writes the files of a unit's result to `folder`, under the names that the unit gave them.

    Returns:
        Its paintings, each said to have taken `seconds`, and its notes.
    """
    from impasto.painting.provenance.record import ForeignRecord, read_provenance

    told, files = _read(result)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    made = []
    for name in told["made"]:
        record = read_provenance(folder / name)
        assert not isinstance(record, ForeignRecord)  # it was painted here
        made.append(PictureDone(folder / name, seconds, record, {}))
    return made, told["notes"]


def _read(result: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Returns what a unit told, and its files by name."""
    with zipfile.ZipFile(io.BytesIO(result)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name != _TOLD}
        return json.loads(archive.read(_TOLD)), files


def paint_spread(
    units: Sequence[str] | Iterator[str],
    count: int,
    out: Path,
    context: Context,
    work: PaintWork,
    *,
    job: Job,
    content: str,
    pictures: int,
    go_on: bool,
) -> list[PaintedFile]:
    """Paints all units and returns the paintings, in order.

    Args:
        units: the JSON of each unit's job.
        count: how many units.
        out: the folder of the paintings, or one FILE.png.
        work: what is done with them.
        job: the whole job, by which a job that was killed is found again.
        content: a hash of the checkpoint.
        pictures: of each unit, but perhaps the last.
        go_on: whether a unit that fails is reported, and the others are painted.

    Raises:
        ImpastoError: units failed, or a file cannot be written. StoppedError: the job was stopped.
    """
    place = _Place(out, place_of(job, out))
    done: dict[int, list[PaintedFile]] = {}
    failed, noted, started = 0, set[str](), time.monotonic()

    def missing() -> Iterator[Unit]:
        for number, text in enumerate(units):
            known = place.finished(number)
            if known is None:
                yield Unit(number, unit_key(content, text), text, pictures)
            else:
                done[number] = _told(known, {}, context, 0.0)

    def stopped() -> str:
        return f"stopped: {len(done)} of {count} units are painted, and the same command goes on from there"

    try:
        with results(context.spread, work, missing(), rows=count * pictures, place=place.units) as found:
            for one in found:
                if one.error is not None:
                    if not go_on:
                        raise one.error
                    context.failure(one.error)
                    failed += 1
                    continue
                told, beside, files = place.publish(one.unit.number, one.result)
                for note in told["notes"]:
                    if note not in noted:
                        noted.add(note)
                        context.note(note)
                done[one.unit.number] = _told(files, beside, context, time.monotonic() - started)
                context.progress(f"{len(done)} of {count}" + (" units" if pictures > 1 else ""), len(done) / count)
    except KeyboardInterrupt:
        raise StoppedError(stopped()) from None
    if failed:
        place.end()
        raise ImpastoError(f"{failed} of {count} paintings failed")
    place.end()
    return [file for number in sorted(done) for file in done[number]]


def place_of(job: Job, out: Path) -> Path:
    """Returns the folder where a job's units are kept until it ends: beside its paintings, named by the job."""
    folder = out.parent if out.suffix.lower() == ".png" else out
    return folder / f".impasto-{unit_key(job.to_json())[:16]}"


def say_begun_elsewhere(job: Job, out: Path, context: Context) -> None:
    """Notes that the same job was begun by workers of a `Spread` and did not end: it is now painted anew."""
    if place_of(job, out).is_dir():
        context.note(f"{out}: the same command was begun with --on and did not end; without --on all is painted again")


def kept_seed(job: Job, out: Path, seed: int) -> int:
    """Returns the seed that a killed job of the same JSON drew, or keeps `seed` as this one's."""
    file = place_of(job, out) / "seed"
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        pass
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, str(seed).encode())
    except OSError as error:
        raise ImpastoError(f"{file} cannot be written: {error.strerror}") from None
    return seed


def _told(
    files: Mapping[str, Path], beside: Mapping[str, str], context: Context, seconds: float
) -> list[PaintedFile]:
    from impasto.painting.provenance.record import ForeignRecord, read_provenance

    found = []
    for name, path in files.items():
        record = read_provenance(path)
        assert not isinstance(record, ForeignRecord)  # it was painted here
        kept = files.get(beside.get(name, ""))
        found.append(PaintedFile(path, record, seconds, kept))
        context.picture_done(path, seconds, record)
    return found


class _Place:
    """The folder of a job that is painted: the journal of its units, and the log of the names that its files got."""

    def __init__(self, out: Path, folder: Path) -> None:
        self._out, self._folder, self.units = out, folder, folder / "units"
        self._log = RowLog(folder / "names.jsonl", lambda row: isinstance(row, dict) and isinstance(row.get("unit"), int))
        self._rows: dict[int, dict[str, Any]] = {row["unit"]: row for row in self._log.rows()}
        self._folders = [one for one in (folder.parent, *folder.parent.parents) if not one.exists()]

    def finished(self, number: int) -> dict[str, Path] | None:
        """Returns the paintings of a unit by their first names, if all its files have been written."""
        row = self._rows.get(number)
        if row is None or not all(self._at(name).exists() for _, name in row["files"]):
            return None
        names = dict(row["files"])
        return {name: self._at(names[name]) for name in row["made"]}

    def publish(self, number: int, result: bytes) -> tuple[dict[str, Any], dict[str, str], dict[str, Path]]:
        """Writes a unit's files; returns what it told, which painting lies beside which, and the paintings by first names.

        Raises:
            ImpastoError: a file cannot be written.
        """
        told, files = _read(result)
        row = self._rows.get(number)
        if row is None:
            names = self._named(told["made"], told["beside"])
            names |= {name: name for name in files if name not in names}
            row = self._rows[number] = {"unit": number, "made": told["made"], "files": list(names.items())}
            self._log.append([row])
        self._write(files, dict(row["files"]))
        at = dict(row["files"])
        return told, told["beside"], {name: self._at(at[name]) for name in told["made"]}

    def end(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for folder in self._folders:
            with suppress(OSError):
                folder.rmdir()  # the job made it and put nothing there

    def _at(self, name: str) -> Path:
        return self._folder.parent / name

    def _named(self, made: Sequence[str], beside: Mapping[str, str]) -> dict[str, str]:
        """Returns the paintings' names in the unit with those that the local run would give them now."""
        names: dict[str, str] = {}
        free: dict[str, int] = {}  # the next number of each stem
        for name in made:
            match = _NUMBERED.fullmatch(name)
            if self._out.suffix.lower() == ".png":
                names[name] = self._out.name
            elif name in beside:
                names[name] = Path(names[beside[name]]).stem + name.removeprefix(Path(beside[name]).stem)
            elif match is None:
                names[name] = name
            else:
                stem = match.group(1)
                if stem not in free:
                    path = Output(self._folder.parent, stem).free_path()
                    free[stem] = int(path.stem.removeprefix(f"{stem}-"))
                names[name] = f"{stem}-{free[stem]}.png"
                free[stem] += 1
        return names

    def _write(self, files: Mapping[str, bytes], names: Mapping[str, str]) -> None:
        for name, to in names.items():
            path = self._at(to)
            try:
                write_atomically(path, files[name])
            except OSError as error:
                raise ImpastoError(f"{path} cannot be written: {error.strerror}") from None
