"""Normalises metadata rows of other data sets to a catalogue's columns, names and dates."""

import re
from functools import lru_cache
from typing import Any

from impasto.data.catalogue.artist_names import artist_name, repair_text
from impasto.data.catalogue.dates import read_date

# Column names in other tables, by the catalogue's column.
_COLUMNS = {
    "file_name": ("file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_path", "image_file"),
    "artist": ("artist", "painter", "artist_name", "artistname", "author", "creator"),
    "title": ("title", "name", "artwork", "artwork_title", "work", "painting"),
    "year": ("year", "date", "completion_year", "completitionyear", "date_created", "created", "year_created", "dating"),
    "style": ("style", "movement", "art_style", "school"),
    "genre": ("genre", "category", "subject_type"),
    "text": ("text", "caption", "description", "prompt"),
}
# ArtGAN's class list has another name for this style than the archive's folders and the hub.
_OTHER_WORDS = {"Art Nouveau": "Art Nouveau Modern"}
_COLUMN_OF = {name: column for column, names in _COLUMNS.items() for name in names}


@lru_cache(maxsize=1000)
def column_of(name: str) -> str | None:
    """Returns the catalogue's column for a table's column `name`, or None."""
    return _COLUMN_OF.get(_plain(name))


@lru_cache(maxsize=1000)
def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())


def tidy_row(row: dict[str, Any], defaults: dict[str, str] | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Returns a row with a catalogue's columns in normalised form, and remarks on values that were not understood.

    `_COLUMNS` maps the column names, ignoring case; of several columns for one the first that is not empty is used. Names
    are normalised. The first year of a date is stored in `year`, its words in `date`. `defaults` fill empty columns.
    """
    found: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in row.items():
        plain, column = _plain(name), column_of(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if column is None:
            others.setdefault(plain, repair_text(value) if isinstance(value, str) else value)
        elif column not in found or plain == column:
            if column == "year" and "year" in found:
                others["date"] = str(found["year"])
            found[column] = value
        elif column == "year":
            others["date"] = repair_text(str(value))
    for column, value in (defaults or {}).items():
        found.setdefault(column, value)
    texts = ("title", "style", "genre", "text")
    tidy: dict[str, Any] = {column: repair_text(str(found[column])) for column in texts if column in found}
    tidy |= {column: class_words(tidy[column]) for column in ("style", "genre") if column in tidy}
    if "artist" in found:
        tidy["artist"] = artist_name(str(found["artist"]))
    remarks = ()
    if "year" in found:
        value = found["year"]
        date = read_date(value)
        words = repair_text(str(value))
        if date.year is not None:
            tidy["year"] = date.year
        if words not in (str(date.year), f"{date.year}.0"):
            others["date"] = words
        if not date.understood:
            remarks = (f"date {words[:60]!r} tells no year",)
    return {key: value for key, value in (tidy | others).items() if value != ""}, remarks


def class_words(name: str) -> str:
    """Converts a style or genre to words: "still_life" becomes "still life"; "Unknown Genre" and the like become ""."""
    words = " ".join(repair_text(name).replace("_", " ").split())
    if words.lower().startswith("unknown") or words.lower() == "none":
        return ""
    return _OTHER_WORDS.get(words, words)
