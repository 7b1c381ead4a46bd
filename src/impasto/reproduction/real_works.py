"""The real paintings of a reproduction: the training set, and the held-out works for prompts and comparisons."""

import difflib
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from impasto.data.annotations.log import content_of
from impasto.data.catalogue.entry import CatalogueEntry, Skipped
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import HELD_OUT_SHARE, is_held_out
from impasto.errors import ImpastoError, UsageError
from impasto.evaluation.style_probe import most_seen
from impasto.training.examples.training_set import chosen_entries

FEWEST_HELD_OUT = 5  # works: fewer are too little for a comparison


@dataclass(frozen=True)
class RealWorks:
    """A catalogue's usable pictures, those for training and those held out.

    Attributes:
        others: further pictures, by other artists, for the probe that tells artists apart.
        unused: pictures that are not in colour, or stretched to a square.
        skipped: files of the catalogue that could not be taken, with the reasons.
    """

    training: list[CatalogueEntry]
    held_out: list[CatalogueEntry]
    others: list[CatalogueEntry] = field(default_factory=list)
    unused: list[CatalogueEntry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @classmethod
    def read(cls, catalogue: Path) -> "RealWorks":
        """Reads the works of a catalogue.

        Raises:
            UsageError, ImpastoError: there is no such catalogue, or none of its pictures is held out.
        """
        if not catalogue.is_dir():
            raise UsageError(f"--catalogue {catalogue}: there is no such folder")
        found = read_catalogue(catalogue, check_images=False)
        training = chosen_entries(found)
        try:
            held_out = chosen_entries(found, held_out=True)
        except ImpastoError:
            raise ImpastoError(f"{catalogue}: of its {len(training)} pictures none is held out to compare with") from None
        used = {entry.file_name for entry in (*training, *held_out)}
        unused = [entry for entry in found.entries if entry.file_name not in used]
        return cls(training, held_out, unused=unused, skipped=found.report.skipped)

    @property
    def everything(self) -> list[CatalogueEntry]:
        """Training and held-out pictures, and the others."""
        return [*self.training, *self.held_out, *self.others]

    def find_all(self, artists: Sequence[str]) -> tuple[str, ...]:
        """Returns the artists' names as the catalogue spells them, each once; the search ignores case.

        Raises:
            UsageError: the catalogue has no such artist; all unknown ones are named.
            ImpastoError: an artist has too few training works or held-out works.
        """
        names = {entry.artist.casefold(): entry.artist for entry in (*self.everything, *self.unused) if entry.artist}
        unknown = []
        for artist in artists:
            if artist.strip().casefold() not in names:
                near = [names[one] for one in difflib.get_close_matches(artist.strip().casefold(), names, 3)]
                nearest = f"; the nearest are {', '.join(near)}" if near else ""
                unknown.append(f"{artist!r}{nearest}")
        if unknown:
            raise UsageError(f"the catalogue holds no work of {', nor of '.join(unknown)}: name others with --artists")
        return tuple(dict.fromkeys(self._checked(names[artist.strip().casefold()]) for artist in artists))

    def find(self, artist: str) -> str:
        """Returns the artist's name as the catalogue spells it; see `find_all`."""
        return self.find_all([artist])[0]

    def _checked(self, name: str) -> str:
        held_out, training = len(self.works(name, held_out=True)), len(self.works(name))
        if held_out < FEWEST_HELD_OUT or not training:
            about = math.ceil(FEWEST_HELD_OUT / HELD_OUT_SHARE)
            raise ImpastoError(
                f"the catalogue holds out {held_out} of the {held_out + training} works of {name}{self._left_out(name)}, and"
                f" {FEWEST_HELD_OUT} are needed to compare with. A hash of the file's name holds out about one in"
                f" {1 / HELD_OUT_SHARE:.0f}, so about {about} works would do: add works, or name others with --artists"
            )
        return name

    def _left_out(self, artist: str) -> str:
        """Says in brackets which pictures do not count among the artist's works, and why; "" if all do."""
        own = [entry for entry in self.unused if entry.artist == artist]
        grey = sum(entry.extra.get("monochrome") == "1" for entry in own)
        words = [f"{grey} more not in colour"] if grey else []
        words += [f"{len(own) - grey} more stretched to a square"] if len(own) > grey else []
        if self.skipped:
            first = self.skipped[0]
            words.append(f"{len(self.skipped)} files of the catalogue left out, such as {first.file_name}: {first.reason}")
        return f" ({'; '.join(words)})" if words else ""

    def works(self, artist: str, *, held_out: bool = False) -> list[CatalogueEntry]:
        """Returns the training or held-out works of one artist."""
        return [entry for entry in (self.held_out if held_out else self.training) if entry.artist == artist]

    def most_seen(self, count: int) -> list[str]:
        """Returns the artists with the most works in the whole catalogue."""
        return most_seen([entry.artist for entry in self.everything], count)


def selection_hash(entries: Sequence[CatalogueEntry]) -> str:
    """Returns the SHA-256, hexadecimal, over names, contents and texts of these pictures.

    Raises:
        ImpastoError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for entry in sorted(entries, key=lambda entry: entry.file_name):
        side = "held out" if is_held_out(entry.file_name) else "training"
        told = (entry.caption, entry.title, entry.artist, str(entry.year), entry.style, entry.genre)
        digest.update("\0".join((side, entry.file_name, content_of(entry.file), *told, "\n")).encode("utf-8", "replace"))
    return digest.hexdigest()


def evenly_spread(entries: Sequence[CatalogueEntry], count: int) -> list[CatalogueEntry]:
    """Returns at most `count` entries, spread evenly over the list."""
    count = min(count, len(entries))
    return [entries[len(entries) * n // count] for n in range(count)]
