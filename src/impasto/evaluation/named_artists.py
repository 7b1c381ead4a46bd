"""Measures how often a probe, trained on real works, assigns paintings to the artist named in their prompt."""

from collections.abc import Sequence

import numpy as np

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.estimate import Measured, Refused, estimate_mean
from impasto.evaluation.features import FeatureSet
from impasto.evaluation.style_probe import StyleProbe, most_seen

ARTISTS = 20  # number of artists that the probe distinguishes besides the requested ones


def probe_entries(entries: Sequence[CatalogueEntry], asked: Sequence[str]) -> list[CatalogueEntry]:
    """Returns the real works for training and testing the probe of these artists; empty if all artists are unknown."""
    known = _known(entries, asked).values()
    names = {*known, *most_seen([entry.artist for entry in entries], ARTISTS)} if known else set()
    return [entry for entry in entries if entry.artist in names]


def named_artists(
    paintings: FeatureSet,
    asked: Sequence[str],
    real: FeatureSet,
    *,
    seed: int = 0,
    probes: dict[tuple[str, ...], StyleProbe] | None = None,
) -> Measured:
    """Returns the share of paintings that a probe trained on `real` assigns to the requested artist.

    Works held out from training (`is_held_out`) do not train the probe; the note states how often the probe is right on
    them.

    Args:
        asked: the requested artist of each painting; "" where none was requested.
        probes: keeps the probes by their artists, for further paintings that are compared with the same catalogue.

    Raises:
        MissingPart: scikit-learn is not installed.
    """
    known = _known(real.entries, asked)
    judged = [place for place, name in enumerate(asked) if name.casefold() in known]
    if not judged:
        return Refused("no painting's record names an artist of the catalogue")
    held_out = np.array([is_held_out(entry.file_name) for entry in real.entries])
    artists = np.array([entry.artist for entry in real.entries])
    names = tuple(sorted(set(artists)))
    probe = None if probes is None else probes.get(names)
    if probe is None:
        try:
            probe = StyleProbe.train(real.rows[~held_out], list(artists[~held_out]))
        except ImpastoError as error:
            return Refused(str(error))
    if probes is not None:
        probes[names] = probe
    wanted = [known[asked[place].casefold()] for place in judged]
    right = np.array([a == b for a, b in zip(probe.name(paintings.rows[judged]), wanted, strict=True)], float)
    note = f"1 of {len(probe.classes)} artists by chance"
    if held_out.any():
        note += f"; {probe.accuracy(real.rows[held_out], list(artists[held_out])):.0%} of {held_out.sum()} held-out works"
    return estimate_mean(right, seed=seed, note=note)


def _known(entries: Sequence[CatalogueEntry], asked: Sequence[str]) -> dict[str, str]:
    """Requested artists, in lower case -> their names in the catalogue."""
    named = {entry.artist.casefold(): entry.artist for entry in entries if entry.artist}
    return {name.casefold(): named[name.casefold()] for name in asked if name.casefold() in named}
