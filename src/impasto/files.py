"""Atomic writes of files and folders, so that none is ever half-written; and texts in whatever encoding."""

import codecs
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from impasto.errors import UsageError


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name, syncs it to disk and renames it, so that `path` is never half-written."""
    with written_atomically(path) as file:
        file.write(data)


@contextmanager
def written_atomically(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Opens a temporary file for writing and reading. It is renamed to `path` on success, and deleted on an exception.

    `mode` holds the permissions that it is made with, less those that the process's umask takes away.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.unlink(missing_ok=True)  # of a process that was killed: its permissions would stay
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, mode), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Creates an empty temporary folder beside `folder`. It replaces `folder` on success, and is deleted on an exception.

    Raises:
        OSError: it cannot be written, or (ENOTEMPTY) another process replaced `folder` at the same time; its folder stays.
    """
    temporary = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    before = temporary.with_suffix(".old")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in [*temporary.rglob("*"), temporary]:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        with suppress(FileNotFoundError):
            folder.replace(before)
        try:
            temporary.replace(folder)
        except OSError:
            if before.exists() and not folder.exists():  # else another process was faster
                before.replace(folder)
            raise
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def with_usual_permissions(folder: Path) -> None:
    """Gives the files in `folder` and below the permissions that this process's new files have there.

    Libraries that write under a temporary name leave files that nobody else may read.
    """
    probe = folder / f".{os.getpid()}.probe"
    handle = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        usual = os.fstat(handle).st_mode & 0o777
    finally:
        os.close(handle)
        probe.unlink()
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(usual)


BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def decoded(data: bytes) -> str:
    """Decodes a small text of unknown origin: by its byte-order mark, else UTF-8, else UTF-16 if it has zero bytes.

    Anything else is Windows' Western code page, in which the five bytes without a character are Latin-1's.

    Raises:
        UnicodeDecodeError: a byte-order mark is wrong, or it is binary.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    zeros = [data[0::2].count(0), data[1::2].count(0)]
    if any(zeros):  # every other byte of Western words in UTF-16 is 0, and no other text has one
        return data.decode("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in data)


def check_file(path: Path, named: str = "") -> None:
    """Checks that a file which somebody named is there and is a file; `named` goes before it in the message ("--terms ").

    Raises:
        UsageError: there is no such file, or it is a folder.
    """
    if path.is_dir():
        raise UsageError(f"{named}{path} is a folder: name a file")
    if not path.is_file():
        raise UsageError(f"{named}{path}: there is no such file")


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
