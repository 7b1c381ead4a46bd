"""DreamBooth on a tiny checkpoint: its batches and its loss, prior preservation, resumption, and what is refused."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.few_pictures import draw_pictures, losses, stopped_and_resumed

from impasto.adapters.lora.files import load_lora
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, UsageError
from impasto.training.examples import validation_pictures
from impasto.training.methods.dreambooth import PairedOrder, prior_importance
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.learned_words import filled
from impasto.training.recipes.dreambooth import dreambooth

CHOICES = FineTuning(batch=2, learning_rate=2e-3, text_dropout=0.0, validation_pictures=0)


class ClassPainter:
    """Draws three pictures where a checkpoint would paint them, and remembers for which texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts: list[str] = []

    def __call__(self, text: str) -> list[Path]:
        self.texts.append(text)
        return draw_pictures(self.folder, 3, first=100)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_pocket(tmp_path_factory.mktemp("base") / "tiny"))


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return draw_pictures(tmp_path / "my-dog", 4)[0].parent


def test_a_step_has_one_class_picture_behind_each_of_the_subject() -> None:
    order = PairedOrder([0, 1, 2, 3], [4, 5, 6], batch=2, seed=7)
    steps = [order.at(step) for step in range(6)]
    assert all(len(numbers) == 4 and (numbers[::2] < 4).all() and (numbers[1::2] > 3).all() for numbers in steps)
    assert sorted(np.concatenate([numbers[::2] for numbers in steps[:2]])) == [0, 1, 2, 3]
    assert sorted(np.concatenate([numbers[1::2] for numbers in steps[:3]])) == [4, 4, 5, 5, 6, 6]
    assert (PairedOrder([0, 1, 2, 3], [4, 5, 6], batch=2, seed=7).at(5) == steps[5]).all()


def test_the_loss_is_the_subjects_and_the_weighted_priors() -> None:
    errors = torch.tensor([1.0, 10.0, 3.0, 20.0])  # of the subject, of the class, ...
    importance = prior_importance(7, [4, 5, 6], 0.5)
    assert (errors * importance[[0, 4, 3, 6]]).mean().item() == pytest.approx(2.0 + 0.5 * 15.0)


def test_prior_preservation_counts_and_a_run_goes_on_to_the_bit(subject: Path, base: str, tmp_path: Path) -> None:
    painter = ClassPainter(tmp_path / "prior")
    teach = partial(
        dreambooth, subject, choices=CHOICES, token="sks dog", class_words="a dog", paint_class=painter, checkpoint=base
    )
    teach(tmp_path / "whole", steps=4)
    stopped_and_resumed(partial(teach, tmp_path / "stopped", steps=4), after=2)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")
    hashes = [load_components(str(tmp_path / name)).content_hash for name in ("whole", "stopped")]
    assert hashes[0] == hashes[1] and set(painter.texts) == {"a painting of a dog"}
    report = json.loads((tmp_path / "whole" / "report.json").read_text())
    assert (report["pictures"], report["class_pictures"], report["choices"]["batch"]) == (4, 3, 4)
    teach(tmp_path / "lighter", steps=1, prior_weight=0.1)
    assert losses(tmp_path / "lighter")[0] < 0.8 * losses(tmp_path / "whole")[0]


def test_a_prior_of_weight_0_is_none_and_a_lora_is_one(
    subject: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = ClassPainter(tmp_path / "prior")
    choices = FineTuning(batch=2, learning_rate=2e-2, lora_rank=2, validation_pictures=2)
    monkeypatch.setattr(validation_pictures, "STEPS", 2)
    for name, how in {"none": {}, "zero": {"class_words": "a dog", "prior_weight": 0.0, "paint_class": painter}}.items():
        made = dreambooth(subject, tmp_path / name, choices, token="sks dog", checkpoint=base, steps=2, **how)
        assert made == tmp_path / name / "lora"
    assert not painter.texts and losses(tmp_path / "none") == losses(tmp_path / "zero")
    loras = [load_lora(tmp_path / name) for name in ("none", "zero")]
    assert loras[0].content_hash == loras[1].content_hash and loras[0].trigger == "sks dog"
    sheet = Image.open(tmp_path / "none" / "validation" / "step-000000002.png")
    assert sheet.size == (128, 64) and sheet.crop((0, 0, 64, 64)).tobytes() != sheet.crop((64, 0, 128, 64)).tobytes()
    with pytest.raises(UsageError, match="keep_best needs a validation loss"):
        dreambooth(subject, tmp_path / "best", replace(choices, keep_best=True), token="sks dog", checkpoint=base, steps=2)


def test_one_broken_picture_is_named_and_skipped(subject: Path, base: str, tmp_path: Path) -> None:
    (subject / "2.png").write_bytes(b"no picture")
    said: list[str] = []
    run = tmp_path / "run"
    dreambooth(
        subject, run, CHOICES, token="sks", checkpoint=base, steps=1, on_progress=lambda stage, *_: said.append(stage)
    )
    assert any(stage.startswith("skipped 2.png") for stage in said)
    assert json.loads((run / "report.json").read_text())["pictures"] == 3
    for file in subject.iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(ImpastoError, match=r"my-dog.* no picture"):
        dreambooth(
            subject, tmp_path / "none", CHOICES, token="sks", class_words="a dog",
            paint_class=ClassPainter(tmp_path / "prior"), checkpoint=base, steps=1,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"token": " "}, "--token is empty"), ({"template": "a picture"}, r"use one \{\}"),
        ({"class_words": " ", "prior_weight": 1.0}, "--class is empty"), ({"prior_weight": -1.0}, "prior weight -1"),
        ({"prior_weight": float("nan")}, "prior weight nan"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(subject: Path, tmp_path: Path, how: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        dreambooth(subject, tmp_path / "run", CHOICES, **{"token": "sks dog", **how})  # pyright: ignore[reportArgumentType]


def test_words_go_where_the_template_says() -> None:
    assert filled("a photo of {}, by day", " sks  dog ", "--token") == "a photo of sks dog, by day"
