"""Normalises metadata rows of other data sets to a catalogue's columns, names and dates."""

from typing import Any

from impasto.data.annotations.decisions import MAX_TEXT
from impasto.data.catalogue.artist_names import artist_name, repair_text, without_life_dates
from impasto.data.catalogue.caption_columns import with_captions
from impasto.data.catalogue.columns import class_words, column_of, plain_column, text_variants_of
from impasto.data.catalogue.dates import read_date

_TEXTS = ("title", "style", "genre", "license", "source", "url")


def tidy_row(row: dict[str, Any], defaults: dict[str, str] | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Returns a row with a catalogue's columns in normalised form, and remarks on values that were not understood.

    The column names of other tables are mapped (`column_of`); of several columns for one the first that is not empty is
    used. Names are normalised. The first year of a date is stored in `year`, its words in `date`. Of several captions the
    first is `text`, and `captions` lists all. `defaults` fill empty columns.
    """
    row = with_captions(row)
    found: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in row.items():
        plain, column = plain_column(name), column_of(name)
        if value is None or value == [] or (isinstance(value, str) and not value.strip()):
            continue
        if column == "tags":
            value = _tags(plain, value)
        elif column not in (None, "text") and isinstance(value, dict):
            value = value.get("name") or next(iter(text_variants_of(value)), "")  # {"name": "..."}, {"en": "..."}
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
    tidy: dict[str, Any] = {column: repair_text(_words(found[column])) for column in _TEXTS if column in found}
    tidy |= {column: class_words(tidy[column]) for column in ("style", "genre") if column in tidy}
    remarks: tuple[str, ...] = ()
    if "text" in found:
        value = found["text"]
        texts = text_variants_of(value) if isinstance(value, str | list | tuple | dict) else (str(value),)
        captions = list(dict.fromkeys(filter(None, map(repair_text, texts))))
        tidy |= {"text": captions[0]} if captions else {}
        tidy |= {"captions": captions} if len(captions) > 1 else {}
        remarks = tuple(
            f"a caption of {len(text)} characters is longer than {MAX_TEXT} and is not used"
            for text in captions
            if len(text) > MAX_TEXT
        )
    if "tags" in found:
        tidy["tags"] = found["tags"]
    if "artist" in found:
        named = _words(found["artist"], between="; ")
        tidy["artist"] = artist_name(named)
        if "," in named and ";" not in named and len(named.partition(",")[0].split()) > 1:
            others.setdefault("artists", repair_text(named))  # perhaps several, "Claude Monet, Alfred Sisley": as written
        dates = without_life_dates(repair_text(named))[1]
        if dates:
            others.setdefault("artist_dates", dates)
    if "year" in found:
        value = found["year"]
        date = read_date(value)
        words = repair_text(str(value))
        if date.year is not None:
            tidy["year"] = date.year
        if words not in (str(date.year), f"{date.year}.0"):
            others["date"] = words
        if not date.understood:
            remarks += (f"date {words[:60]!r} tells no year",)
    return {key: value for key, value in (tidy | others).items() if value != ""}, remarks


def _words(value: Any, between: str = ", ") -> str:
    """Returns a value as words; the items of a list, also of one written as text, have `between` between."""
    listed = text_variants_of(value) if isinstance(value, str | list | tuple) else ()
    return between.join(listed) if listed else str(value)


def _tags(column: str, value: Any) -> Any:
    """Returns tags as a list of texts, or the text with commas that a table has."""
    if isinstance(value, str) and column == "tag_string":  # booru's: spaces between, underscores within
        return [tag.replace("_", " ") for tag in value.split()]
    if isinstance(value, str) and value.strip()[:1] != "[":
        return value
    if isinstance(value, dict) and all(isinstance(score, int | float) for score in value.values()):
        return sorted(value, key=lambda tag: -value[tag])  # a tagger's probabilities
    listed = text_variants_of(value)
    return list(listed) if listed else value
