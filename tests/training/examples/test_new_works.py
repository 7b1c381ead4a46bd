"""Retraining adds the pictures that a checkpoint's memory lacks to it, and paints with them afterwards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.checkpoints.tiny import make_tiny_pocket
from tests.painting.memory.drawn_memory import drawn_memory
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import Work, save_memory
from impasto.errors import MissingPart
from impasto.painting.memory.folder_memory import read_folder_memory
from impasto.painting.painter import Painter
from impasto.training.examples import new_works
from impasto.training.examples.new_works import with_new_works
from impasto.training.examples.training_set import TrainingSet, encode_training_set, entries_of
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.retraining import retrain

CHOICES = FineTuning(batch=4, learning_rate=2e-3, validation_pictures=0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = make_tiny_pocket(tmp_path / "base")
    save_memory(drawn_memory(), folder / "memory")
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path / "catalogue")


def encoded(base: Path, catalogue: Path) -> tuple[Components, TrainingSet]:
    components = load_components(str(base))
    return components, encode_training_set(entries_of(catalogue), components, 64)


def works_of(folder: Path) -> list[Work]:
    memory = load_components(str(folder)).memory
    assert memory is not None
    return memory.works


def test_codes_are_those_of_a_folder_as_memory(base: Path, catalogue: Path) -> None:
    components, data = encoded(base, catalogue)
    memory, own = with_new_works(components, data), components.memory
    assert memory is not None and own is not None and memory.works[:60] == own.works
    assert [work.name for work in memory.works[60:]] == [entry.file_name for entry in data.entries]
    assert torch.equal(memory.codes[:60], own.codes)
    folder = read_folder_memory(catalogue, own.encoder, components).memory
    places = {work.name: place for place, work in enumerate(folder.works)}
    theirs = folder.codes[[places[work.name] for work in memory.works[60:]]]
    assert (memory.codes[60:] - theirs).abs().max() <= 4 / 127 + 1e-6, "one int8 level: latents are kept in fp16"


def test_known_works_are_not_added_again(base: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_works, "SAME", 0.99999)  # the drawn squares are more alike than paintings are
    components, data = encoded(base, catalogue)
    found = with_new_works(components, data)
    assert found is not None
    first, second, third = data.entries[:3]
    # The first is known by its names, the second by its code alone; the third has a known name, and is another picture.
    whole = list(zip(found.works, found.codes, strict=True))
    known = [*whole[:60], (whole[60][0], torch.ones(found.config.code)), (Work("elsewhere.jpg"), whole[61][1])]
    known.append((Work(third.file_name, "Somebody", third.title), -torch.ones(found.config.code)))
    components.memory = replace(found, works=[work for work, _ in known], codes=torch.stack([code for _, code in known]))
    again = with_new_works(components, data)
    assert again is not None
    assert [work.name for work in again.works[63:]] == [
        one.file_name for one in data.entries if one.file_name not in (first.file_name, second.file_name)
    ]
    components.memory = found
    assert with_new_works(components, data) is None
    renamed = replace(data, entries=[replace(one, file_name=f"again/{one.file_name}") for one in data.entries])
    assert with_new_works(components, renamed) is None
    assert with_new_works(load_components(str(make_tiny_pocket(base.parent / "without"))), data) is None


def test_why_nothing_is_added_is_told(base: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    components, data = encoded(base, catalogue)
    told: list[str] = []

    def missing(*_: Any, **__: Any) -> Any:
        raise MissingPart("it needs pip install 'impasto[data]'")

    with monkeypatch.context() as patch:
        patch.setattr(new_works, "image_vectors", missing)
        assert with_new_works(components, data, lambda what, share, figures: told.append(what)) is None
    monkeypatch.setattr(new_works, "MOST", 3)
    assert with_new_works(components, data, lambda what, share, figures: told.append(what)) is None
    assert told == [
        "skipped adding works to the memory: it needs pip install 'impasto[data]'",
        f"skipped adding works to the memory: {len(data.entries)} are more than 3",
    ]


def test_a_retrained_checkpoint_paints_with_the_works_of_its_artist(base: Path, catalogue: Path, tmp_path: Path) -> None:
    # The base knows works of Monet alone.
    memory = drawn_memory()
    save_memory(replace(memory, works=[replace(work, artist="Claude Monet") for work in memory.works]), base / "memory")
    first, second, without, lora = (tmp_path / name for name in ("first", "second", "without", "lora"))
    retrain(catalogue, first, CHOICES, checkpoint=str(base), artist="rembrandt", steps=2)
    own = {entry.file_name for entry in entries_of(catalogue, "Rembrandt")}
    assert {work.name for work in works_of(first)[60:]} == own
    card = (first / "checkpoint" / "README.md").read_text()
    assert f"Its memory holds {60 + len(own)} works" in card
    settings: dict[str, Any] = {"artist": "Rembrandt", "seed": 3, "steps": 2}
    for run, known in ((first, True), (base, False)):
        use = Painter.load(str(run)).paint("picture", **settings).provenance.memory
        assert use is not None and {work.name in own for work in use.works} == {known}
    # What is there already is not added again, and the memory stays as it was.
    retrain(catalogue, second, CHOICES, checkpoint=str(first), artist="rembrandt", steps=2)
    for name in ("codes.safetensors", "works.jsonl", "encoder.safetensors"):
        files = [run / "checkpoint" / "memory" / name for run in (first, second)]
        assert files[0].read_bytes() == files[1].read_bytes()
    encoder = "memory/encoder.safetensors"
    assert (first / "checkpoint" / encoder).read_bytes() == (base / encoder).read_bytes()
    retrain(catalogue, without, replace(CHOICES, works=False), checkpoint=str(base), artist="rembrandt", steps=2)
    assert len(works_of(without)) == 60
    told: list[str] = []
    retrain(
        catalogue, lora, replace(CHOICES, lora_rank=2), checkpoint=str(base), artist="rembrandt", steps=2,
        on_progress=lambda what, share, figures: told.append(what),
    )  # fmt: skip
    assert "adding works to the memory" not in told
