"""How often paintings look like the artist that was asked for, to a probe that knows the artists' real works."""

from collections.abc import Sequence

import numpy as np

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.estimate import Measured, Refused, estimate_mean
from impasto.evaluation.features import FeatureSet
from impasto.evaluation.style_probe import StyleProbe, most_seen

ARTISTS = 20  # that the probe tells apart beside those asked for


def probe_entries(entries: Sequence[CatalogueEntry], asked: Sequence[str]) -> list[CatalogueEntry]:
    """The real works that the probe for these artists learns from and is tried on; none where all of them are unknown."""
    known = _known(entries, asked).values()
    names = {*known, *most_seen([entry.artist for entry in entries], ARTISTS)} if known else set()
    return [entry for entry in entries if entry.artist in names]


def named_artists(paintings: FeatureSet, asked: Sequence[str], real: FeatureSet, *, seed: int = 0) -> Measured:
    """The share of paintings that a probe trained on `real` gives to the artist asked for; "" where none was asked for.

    Works held out from training (`is_held_out`) are not learned from; the note tells how often the probe is right on them.

    Raises:
        MissingPart: scikit-learn is not installed.
    """
    known = _known(real.entries, asked)
    judged = [place for place, name in enumerate(asked) if name.casefold() in known]
    if not judged:
        return Refused("no painting's record names an artist of the catalogue")
    held_out = np.array([is_held_out(entry.file_name) for entry in real.entries])
    artists = np.array([entry.artist for entry in real.entries])
    try:
        probe = StyleProbe.train(real.rows[~held_out], list(artists[~held_out]))
    except ImpastoError as error:
        return Refused(str(error))
    wanted = [known[asked[place].casefold()] for place in judged]
    right = np.array([a == b for a, b in zip(probe.name(paintings.rows[judged]), wanted, strict=True)], float)
    note = f"1 of {len(probe.classes)} artists by chance"
    if held_out.any():
        note += f"; {probe.accuracy(real.rows[held_out], list(artists[held_out])):.0%} of {held_out.sum()} held-out works"
    return estimate_mean(right, seed=seed, note=note)


def _known(entries: Sequence[CatalogueEntry], asked: Sequence[str]) -> dict[str, str]:
    """Artists asked for, in small letters, to their names in the catalogue."""
    named = {entry.artist.casefold(): entry.artist for entry in entries if entry.artist}
    return {name.casefold(): named[name.casefold()] for name in asked if name.casefold() in named}
