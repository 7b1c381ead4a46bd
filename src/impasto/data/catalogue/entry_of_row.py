"""Makes a catalogue's entry from a row of metadata, whose values may be of any kind."""

import json
import math
from pathlib import Path
from typing import Any

from impasto.data.annotations.decisions import MAX_TEXT
from impasto.data.catalogue.columns import text_list, text_variants_of
from impasto.data.catalogue.dates import read_date
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.plain_text import cleaned, unprintable

MAX_NAME = 120
_KNOWN = ("file_name", "artist", "title", "text", "year", "style", "genre", "tags", "captions", "repeats")


def entry_of_row(name: str, file: Path, row: dict[str, Any], report: CatalogueReport) -> CatalogueEntry:
    """Returns the entry of a row with a catalogue's columns; values that cannot be used are in `report.warnings`."""

    def words(key: str, longest: int = MAX_NAME) -> str:
        value = row.get(key)
        if value is None:
            return ""
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number and not isinstance(value, str):
            report.warnings.append(Skipped(name, f"{key} is not a text"))
            return ""
        text = str(value).strip()
        if unprintable(text):
            report.warnings.append(Skipped(name, f"{key} holds control characters"))
            text = cleaned(text)
        if len(text) > longest:
            report.warnings.append(Skipped(name, f"{key} is longer than {longest} characters and is left out"))
            return ""
        return text

    artist = row.get("artist")
    if isinstance(artist, list) and artist and all(isinstance(one, str) for one in artist):
        row = {**row, "artist": "; ".join(artist)}  # a joint work
    captions = _captions(name, row, report)
    is_text = not isinstance(row.get("text"), list) and not text_list(row.get("text"))
    caption = (words("text", MAX_TEXT) if is_text else "") or next(iter(captions), "")
    extra = {
        cleaned(key): cleaned(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in row.items()
        if key not in _KNOWN and value is not None
    }
    return CatalogueEntry(
        file=file,
        file_name=name,
        artist=words("artist"),
        title=words("title", 300),
        caption=caption,
        style=words("style"),
        genre=words("genre"),
        year=_year(name, row.get("year"), report),
        tags=_tags(name, row.get("tags"), report),
        extra=extra,
        variants=tuple(text for text in captions if text != caption),
        repeats=_repeats(row.get("repeats")),
    )


def _captions(name: str, row: dict[str, Any], report: CatalogueReport) -> list[str]:
    """Returns the captions of `captions`, and of `text` if that is a list, also one written as text."""
    text = row.get("text")
    listed = text_variants_of(text) if isinstance(text, list) else text_list(text)
    texts = [cleaned(one).strip() for one in (*listed, *text_variants_of(row.get("captions")))]
    long = sum(len(one) > MAX_TEXT for one in texts)
    if long:
        report.warnings.append(Skipped(name, f"{long} captions are longer than {MAX_TEXT} characters and are left out"))
    return list(dict.fromkeys(one for one in texts if one and len(one) <= MAX_TEXT))


def _repeats(value: Any) -> int:
    return min(value, 1000) if isinstance(value, int) and not isinstance(value, bool) and value > 1 else 1


def _year(name: str, value: Any, report: CatalogueReport) -> int | None:
    found = read_date(value)
    if not found.understood:
        report.warnings.append(Skipped(name, f"year {cleaned(str(value)[:40])!r} is not a year of a painting"))
    return found.year


def _tags(name: str, value: Any, report: CatalogueReport) -> tuple[str, ...]:
    """Returns the tags of a list, or of one text with commas between, as in a table."""
    found = value.split(",") if isinstance(value, str) else value
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
        report.warnings.append(Skipped(name, "tags is not a list of texts"))
        return ()
    tags = (cleaned(tag).strip() for tag in found)
    return tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= MAX_NAME))
