"""Reads the text file that A1111 and its forks write beside a picture on request: its record, if the picture has none."""

from dataclasses import replace
from pathlib import Path

from impasto.painting.foreign import ForeignRecord, RecordError, read_foreign
from impasto.painting.foreign.record import plain_text

RECORD_FROM = "record from"
_LONGEST = 4 << 20  # bytes


def read_beside(picture: Path) -> ForeignRecord | None:
    """Returns the record in the text file beside a picture, `a.txt` or `a.png.txt` of `a.png`; None if there is none.

    A caption is no record: it has no settings. The record's `extra` names the file as "record from".
    """
    for file in (picture.with_suffix(".txt"), picture.with_name(f"{picture.name}.txt")):
        text = _text(file)
        if not text.strip():
            continue
        try:
            record = read_foreign({"UserComment": text})
        except RecordError:
            continue
        if record is not None:
            return replace(record, extra={RECORD_FROM: plain_text(file.name), **record.extra})
    return None


def _text(file: Path) -> str:
    """Returns the text of a small file, UTF-8 or Windows-1252; "" if there is none."""
    try:
        if not file.is_file() or file.stat().st_size > _LONGEST:
            return ""
        content = file.read_bytes()
    except (OSError, ValueError):
        return ""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeError:
        return content.decode("cp1252", "replace")
