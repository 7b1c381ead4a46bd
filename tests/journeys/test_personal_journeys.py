"""Personalisation from the command line: a LoRA, a subject and a word of one's own, each painted with."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.training.few_pictures import draw_pictures


@pytest.fixture
def pictures(tmp_path: Path) -> str:
    return str(draw_pictures(tmp_path / "pictures", 3)[0].parent)


def test_a_lora_of_a_folder_paints(impasto: Impasto, pictures: str, tmp_path: Path) -> None:
    trained = impasto(
        "train", "lora", "--catalogue", pictures, "--trigger", "mywork", "--run", "mine", "--steps", "2",
        "--learning-rate", "0.05", "--batch", "2", "--validation-pictures", "0",
    )  # fmt: skip
    assert trained.code == 0 and " MB" in trained.out, trained.err
    assert json.loads((tmp_path / "mine" / "lora" / "lora.json").read_text())["trigger"] == "mywork"
    painted = {}
    for name, options in {"plain": (), "with": ("--lora", "mine")}.items():
        done = impasto("paint", "mywork, boats", "--seed", "1", "--steps", "2", "--out", f"{name}.png", *options)
        assert done.code == 0, done.err
        painted[name] = Image.open(tmp_path / f"{name}.png").tobytes()
    assert painted["plain"] != painted["with"]


def test_a_subject_beside_its_class_is_a_checkpoint(impasto: Impasto, pictures: str, tmp_path: Path) -> None:
    train = ("train", "dreambooth", "--subject", pictures, "--token", "sks dog", "--class", "a dog", "--run", "dog")
    train += ("--prior-pictures", "2", "--steps", "2", "--batch", "2", "--validation-pictures", "0")
    done = impasto(*train)
    assert done.code == 0, done.err
    shown = impasto("show", "--json", "dog/prior/00001.png")
    assert shown.code == 0 and "a painting of a dog" in shown.out
    assert impasto("paint", "sks dog by the sea", "--checkpoint", "dog", "--steps", "2", "--out", "a.png").code == 0
    assert "already complete" in impasto(*train).err


def test_a_learned_word_paints(impasto: Impasto, pictures: str, tmp_path: Path) -> None:
    train = ("train", "textual-inversion", pictures, "--concept", "<blue-hour>", "--run", "hour", "--steps", "2")
    done = impasto(*train, "--initial-word", "dusk light", "--kind", "style", "--batch", "2", "--validation-pictures", "0")
    assert done.code == 0 and "dusk light" in done.err, done.err
    painted = impasto("paint", "a harbour, <blue-hour>", "--concept", "hour", "--steps", "2", "--out", "a.png")
    assert painted.code == 0, painted.err
    record = json.loads(impasto("show", "--json", "a.png").out)
    assert record["concepts"][0]["name"] == "<blue-hour>"


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (("lora", "--catalogue", "pictures", "--artist", "Picasso"), "Picasso", 2),
        (("lora", "--catalogue", "pictures", "--lora-rank", "0"), "--lora-rank 0", 2),
        (("lora", "--catalogue", "nowhere"), "nowhere", 2),
        (("dreambooth", "--subject", "empty", "--token", "sks dog"), "empty holds no usable picture", 1),
        (("dreambooth", "--subject", "pictures", "--token", " "), "--token is empty", 2),
        (("textual-inversion", "pictures", "--concept", "blue hour"), "single word", 2),
        (("textual-inversion", "pictures", "--concept", "<a>", "--trained", "unet"), "--trained", 2),
    ],
)
def test_what_cannot_be_learned_is_one_line(
    impasto: Impasto, pictures: str, tmp_path: Path, words: tuple[str, ...], says: str, code: int
) -> None:
    (tmp_path / "empty").mkdir()
    done = impasto("train", *words, "--run", "run", "--steps", "1")
    assert (done.code, says in done.err, "Traceback" in done.err) == (code, True, False), done.err
    assert not (tmp_path / "run").exists()
    assert [line[:6] for line in done.err.splitlines() if not line.startswith("note: ")] == ["error:"]
