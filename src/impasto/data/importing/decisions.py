"""Decides which pictures of a source are imported: all readable ones that do not duplicate a better picture."""

from dataclasses import dataclass, field

from impasto.data.importing.journal import ImportJournal, Look
from impasto.data.importing.near_duplicates import DuplicateFinder
from impasto.data.importing.perceptual_hash import Appearance


@dataclass
class Decisions:
    """The decisions by picture key.

    Attributes:
        taken: key -> appearance of each picture to import.
        same_as: key of each duplicate -> the picture that it duplicates.
        unreadable: key -> reason why the picture cannot be read.
    """

    taken: dict[str, Appearance] = field(default_factory=dict)
    same_as: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def decide(place: str, pictures: dict[str, int], journal: ImportJournal, present: set[str]) -> Decisions:
    """Decides about the `pictures` (see `read_appearances`) of the source `place`; the journal must hold all their looks.

    Of pictures that look alike the largest is taken; of the same size the one with the most metadata columns, then the
    first. A picture that is already in the catalogue (its file name is in `present`) takes precedence over all others. As
    no two taken pictures look alike, the pictures of an interrupted import do not change the decisions about the rest.
    """
    looks, names = journal.looks(place), journal.names()
    decisions = Decisions()
    ranked: list[tuple[tuple[int, int, int], str, Appearance]] = []
    for number, (key, columns) in enumerate(pictures.items()):
        look = looks[key]
        if look.appearance is None:
            decisions.unreadable[key] = look.reason
        else:
            size = look.appearance.width * look.appearance.height
            ranked.append(((-size, -columns, number), key, look.appearance))
    ranked.sort(key=lambda one: one[0])
    others = _of_other_sources(place, journal, names, present)
    in_place = {key for (owner, key), name in names.items() if owner == place and name in present}

    finder = DuplicateFinder([*(look for _, look in others), *(look for _, _, look in ranked)])
    told = [*(name for name, _ in others), *(key for _, key, _ in ranked)]
    for number in range(len(others)):
        finder.keep(number)
    for number, (_, key, _) in enumerate(ranked, len(others)):
        if key in in_place:
            finder.keep(number)
    for number, (_, key, appearance) in enumerate(ranked, len(others)):
        alike = [] if key in in_place else finder.kept_alike(number)
        if alike:
            # The best of them. It is the same whatever an interrupted import had already put in place.
            decisions.same_as[key] = told[min(alike)]
            continue
        decisions.taken[key] = appearance
        if key not in in_place:
            finder.keep(number)
    return decisions


def _of_other_sources(
    place: str, journal: ImportJournal, names: dict[tuple[str, str], str], present: set[str]
) -> list[tuple[str, Appearance]]:
    """Returns (file name, appearance) of the catalogue's pictures that come from other sources."""
    found = []
    looks: dict[str, dict[str, Look]] = {}
    for (owner, key), name in sorted(names.items()):
        if owner != place and name in present:
            if owner not in looks:
                looks[owner] = journal.looks(owner)
            look = looks[owner].get(key)
            if look is not None and look.appearance is not None:
                found.append((name, look.appearance))
    return found
