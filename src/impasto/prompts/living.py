"""Decides from dates whether an artist may be living: born within the last hundred years, and no death is recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from impasto.prompts.artists import plain_name

LONGEST_LIFE = 100  # years: of somebody born earlier, no record of the death is no sign of life
_BORN = (
    "born", "birth", "birth_year", "birthyear", "year_of_birth", "yearofbirth", "year_born", "born_year", "born_in",
    "date_of_birth", "dateofbirth", "birthdate", "birth_date", "dob", "artist_birth", "artist_birth_year",
    "artist_birthyear", "artist_birth_date", "artist_born", "artist_year_of_birth", "begin_date", "artist_begin_date",
    "geboren", "geburtsjahr", "creator_birth_year", "creator_born", "painter_born",
)  # fmt: skip
_DIED = (
    "died", "death", "death_year", "deathyear", "year_of_death", "yearofdeath", "year_died", "died_year", "died_in",
    "date_of_death", "dateofdeath", "deathdate", "death_date", "dod", "artist_death", "artist_death_year",
    "artist_deathyear", "artist_death_date", "artist_died", "artist_year_of_death", "end_date", "artist_end_date",
    "gestorben", "todesjahr", "creator_death_year", "creator_died", "painter_died",
)  # fmt: skip
_LIFE = (
    "life", "dates", "artist_dates", "artistdates", "lifespan", "life_span", "life_dates", "artist_life",
    "artist_lifespan", "artist_life_dates", "artist_display_bio", "artist_bio", "display_bio", "artist_years",
    "creator_dates", "birth_death", "lebensdaten",
)  # fmt: skip
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-\d{1,2}-\d{1,2}(?!\d)")
_Y = r"(?<!\d)(?:1[0-9]{3}|20[0-9]{2})"
_CIRCA = r"(?:(?:c|ca|circa|about|um|vers)\b\.?\s*)?"
_TO = r"\s*(?:[-–—/]|\bto\b|\bbis\b|\buntil\b)\s*"
# The second year may be open, "present" or short ("1928-87").
_SPAN = re.compile(rf"({_Y}){_TO}(?:(?:present|today|heute|now)\b|{_CIRCA}({_Y}(?!\d)|\d\d(?![\d.-]))?)", re.IGNORECASE)
_BIRTH = (
    r"(?:\b(?:b|born|birth|née?|né\(e\)|geb|geboren|nato|nata|nació|nacido|nacida|nascido|nascida|född|født|род)\b\.?"
    r"|生于|[*∗])"
)
_DEATH = r"(?:\b(?:d|died|death|gest|gestorben|mort|morte|morto|morta|murió|fallecido|fallecida|död|død|ob)\b\.?|[†✝])"
_UP_TO = r"(?:[^\d;|]|\b\d{1,2}\b){0,60}?"  # a place, a day, a month
_SINCE = re.compile(rf"{_BIRTH}{_UP_TO}({_Y})(?!\d)", re.IGNORECASE)
_UNTIL = re.compile(rf"{_DEATH}{_UP_TO}({_Y})(?!\d)", re.IGNORECASE)
# When somebody worked is not when somebody lived: the word, what follows up to a year, and the years are not read.
_WORK = (
    r"\b(?:active|activity|worked|working|works?|fl|flourished|floruit|act|tätig|actif|attivo|attiva|exhibited|painted)\b"
)
_YEARS = rf"{_CIRCA}{_Y}s?(?:{_TO}(?:present\b|today\b|{_CIRCA}\d{{2,4}}s?)?)?"
_ACTIVE = re.compile(
    rf"{_WORK}\.?(?:(?!{_BIRTH}|{_DEATH})[^;()|\d])*(?:{_YEARS}(?:\s*(?:,|and|&)\s*(?={_CIRCA}\d))?)*"
    rf"|{_Y}{_TO}{_CIRCA}\d{{2,4}}\s*\(?{_WORK}(?![^;]*\d)",
    re.IGNORECASE,
)
# One year and nothing else but a nation or place: "1950", "American, 1965".
_ONE_YEAR = re.compile(rf"(?:[^\d;()]+[,\s])?{_CIRCA}({_Y})(?:年(?:生(?:まれ)?)?)?", re.IGNORECASE)
_NO_BIRTH = re.compile(r"\b(?:before|after|until|century|vor|nach|avant|après)\b", re.IGNORECASE)
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
    """Reads dates as catalogues write them.

    A word for birth or death goes first ("b. 1937", "born in Bradford, 1937", "*1961", "geboren 1961"), then a
    span ("1840-1926", "1937-", "c. 1525-1569"), then a year alone ("1950", "American, 1965"), which is that of the birth.
    Years of work ("active 1970-1990", "works 1975-2001", "fl. 1620") are not read.
    """
    text = " ".join(_ACTIVE.sub(" ", _ISO_DATE.sub(r"\1", text)).split())
    since, until = _SINCE.search(text), _UNTIL.search(text)
    if since is not None:
        span = _SPAN.match(text, since.start(1))  # "born 1900-1980"
        died = int(until[1]) if until is not None else _end(span) if span is not None else None
        return Life(int(since[1]), died)
    if span := _SPAN.search(text):
        return Life(int(span[1]), _end(span))
    if until is not None:
        return Life(None, int(until[1]))
    alone = None if _NO_BIRTH.search(text) else _ONE_YEAR.fullmatch(text.strip(" .,;()"))
    return Life(int(alone[1])) if alone else Life()


def _end(span: re.Match[str]) -> int | None:
    """Returns the last year of a span, or None; "87" after 1928 is 1987."""
    year = span[2]
    if not year or len(year) == 4:
        return int(year) if year else None
    return int(f"{span[1][:2]}{year}") if int(year) >= int(span[1][2:]) else None


def life_of_columns(columns: Mapping[str, str]) -> Life:
    """Returns the artist's dates from a catalogue's columns by their usual names, whatever their case.

    Columns of a year ("born", "birthyear", "artist_death") go before columns of both ("artist_dates", "artist_display_bio").
    """
    values = {re.sub(r"[\s-]+", "_", name.strip().lower()): str(value) for name, value in columns.items()}

    def year(names: tuple[str, ...]) -> int | None:
        found = (_YEAR.search(values.get(name, "")) for name in names)
        return next((int(match[1]) for match in found if match), None)

    spans = [life for name in (*_LIFE, *_BORN) if (life := parse_life(values.get(name, "")))]
    born, died = year(_BORN), year(_DIED)
    if born is None:
        born = next((life.born for life in spans if life.born is not None), None)
    if died is None:
        died = next((life.died for life in spans if life.died is not None and life.born in (None, born)), None)
    return Life(born, died)


def life_of(name: str, row: Mapping[str, Any] | None = None) -> Life:
    """Returns an artist's dates, of the first of these that has any.

    1. `row`, the checkpoint's entry of the artist: "born" and "died", which a retraining takes from the catalogue's columns;
    2. the handbook's entry, whose artists are all dead: it can rule the notice out, but never cause it;
    3. brackets in the name, as somebody types them: "New Painter (b. 1990)".
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
