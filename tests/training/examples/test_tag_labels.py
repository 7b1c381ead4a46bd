import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from impasto.data.annotations.tag_vocabulary import Tag
from impasto.errors import ImpastoError
from impasto.training.examples.tag_labels import read_museum_records, title_labels

TAGS = [Tag("boat", "vessels and vehicles", ("boat, sailing",)), Tag("tree", "plants", ("tree",)), Tag("unused", "objects")]
BOATS = ["Boats at {}", "Sailing boat near {}", "A ship off {}", "Yachts, {}"]
TREES = ["Oaks at {}", "The forest of {}", "A tree in {}", "Woodland, {}"]
PLACES = ["Dover", "Brest", "Naples", "Oslo", "Cork", "Cadiz", "Delft", "Genoa"]


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    rows = [
        {"title": title.format(place), "subjects": [subject, "something else"], "date": "c.1830"}
        for titles, subject in ((BOATS, "boat, sailing"), (TREES, "tree"))
        for title in titles
        for place in PLACES
    ]
    rows += [
        {"title": "Untitled", "subjects": ["tree"]},
        {"title": "Tree of forms", "subjects": ["tree"], "date": "1971"},
        {"title": "No tags", "subjects": []},
        {"title": None, "subjects": ["tree"]},
    ]
    file = tmp_path / "museum.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as opened:
        opened.write("\n".join(map(json.dumps, rows)))
    return file


def test_records_without_title_tags_or_age_are_left_out(records: Path) -> None:
    museum = read_museum_records(records, TAGS)
    assert len(museum.titles) == len(set(museum.titles)) == 64
    assert np.bincount(museum.columns, minlength=3).tolist() == [32, 32, 0]


def test_titles_tell_what_is_seen(records: Path) -> None:
    fields = [("Fishing boats on the beach", ""), ("Pine forest", "landscape"), ("", "boat"), ("", "")]
    told = title_labels(fields, records, TAGS, seed=0)
    labels = told.probabilities
    assert labels.shape == (4, 3) and np.isnan(labels[3]).all() and np.isfinite(labels[:3]).all()
    assert labels[0, 0] > 0.5 > labels[0, 1] and labels[1, 1] > 0.5 > labels[1, 0]
    assert labels[2, 0] > labels[2, 1] and (labels[:3, 2] < 0.1).all()
    assert told.shares[:2] == pytest.approx(labels[:3, :2].mean(axis=0), abs=0.15) and told.shares[2] < 0.001


def test_what_a_title_names_and_a_genre_says_goes_before(records: Path) -> None:
    tags = [*TAGS, Tag("landscape", "kind of picture"), Tag("portrait", "kind of picture")]
    fields = [("Unused things", "portrait"), ("Pine forest", "landscape"), ("Pine forest", ""), ("Oaks", "landscape")]
    told = title_labels(fields, records, tags, seed=0)
    assert told.probabilities[0, 2] > 0.9 and told.probabilities[1, 2] < 0.1
    assert told.probabilities[:, 3:].argmax(axis=1)[[0, 1, 3]].tolist() == [1, 0, 0]
    assert told.probabilities[0, 3] <= 0.1 and told.shares[3:] == pytest.approx([2 / 3, 1 / 3])


def test_drawings_and_one_artist_s_many_works_count_less(records: Path, tmp_path: Path) -> None:
    rows = [{"title": f"Oak {n}", "subjects": ["tree"], "artist": "Turner", "class": "painting"} for n in range(80)]
    elm = {"title": "Elm", "subjects": ["tree"], "artist": "Constable"}
    rows += [{**elm, "class": "painting"}, {**elm, "class": "on paper"}]
    file = tmp_path / "two.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    weights = read_museum_records(file, TAGS).weights
    assert weights[0] == pytest.approx(0.5) and weights[-2:] == pytest.approx([1, 0.25])


def test_bad_records_are_named(records: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(records.read_bytes()[:200])
    other = tmp_path / "other.jsonl"
    other.write_text('{"title": "Oaks", "subjects": ["sheep"]}\n')
    broken = tmp_path / "broken.jsonl"
    broken.write_text("title,subjects\n")
    for file in (torn, other, broken, tmp_path / "nowhere.jsonl"):
        with pytest.raises(ImpastoError, match=file.name):
            read_museum_records(file, TAGS)
