"""Parses WikiArt's file names: `Style_Folder/artist-slug_title-slug-year.jpg`."""

import re
from pathlib import PurePosixPath
from typing import Any

from impasto.data.catalogue.artist_names import artist_name, repair_text
from impasto.data.catalogue.columns import class_words

# A slug ends in the year of completion and a copy number: "-1889", "-1889-2", "-1889(1)". An earlier year, as in
# "-1714-1715", belongs to the title.
_YEAR = re.compile(r"^(?:(?P<title>.*)-)?(?P<year>1\d{3}|20[0-2]\d)(?:-\d\d?|\(\d+\))*$")
_COPY = re.compile(r"\(\d+\)$")
# Slugs contain no apostrophes: "dante-s-hell", "pont-d-asnieres".
_OWN_S, _ELISION = re.compile(r"(?<=[^\W\d_]) s\b"), re.compile(r"\b([dl]) (?=[aeiouhy])")


def row_of_name(name: str) -> dict[str, Any]:
    """Parses artist, title and year from `artist-slug_title-slug-year.jpg`, and the style from its folder."""
    path = PurePosixPath(name)
    artist, underscore, work = path.stem.partition("_")
    if not underscore:
        artist, work = "", path.stem
    work = _COPY.sub("", work)
    row: dict[str, Any] = {"artist": artist_name(artist)}
    if dated := _YEAR.match(work):
        row["year"] = int(dated["year"])
        work = dated["title"] or ""
    words = _ELISION.sub(r"\1'", _OWN_S.sub("'s", " ".join(repair_text(work).replace("-", " ").replace("_", " ").split())))
    if not words.startswith("not detected"):  # WikiArt's name for works without a title
        row["title"] = words[:1].upper() + words[1:]
    if len(path.parts) > 1:
        row["style"] = class_words(path.parts[-2])
    return {column: value for column, value in row.items() if value != ""}
