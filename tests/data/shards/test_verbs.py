"""Every verb on a catalogue does the same to its pictures in shards."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.colour_scorer import ColourScorer
from tests.training.drawn import draw_catalogue

from impasto.data.annotations.filtering import filter_catalogue
from impasto.data.annotations.imported_captions import import_captions
from impasto.data.annotations.imported_into_shards import import_captions_into_shards
from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.opting_out import opt_out
from impasto.data.annotations.review import ReviewSession
from impasto.data.annotations.tagging import tag_catalogue
from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.catalogue.read import catalogue_parts, read_catalogue
from impasto.data.exporting.exporter import ExportChoices, Shape, export_catalogue
from impasto.data.search import search_catalogue
from impasto.data.statistics.counts import catalogue_statistics
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.index import see
from impasto.evaluation.memorization.index_file import load_copy_index, save_copy_index
from impasto.evaluation.memorization.training_pictures import index_catalogue

COLOURS = {"red": (200, 10, 20), "green": (10, 180, 30), "blue": (20, 10, 220)}


class ColourTagger:
    """Tags pictures by their strongest channel."""

    name, identity, tags, thresholds = "colour", "t" * 64, tuple(COLOURS), None

    def probabilities(self, images: list[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(image, np.float32).mean((0, 1)) / 255 for image in images])


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    """A folder and the same pictures in shards of two; the caption of one is wrong."""
    folder = tmp_path / "folder"
    folder.mkdir()
    rows = []
    for number, (colour, value) in enumerate([*COLOURS.items(), *COLOURS.items()]):
        Image.new("RGB", (40, 40), tuple(min(255, part + 5 * number) for part in value)).save(folder / f"{number}.png")
        known = {"artist": f"A{number % 2}", "text": f"a {colour} field", "year": 1800 + number}
        rows.append({"file_name": f"{number}.png", **known})
    rows[4]["text"] = "a red field"
    del rows[5]["text"]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    export_catalogue(folder, "shards", tmp_path / "shards", ExportChoices(shard_size=2))
    return folder, tmp_path / "shards"


def entries(folder: Path) -> list[tuple]:
    return [(one.file_name, one.caption, one.tags, one.artist) for one in read_catalogue(folder, check_images=False).entries]


def test_annotating(both: tuple[Path, Path], tmp_path: Path) -> None:
    scorer, outcomes = ColourScorer(), []
    table = tmp_path / "captions.csv"
    content = content_of(both[0] / "0.png")
    lines = ["file_name,sha256,caption", "5.png,,a blue sea", f",{content},a sunset", "x/2.PNG,,a lake", "none.png,,nothing"]
    table.write_text("\n".join(lines))
    (tmp_path / "out.txt").write_text("A1\nNobody Known\n")
    for place, merge in zip(both, (import_captions, import_captions_into_shards), strict=True):
        tagged = tag_catalogue(place, ColourTagger())  # pyright: ignore[reportArgumentType]
        again = tag_catalogue(place, ColourTagger())  # pyright: ignore[reportArgumentType]
        merged = merge(place, table, "person")
        filtered = filter_catalogue(place, scorer, 0.5)
        session = ReviewSession(place, order="name", only="all")
        session.reject()
        session.edit("a green meadow")
        assert session.undo() and session.current is not None and session.current.entry.file_name == "1.png"
        session.accept()
        assert ReviewSession(place).waiting == ReviewSession(place, order="random").waiting
        said = entries(place)
        removed = opt_out(place, tmp_path / "out.txt")
        outcomes.append((
            tagged.tagged, tagged.known, tagged.counts, again.tagged, again.known, merged.matched, merged.new,
            merged.lacking, [skip.reason for skip in merged.unmatched], filtered.judged, filtered.kept_pairs,
            filtered.dropped_pairs, filtered.uncaptioned, said, [skip.file_name for skip in removed.removed],
            removed.left, len(removed.unknown), entries(place),
        ))  # fmt: skip
    assert outcomes[0] == outcomes[1]
    assert (tagged.tagged, again.known, merged.matched, filtered.dropped_pairs) == (6, 6, 3, 1)
    assert [name for name, *_ in entries(both[1])] == ["2.png"]
    assert not list(both[1].glob("annotations"))


def test_looking(both: tuple[Path, Path]) -> None:
    counts = [catalogue_statistics(place) for place in both]
    assert counts[0] == counts[1] and counts[1].paintings == 6
    found = []
    for place in both:
        scorer, report = ColourScorer(), CatalogueReport()
        one = search_catalogue(place, "red", scorer, count=4, report=report)
        assert len(search_catalogue(place, Image.new("RGB", (40, 40), "blue"), scorer, count=99)) == 6
        assert scorer.pictures == 7 and not report.skipped
        found.append([(hit.entry.file_name, hit.similarity) for hit in one])
    assert found[0] == found[1] and [name for name, _ in found[0]][:2] == ["0.png", "3.png"]


def test_looking_with_an_index(tmp_path: Path) -> None:
    random, folder = np.random.default_rng(0), tmp_path / "folder"
    folder.mkdir()
    for number in range(300):
        Image.new("RGB", (32, 32), tuple(random.integers(0, 255, 3))).save(folder / f"{number}.png")
    export_catalogue(folder, "shards", tmp_path / "shards", ExportChoices(shard_size=100))
    scorer = ColourScorer()
    exact = search_catalogue(tmp_path / "shards", "red", scorer, count=9)
    found = search_catalogue(tmp_path / "shards", "red", scorer, count=9, brute_force=299)
    known = {hit.entry.file_name: hit.similarity for hit in exact}
    both = [hit for hit in found if hit.entry.file_name in known]
    assert len(found) == 9 and len(both) >= 6
    assert np.allclose([hit.similarity for hit in both], [known[hit.entry.file_name] for hit in both], atol=1e-3)


@pytest.mark.parametrize("shape", ["captions.csv", "imagefolder", "webdataset", "parquet", "shards"])
def test_exporting_again(both: tuple[Path, Path], tmp_path: Path, shape: Shape) -> None:
    made = []
    for number, place in enumerate(both):
        out = tmp_path / f"{shape}-{number}"
        summary = export_catalogue(place, shape, out, ExportChoices(shard_size=4))
        files = [out] if out.is_file() else sorted(path for path in out.rglob("*") if path.is_file())
        made.append((summary.pictures, [path.read_bytes() for path in files]))
    assert made[0] == made[1]


def test_a_second_name_and_a_copy_in_another_shard_are_told(both: tuple[Path, Path], tmp_path: Path) -> None:
    one = read_catalogue(both[1], check_images=False)
    folder = tmp_path / "wild"
    folder.mkdir()
    for name in ("a.tar", "b.tar"):
        (folder / name).write_bytes((both[1] / "000000.tar").read_bytes())
    assert len(one.entries) == 6
    parts = list(catalogue_parts(folder))
    assert [len(part.entries) for part in parts] == [2, 0]
    assert {skip.reason for skip in parts[1].report.skipped} == {
        "the same picture as a/00000000.png", "the same picture as a/00000001.png",
    }  # fmt: skip
    with pytest.raises(ImpastoError, match="no usable picture"):
        for name in ("a.tar", "b.tar"):
            (folder / name).write_bytes(b"")
        read_catalogue(folder)


def test_a_copy_index(tmp_path: Path) -> None:
    folder = draw_catalogue(tmp_path / "folder", 7)
    export_catalogue(folder, "shards", tmp_path / "shards", ExportChoices(shard_size=3))
    made = []
    for place in (folder, tmp_path / "shards"):
        index = index_catalogue(place, ColourScorer())
        made.append((list(index.pictures), index.projected.shape, index.calibration.same_artist.tolist()))
        file = tmp_path / f"{place.name}.safetensors"
        save_copy_index(index, file)
        name = index.pictures[0].file_name
        works = [entry for entry in read_catalogue(place).entries if entry.file_name == name]
        seen = see(works, ColourScorer(), CatalogueReport())
        match = load_copy_index(file).nearest(seen.features[0], seen.edges[0])
        assert (match.training.file_name, round(match.similarity, 3)) == (name, 1.0)
    assert made[0] == made[1] and made[0][1][0] == len(made[0][0])


def test_a_lost_manifest_undoes_no_decision(tmp_path: Path) -> None:
    folder, shards = draw_catalogue(tmp_path / "folder", 6), tmp_path / "shards"
    export_catalogue(folder, "shards", shards, ExportChoices(shard_size=3))
    names = [entry.file_name for part in catalogue_parts(shards) for entry in part.entries]
    (part, *_) = catalogue_parts(shards)
    entry = part.entries[1]
    row = {"file_name": entry.file_name, "content": content_of(entry.file), "decision": "reject", "text": "", "time": ""}
    AnnotationLog(part.home, "review").append([row])
    kept = [entry.file_name for part in catalogue_parts(shards) for entry in part.entries]
    assert kept == [name for name in names if name != entry.file_name]
    (shards / "manifest.parquet").unlink()
    assert [entry.file_name for part in catalogue_parts(shards) for entry in part.entries] == kept
