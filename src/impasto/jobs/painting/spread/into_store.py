"""Paintings whose `--out` is the address of an object store: each is put there as soon as it is finished.

Every file gets a name that its content makes, `<words>-<first 20 digits of its SHA-256><suffix>`, and is put if it is
absent: a job given again, or on two machines at once, puts each picture once. Nothing is listed, replaced or renamed.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.events import Event, PictureDone
from impasto.jobs.painting.paint_files import PaintedFile
from impasto.settings import cache_folder
from impasto.spreading import HERE, unit_key

if TYPE_CHECKING:
    from impasto.stores.store import Store

_DIGITS = 20


def paint_into_store(job: Job, address: str, context: Context) -> list[PaintedFile]:
    """Runs a job whose `out` is an address: it paints into a folder of this machine's cache, which then goes.

    With a spread, a killed job that is given again goes on from what is in that folder.

    Raises:
        UsageError: a series; the address of a single file; files to be replaced. MissingPart: the package for the address
            is not installed. ImpastoError: the store cannot be written. Others: as the job.
    """
    from impasto.stores.opening import store_of

    if address.lower().endswith(".png"):
        raise UsageError(f"--out {address}: in an object store, pictures are named by their content: give a folder")
    if getattr(job, "is_series", False):
        raise UsageError(f"--out {address}: a series is painted into a folder, with its sheet; `paint --prompts` is none")
    if dict(job).get("overwrite"):
        raise UsageError(f"--overwrite: files of {address} are never replaced")
    putting = _Putting(store_of(address))
    putting.check()
    folder = cache_folder() / "to-store" / unit_key(address, job.to_json())[:16]
    if context.spread is HERE:
        shutil.rmtree(folder, ignore_errors=True)

    def hear(event: Event) -> None:
        if isinstance(event, PictureDone):
            event = replace(event, path=putting.put(event.path))
        context.on_event(event)

    made: list[PaintedFile] = job.model_copy(update={"out": folder}).run(replace(context, on_event=hear))
    for file in sorted(folder.rglob("*")):  # what lies beside paintings
        if file.is_file():
            putting.put(file)
    shutil.rmtree(folder, ignore_errors=True)
    there = putting.names
    return [replace(one, path=there[one.path], beside=there.get(one.beside) if one.beside else None) for one in made]


class _Putting:
    """Puts files, each once.

    Attributes:
        names: where each file of this machine is in the store.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.names: dict[Path, Path] = {}

    def check(self) -> None:
        """Asks the store for something, so that missing credentials are told before anything is painted.

        Raises:
            ImpastoError: it cannot be asked.
        """
        try:
            self._store.find(".impasto")
        except OSError as error:
            raise ImpastoError(f"{self._store.place} cannot be used: {error.strerror}") from None

    def put(self, file: Path) -> Path:
        """Puts a file and returns its address as a path.

        Raises:
            ImpastoError: it cannot be put.
        """
        if file not in self.names:
            from impasto.weights.file_hash import hash_file

            name = f"{file.stem}-{hash_file(file)[:_DIGITS]}{file.suffix.lower()}"
            try:
                self._store.put_if_absent(name, file)
            except OSError as error:
                raise ImpastoError(f"{self._store.place}/{name} cannot be written: {error.strerror}") from None
            self.names[file] = Path(self._store.place) / name
        return self.names[file]
