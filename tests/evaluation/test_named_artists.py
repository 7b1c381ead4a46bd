from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.evaluation.estimate import Estimate, Refused
from impasto.evaluation.features import FeatureSet
from impasto.evaluation.named_artists import named_artists, probe_entries

ARTISTS = ("Claude Monet", "Rembrandt", "Gustav Klimt")


def feature_set(name: str, artists: Sequence[str], seed: int) -> FeatureSet:
    """Each artist's pictures lie about a place of their own."""
    places = np.array([ARTISTS.index(artist) for artist in artists])
    rows = (np.random.default_rng(seed).standard_normal((len(artists), 6)) + 6 * np.eye(6)[places]).astype(np.float32)
    entries = [CatalogueEntry(Path(f"{n}.png"), f"{n}.png", artist=artist) for n, artist in enumerate(artists)]
    return FeatureSet(name, rows, entries, "drawn", "0" * 64)


def test_paintings_are_given_to_the_artist_they_look_like() -> None:
    pytest.importorskip("sklearn")
    real = feature_set("real", list(ARTISTS) * 40, 0)
    painted = feature_set("ours", ["Claude Monet"] * 10 + ["Rembrandt"] * 10, 1)
    found = named_artists(painted, ["claude monet"] * 10 + ["Claude Monet"] * 5 + [""] * 5, real)
    assert isinstance(found, Estimate) and found.pictures == 15
    assert found.value == pytest.approx(10 / 15)
    held_out = sum(is_held_out(entry.file_name) for entry in real.entries)
    assert held_out and found.note == f"1 of 3 artists by chance; 100% of {held_out} held-out works"
    assert isinstance(named_artists(painted, [""] * 20, real), Refused)
    assert isinstance(named_artists(painted, ["Claude Monet"] * 20, feature_set("one", ["Claude Monet"] * 9, 2)), Refused)


def test_the_probe_learns_the_artists_asked_for_and_those_seen_most(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = feature_set("real", ["Claude Monet"] * 5 + ["Rembrandt"] * 3 + ["Gustav Klimt"], 0).entries
    monkeypatch.setattr("impasto.evaluation.named_artists.ARTISTS", 1)
    assert {entry.artist for entry in probe_entries(entries, ["gustav klimt", ""])} == {"Claude Monet", "Gustav Klimt"}
    assert probe_entries(entries, ["Nobody", ""]) == []


def test_a_probe_is_trained_once_for_several_sets_of_paintings(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    real, probes = feature_set("real", list(ARTISTS) * 20, 0), {}
    first = named_artists(feature_set("a", ["Claude Monet"] * 5, 1), ["Claude Monet"] * 5, real, probes=probes)
    assert len(probes) == 1 and isinstance(first, Estimate)
    monkeypatch.setattr("impasto.evaluation.style_probe.StyleProbe.train", None)
    second = named_artists(feature_set("b", ["Rembrandt"] * 5, 2), ["Claude Monet"] * 5, real, probes=probes)
    assert isinstance(second, Estimate) and (first.value, second.value) == (1.0, 0.0)
