"""Paintings beside the training pictures that they are most like: found, reported, kept, and named where they cannot be."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageOps
from tests.data.colour_scorer import ColourScorer
from tests.evaluation.drawn_scenes import draw_scene, names, write_scenes

from impasto.data.catalogue.entry import CatalogueReport, Skipped
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.evaluation.memorization.features import load_copy_features
from impasto.evaluation.memorization.index import CopyIndex
from impasto.evaluation.memorization.index_file import load_copy_index, save_copy_index
from impasto.evaluation.memorization.json_report import copies_json
from impasto.evaluation.memorization.page import copies_page
from impasto.evaluation.memorization.search import (
    MemorizationReport,
    compare_paintings,
    nearest_training_picture,
    paintings_in,
)
from impasto.evaluation.memorization.structure import StructureEncoder
from impasto.evaluation.memorization.training_pictures import index_catalogue

pytest.importorskip("scipy")
TRAINING = names(6, held_out=False)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes") / "catalogue", 6, 2)


@pytest.fixture(scope="module")
def made_once(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> CopyIndex:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        return index_catalogue(catalogue, ColourScorer())


@pytest.fixture
def index(made_once: CopyIndex) -> CopyIndex:
    return deepcopy(made_once)


def report_on(folder: Path, index: CopyIndex, training: Path) -> MemorizationReport:
    return compare_paintings(folder, index, ColourScorer(), index.calibration.threshold(), training=training)


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    """A mirrored copy of training picture 3, a new scene, a broken picture, and files that are none."""
    folder = tmp_path / "paintings"
    folder.mkdir()
    ImageOps.mirror(draw_scene(3)).save(folder / "a<b>&.png")
    draw_scene(77).save(folder / "new.jpg")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def test_the_copy_comes_first_and_what_is_new_is_no_copy(index: CopyIndex, paintings: Path, catalogue: Path) -> None:
    report = report_on(paintings, index, catalogue)
    assert [(pair.painting.file_name, pair.copy) for pair in report.pairs] == [("a<b>&.png", True), ("new.jpg", False)]
    worst = report.pairs[0].match
    assert (worst.training.file_name, worst.training.artist) == (TRAINING[3], "Rembrandt")
    assert worst.similarity > 0.99 and worst.alignment.mirrored
    assert [skipped.file_name for skipped in report.skipped] == ["broken.png"]
    alone = nearest_training_picture(ImageOps.mirror(draw_scene(3)), index, ColourScorer())
    assert alone.training == worst.training and alone.similarity == pytest.approx(worst.similarity, abs=1e-4)
    told = json.loads(json.dumps(copies_json(report)))
    assert (told["copies"], told["pairs"][0]["mirrored"], told["held_out"]["works"]) == (1, True, 2)
    assert not told["held_out"]["measured"] and told["training_pictures"] == 6


def test_the_page_stands_alone_and_file_names_are_only_text(index: CopyIndex, paintings: Path, catalogue: Path) -> None:
    page = copies_page(report_on(paintings, index, catalogue)).decode()
    assert "a<b>" not in page and page.count("a&lt;b&gt;&amp;.png") == 2
    assert page.count('src="data:image/webp;base64,') == 4 == page.count("<img ")
    assert not re.search(r"https?:|<script|javascript:| on\w+=", page)
    assert "1 of 2 paintings looks like a copy" in page and "prefers-color-scheme: dark" in page
    assert page.index(TRAINING[3]) < page.index("new.jpg") and "broken.png: not a picture" in page
    assert "mirrored" in page and page.count("alt=") == 4


def test_a_page_of_many_and_one_without_the_training_pictures(index: CopyIndex, paintings: Path, catalogue: Path) -> None:
    report = report_on(paintings, index, catalogue)
    few = copies_page(report, most=1).decode()
    assert "new.jpg" not in few and "The 1 most similar of 2" in few
    alone = copies_page(replace(report, training=Path("index.safetensors"), skipped=[Skipped("<i>", "<b>")])).decode()
    assert alone.count("<img ") == 2 and alone.count("not shown") == 2 and "<i>" not in alone and "<b>:" not in alone


def test_held_out_works_calibrate_and_are_no_training_pictures(catalogue: Path, index: CopyIndex) -> None:
    assert [picture.file_name for picture in index.pictures] == TRAINING
    assert len(index.calibration.similarities) == 2 == len(index.calibration.same_artist)
    assert (index.calibration.similarities < 0.85).all()
    said: list[str] = []
    for expected in ({"features", "edges", "held-out works"}, set()):  # the second time all of it was kept
        said.clear()
        again = index_catalogue(catalogue, ColourScorer(), on_progress=lambda what, done, of: said.append(what))
        assert set(said) == expected
    assert again.identity == index.identity
    assert (again.calibration.similarities == index.calibration.similarities).all()


def test_an_index_file_finds_what_the_index_finds(index: CopyIndex, paintings: Path, tmp_path: Path) -> None:
    file = tmp_path / "index.safetensors"
    save_copy_index(index, file)
    read = load_copy_index(file)
    assert read.identity == index.identity and read.pictures == index.pictures
    assert (read.calibration.similarities == index.calibration.similarities).all()
    ours, theirs = report_on(paintings, index, file), report_on(paintings, read, file)
    assert ours.pairs == theirs.pairs


@pytest.mark.parametrize("part", ["projected", "edges", "aspects", "mean", "pictures", "calibration"])
def test_an_index_file_whose_parts_do_not_fit_is_refused(index: CopyIndex, tmp_path: Path, part: str) -> None:
    if part == "pictures":
        index.pictures = index.pictures[:-1]
    elif part == "calibration":
        index.calibration.similarities[0] = np.nan
    elif part == "aspects":
        index.aspects[1] = -1
    else:
        setattr(index, part, getattr(index, part)[:-1])
    file = tmp_path / "index.safetensors"
    save_copy_index(index, file)
    with pytest.raises(ImpastoError, match=r"index\.safetensors is broken"):
        load_copy_index(file)


def test_files_that_are_no_index(tmp_path: Path, index: CopyIndex) -> None:
    from safetensors.numpy import save_file

    with pytest.raises(MissingPart):
        load_copy_index(tmp_path / "nowhere.safetensors")
    save_file({"x": np.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ImpastoError, match="no copy index"):
        load_copy_index(tmp_path / "other.safetensors")
    save_copy_index(index, tmp_path / "cut.safetensors")
    whole = (tmp_path / "cut.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-9])
    with pytest.raises(ImpastoError, match="cut short"):
        load_copy_index(tmp_path / "cut.safetensors")
    for before, after, said in (
        (StructureEncoder.identity, StructureEncoder.identity[::-1], "another version of impasto"),
        ("names", "seman", "is broken"),
    ):
        assert before.encode() in whole
        (tmp_path / "x.safetensors").write_bytes(whole.replace(before.encode(), after.encode()))
        with pytest.raises(ImpastoError, match=said):
            load_copy_index(tmp_path / "x.safetensors")


def test_an_index_of_other_features_is_refused(index: CopyIndex, paintings: Path, catalogue: Path) -> None:
    other = ColourScorer("d" * 64)
    with pytest.raises(UsageError, match="features of colour"):
        compare_paintings(paintings, index, other, index.calibration.threshold(), training=catalogue)


def test_one_picture_and_places_without_any(paintings: Path, tmp_path: Path, index: CopyIndex, catalogue: Path) -> None:
    assert [entry.file_name for entry in paintings_in(paintings / "new.jpg")] == ["new.jpg"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    for place in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(UsageError):
            paintings_in(place)
    with pytest.raises(ImpastoError, match=r"broken\.png: not a picture"):
        report_on(paintings / "broken.png", index, catalogue)


def test_catalogues_without_a_training_picture(tmp_path: Path) -> None:
    only_held_out = write_scenes(tmp_path / "held", 0, 2)
    with pytest.raises(ImpastoError, match="all 2 are held out"):
        index_catalogue(only_held_out, ColourScorer())
    broken = write_scenes(tmp_path / "broken", 1)
    (broken / TRAINING[0]).write_bytes(b"no picture")
    with pytest.raises(ImpastoError, match=f"{TRAINING[0]}: not a picture"):
        index_catalogue(broken, ColourScorer(), report=CatalogueReport())


def test_a_catalogue_of_one_picture_is_enough(tmp_path: Path) -> None:
    single = index_catalogue(write_scenes(tmp_path / "one", 1, first_seed=5), ColourScorer())
    assert nearest_training_picture(draw_scene(5), single, ColourScorer()).similarity > 0.99
    assert nearest_training_picture(draw_scene(6), single, ColourScorer()).similarity < 0.8


def test_names_of_features(tmp_path: Path) -> None:
    assert load_copy_features().name == "efficientnet-lite2"
    with pytest.raises(UsageError, match="features 'dinov9'"):
        load_copy_features("dinov9")
    with pytest.raises(MissingPart, match="there is no such file"):
        load_copy_features(str(tmp_path / "sscd.pt"))
    (tmp_path / "sscd.pt").write_bytes(b"PK no weights")
    with pytest.raises(ImpastoError, match="has SHA-256"):
        load_copy_features(f"{tmp_path / 'sscd.pt'}:{'0' * 64}")
