"""Decides from dates whether an artist may be living: born within the last hundred years, and no death is recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from impasto.prompts.artists import plain_name

LONGEST_LIFE = 100  # years: of somebody born earlier, no record of the death is no sign of life
_BORN = (
    "born", "birth", "birth_year", "year_of_birth", "date_of_birth", "birthdate", "birth_date", "artist_birth",
    "artist_birth_year", "artist_born", "begin_date", "artist_begin_date",
)  # fmt: skip
_DIED = (
    "died", "death", "death_year", "year_of_death", "date_of_death", "deathdate", "death_date", "artist_death",
    "artist_death_year", "artist_died", "end_date", "artist_end_date",
)  # fmt: skip
_LIFE = ("life", "dates", "artist_dates", "lifespan", "life_dates", "artist_life", "artist_display_bio")
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")
_SPAN = re.compile(
    r"(?<!\d)(1[0-9]{3}|20[0-9]{2})\s*(?:-|–|—|\bto\b)\s*(?:(?:c|ca|circa)\.?\s*)?(1[0-9]{3}|20[0-9]{2})?(?!\d)"
)
_SINCE = re.compile(r"\b(?:b|born|né|née|geb|nato|nacido)\b\.?\D{0,40}?(1[0-9]{3}|20[0-9]{2})(?!\d)", re.IGNORECASE)
_BRACKETS = re.compile(r"\(([^()]*\d{4}[^()]*)\)")


@dataclass(frozen=True)
class Life:
    """The years in which an artist was born and died; None if it is not recorded."""

    born: int | None = None
    died: int | None = None

    def is_living(self, year: int | None = None) -> bool:
        """Returns whether the artist may be living in `year`, or now."""
        now = datetime.now(UTC).year if year is None else year
        return self.died is None and self.born is not None and now - LONGEST_LIFE <= self.born <= now

    def __bool__(self) -> bool:
        return self.born is not None or self.died is not None


def parse_life(text: str) -> Life:
    """Reads dates as catalogues write them: "1840-1926", "b. 1937", "1937-", "born in Bradford, 1937", "c. 1525-1569"."""
    if span := _SPAN.search(text):
        return Life(int(span[1]), int(span[2]) if span[2] else None)
    if since := _SINCE.search(text):
        died = re.search(r"(?:\b(?:d|died)\b|†)\.?\D{0,40}?(1[0-9]{3}|20[0-9]{2})", text[since.end() :], re.IGNORECASE)
        return Life(int(since[1]), int(died[1]) if died else None)
    return Life()


def life_of_columns(columns: Mapping[str, str]) -> Life:
    """Returns the artist's dates from a catalogue's columns by their usual names, whatever their case."""
    values = {name.strip().lower().replace(" ", "_"): value for name, value in columns.items()}

    def year(names: tuple[str, ...]) -> int | None:
        found = (_YEAR.search(str(values.get(name, ""))) for name in names)
        return next((int(match[1]) for match in found if match), None)

    life = Life(year(_BORN), year(_DIED))
    return life or next(filter(None, (parse_life(str(values.get(name, ""))) for name in _LIFE)), Life())


def life_of(name: str, row: Mapping[str, Any] | None = None) -> Life:
    """Returns an artist's dates: of `row` ("born", "died", as a checkpoint lists them), of the handbook, or of brackets in
    the name, "David Hockney (b. 1937)".
    """
    if row is not None and (known := Life(_whole(row.get("born")), _whole(row.get("died")))):
        return known
    from impasto.prompts.knowledge.handbook import handbook, look_up

    brackets = _BRACKETS.search(name)
    bare = name[: brackets.start()].strip() if brackets else name
    entry = look_up(bare, handbook(), "artists") if plain_name(bare) else None
    if entry is not None:
        return parse_life(entry.field("life"))
    return parse_life(brackets[1]) if brackets else Life()


def living_note(name: str, life: Life) -> str:
    """Returns the notice on paintings in the manner of an artist who may be living."""
    return (
        f"{name} (born {life.born}, no death recorded) may be living: ask before you show or sell paintings in that manner"
        " (docs/safety.md)"
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
