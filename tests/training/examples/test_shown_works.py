"""Which works of a memory a retraining shows beside the texts, and that the U-Net learns with them."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.checkpoints.tiny import make_tiny_pocket
from tests.painting.memory.drawn_memory import drawn_memory
from tests.training.painted_catalogue import write_catalogue
from tests.training.test_retraining import train_whole_and_stopped

from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import Work, save_memory
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.training.examples.shown_works import ShownWorks, shown_works
from impasto.training.methods.distillation import DistillationTask
from impasto.training.methods.distillation_choices import Distillation
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.distill import distill
from impasto.training.recipes.dreambooth import dreambooth
from impasto.training.recipes.retraining import retrain

CHOICES = FineTuning(batch=4, learning_rate=2e-3, validation_pictures=0)
NUMBERS = np.arange(4)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return make_tiny_pocket(tmp_path / "plain")


@pytest.fixture
def base(plain: Path, tmp_path: Path) -> str:
    folder = Path(shutil.copytree(plain, tmp_path / "base"))
    save_memory(drawn_memory(), folder / "memory")
    return str(folder)


def entries(*titled: tuple[str, str, str]) -> list[CatalogueEntry]:
    return [CatalogueEntry(Path(name), name, artist=artist, title=title) for name, artist, title in titled]


FOUR = entries(
    ("mine/0.png", "Claude Monet", "Boats at sunset"), ("mine/1.png", "Rembrandt", "Portrait of a lady"),
    ("mine/2.png", "", "Red roses"), ("mine/3.png", "Nobody", ""),
)  # fmt: skip


def shown(base: str, pictures: Sequence[CatalogueEntry] = FOUR, seed: int = 3) -> ShownWorks:
    found = shown_works(load_components(base), pictures, seed)
    assert found is not None
    return found


def test_a_checkpoint_without_a_memory_shows_nothing(plain: Path) -> None:
    assert shown_works(load_components(str(plain)), FOUR, 0) is None


def test_works_of_the_artist_that_fit_the_text(base: str) -> None:
    works = shown(base)
    known = works.ranking.memory.works
    counts: dict[int, int] = {}
    for step in range(300):
        places = works.places(NUMBERS, step)
        count = len(places[0]) if places else 0
        counts[count] = counts.get(count, 0) + 1
        if not places:
            assert works.tokens(NUMBERS, step) is None
            continue
        assert {len(row) for row in places} == {count}
        assert {known[place].artist for place in places[0]} == {"Claude Monet"}
        assert {known[place].artist for place in places[1]} == {"Rembrandt"}
        assert all(len(set(row)) == len(row) for row in places)
    # As many as in painting (4) in most steps, in others one or none.
    assert counts.keys() == {0, 1, 4} and counts[4] > 180 and counts[0] > 35 and counts[1] > 12


def test_the_picture_itself_is_not_the_first(base: str) -> None:
    memory = drawn_memory()
    subjects = [f"Boats {chr(97 + n // 8) * 3}{chr(97 + n % 8) * 3}" for n in range(60)]
    memory.works[:] = [Work(f"{n}.jpg", "Claude Monet", subject) for n, subject in enumerate(subjects)]
    save_memory(memory, Path(base) / "memory")
    pictures = entries(
        ("5.jpg", "", subjects[5]), ("mine/a.png", "claude monet", subjects[7]), ("mine/b.png", "Rembrandt", subjects[8])
    )
    works = shown(base, pictures)
    first = [{row[0] for step in range(300) for row in works.places(np.array([n]), step)} for n in range(3)]
    assert 5 not in first[0] and 7 not in first[1] and 8 in first[2]


def test_a_memory_with_one_work_shows_that_one(base: str) -> None:
    save_memory(drawn_memory(works=1), Path(base) / "memory")
    works = shown(base, entries(("0.jpg", "", "")))
    rows = [works.places(np.array([0]), step) for step in range(20)]
    assert {tuple(row[0]) for row in rows if row} == {(0,), (0, 0, 0, 0)}


def test_tokens_depend_on_seed_step_and_picture_alone(base: str) -> None:
    works, again, other = shown(base), shown(base), shown(base, seed=4)
    steps = [step for step in range(40) if works.places(NUMBERS, step)]
    before = torch.get_rng_state()
    made = [works.tokens(NUMBERS, step) for step in steps]
    assert torch.equal(torch.get_rng_state(), before)
    for step, tokens in zip(reversed(steps), reversed(made), strict=True):
        later = again.tokens(NUMBERS, step)
        assert tokens is not None and later is not None and torch.equal(tokens, later)
        assert tokens.shape[0] == 4 and tokens.shape[2] == 384 and not tokens.requires_grad
    assert any(works.places(NUMBERS, step) != other.places(NUMBERS, step) for step in steps)
    # Noise lies on the codes, so that none identifies a picture.
    memory = works.ranking.memory
    exact = memory.encoder(memory.codes[torch.tensor(works.places(NUMBERS, steps[0]))])
    assert made[0] is not None and not torch.allclose(made[0], exact, atol=1e-3)


def test_the_unet_learns_with_the_tokens_behind_the_text(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    lengths: list[int] = []
    usual = UNet2DConditionModel.forward

    def seen(self: Any, latents: Any, times: Any, states: Any, *given: Any, **named: Any) -> Any:
        lengths.append(states.shape[1])
        return usual(self, latents, times, states, *given, **named)

    monkeypatch.setattr(UNet2DConditionModel, "forward", seen)
    catalogue = write_catalogue(tmp_path / "catalogue")
    choices = replace(CHOICES, text_padding="full", accumulation=2)
    retrain(catalogue, tmp_path / "with", choices, checkpoint=base, steps=12)
    assert {77, 81} <= set(lengths) <= {77, 78, 81} and lengths.count(81) % 2 == 0
    lengths.clear()
    retrain(catalogue, tmp_path / "without", replace(choices, works=False), checkpoint=base, steps=12)
    assert set(lengths) == {77}
    hashes = [load_components(str(tmp_path / run)).content_hash for run in ("with", "without")]
    assert hashes[0] != hashes[1] and load_components(str(tmp_path / "with")).memory is not None


def test_a_stopped_run_goes_on_to_the_bit_with_works(base: str, tmp_path: Path) -> None:
    train_whole_and_stopped(write_catalogue(tmp_path / "catalogue"), base, tmp_path, CHOICES)


def test_the_works_of_a_step_do_not_depend_on_the_steps_before(base: str) -> None:
    """Of an artist with fewer works than a painting sees, others have to be shown, too."""
    memory = drawn_memory()
    memory.works[:] = [Work(f"{n}.jpg", "Rembrandt" if n < 3 else "Claude Monet", "Boats") for n in range(60)]
    save_memory(memory, Path(base) / "memory")
    pictures, one = entries(("mine/a.png", "Rembrandt", "Boats at sunset")), np.array([0])
    whole, alone = shown(base, pictures), [shown(base, pictures).places(one, step) for step in range(60)]
    few_first = sorted(range(60), key=lambda step: sum(map(len, alone[step])))
    assert [whole.places(one, step) for step in few_first] == [alone[step] for step in few_first]


def test_a_subject_is_learned_with_works_too(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    usual = ShownWorks.__init__

    def noted(self: ShownWorks, ranking: Any, best: Any, artists: Any, seed: int) -> None:
        asked.extend((ranking.memory.works[places[0]].title, artist) for places, artist in zip(best, artists, strict=True))
        usual(self, ranking, best, artists, seed)

    monkeypatch.setattr(ShownWorks, "__init__", noted)
    subject = write_catalogue(tmp_path / "subject")
    dreambooth(subject, tmp_path / "run", replace(CHOICES, batch=2), token="red roses", checkpoint=base, steps=2)
    assert asked and set(asked) == {("Red Roses", "")}


def test_a_student_learns_what_its_teacher_paints_with_works(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    usual = DistillationTask._taught

    def noted(self: Any, noisy: Any, times: Any, states: Any, plain: Any) -> torch.Tensor:
        told.append((plain.shape[1], states.shape[1]))
        return usual(self, noisy, times, states, plain)

    monkeypatch.setattr(DistillationTask, "_taught", noted)
    catalogue = write_catalogue(tmp_path / "catalogue")
    choices = Distillation(batch=2, lora_rank=2, teacher_steps=1, warmup_steps=0)
    distill(catalogue, tmp_path / "with", choices, checkpoint=base, updates=12)
    assert {(77, 77), (77, 81)} <= set(told) <= {(77, 77), (77, 78), (77, 81)}
    told.clear()
    distill(catalogue, tmp_path / "without", replace(choices, works=False), checkpoint=base, updates=3)
    assert set(told) == {(77, 77)}
