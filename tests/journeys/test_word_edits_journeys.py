"""Edits of words as a user meets them: swap, add, weigh, only here, a photograph, where words acted, and the same again."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.journeys.conftest import Impasto


@pytest.fixture
def painting(impasto: Impasto, tmp_path: Path) -> Path:
    words = ("paint", "boats at sunset", "--artist", "Claude Monet", "--seed", 3, "--steps", 4, "--out", "boats.png")
    made = impasto(*words)
    assert made.code == 0, made.err
    return tmp_path / "boats.png"


def pixels(name: str | Path) -> np.ndarray:
    return np.asarray(Image.open(name)).astype(int)


def test_words_are_swapped_and_the_edit_is_painted_again(painting: Path, impasto: Impasto) -> None:
    done = impasto("edit", painting, "--swap", "boats=ships", "--add", "in a storm", "--out", "edited.png", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["condition"]["caption"] == "ships at sunset in a storm"
    assert record["words"]["source"] == "boats at sunset, by Claude Monet"
    assert not np.array_equal(pixels("edited.png"), pixels(painting))
    repainted = impasto("repaint", "edited.png", "--out", "again.png")
    assert repainted.code == 0 and "note" not in repainted.err, "no engine was named, so there is nothing to say of it"
    assert np.array_equal(pixels("again.png"), pixels("edited.png"))
    named = impasto("repaint", "edited.png", "--engine", "optimized", "--out", "named.png")
    assert "words are edited by eager" in named.err
    assert np.array_equal(pixels("named.png"), pixels("edited.png"))
    assert "boats -> ships" in impasto("show", "edited.png").out
    again = impasto("edit", "edited.png", "--add", "again")
    assert again.code == 2 and "came from another one" in again.err


def test_a_weight_of_one_and_the_same_prompt_give_the_painting(painting: Path, impasto: Impasto) -> None:
    for name, words in (("weight", ["--weight", "boats=1"]), ("prompt", ["--prompt", "boats at sunset"])):
        assert impasto("edit", painting, *words, "--out", f"{name}.png").code == 0
        assert np.abs(pixels(f"{name}.png") - pixels(painting)).max() <= 1, name
    assert impasto("edit", painting, "--weight", "boats=6", "--out", "more.png").code == 0
    assert np.abs(pixels("more.png") - pixels(painting)).max() > 1


def test_a_photograph_is_inverted_and_found_again(tmp_path: Path, impasto: Impasto) -> None:
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 60, 3), np.uint8)).resize((120, 90)).save(photo)
    shared = ("edit", photo, "--describe", "a boat", "--swap", "boat=ship", "--steps", 5)
    done = impasto(*shared, "--invert", "fixed", "--out", "made.png")
    assert done.code == 0 and "dB against" in done.err, done.err
    assert impasto("repaint", "made.png", "--out", "again.png").code == 0
    assert np.array_equal(pixels("again.png"), pixels("made.png"))
    photo.unlink()
    lost = impasto("repaint", "made.png", "--out", "lost.png")
    assert lost.code == 1 and "photo.jpg" in lost.err


def test_a_sheet_shows_where_words_acted(painting: Path, impasto: Impasto) -> None:
    two = impasto("attention", painting, "--word", "boats", "--word", "sunset", "--out", "two.png")
    assert "boats  " in two.out and "sunset  " in two.out
    every = impasto("attention", painting, "--out", "all.png").out.splitlines()
    assert [line.split("  ")[0] for line in every[1:]] == ["boats", "at", "sunset", "by", "claude", "monet"]
    assert Image.open("all.png").height > Image.open("two.png").height


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "nothing is to be edited"),
        (["--swap", "boats"], "use OLD=NEW"),
        (["--swap", "dogs=cats"], "lacks 'dogs'"),
        (["--weight", "boats"], "use WORDS=NUMBER"),
        (["--weight", "dogs=2"], "lacks 'dogs'"),
        (["--weight", "boats=99"], "use -2 to 10"),
        (["--add", "snow", "--cross", "2"], "--cross 2: use 0 to 1"),
        (["--add", "snow", "--local", "dogs"], "lacks 'dogs'"),
        (["--add", "snow", "--prompt", "boats"], "leave --swap and --add away"),
        (["--add", "snow", "--invert", "fixed"], "--describe"),
        (["--add", "snow", "--describe", "boats", "--invert", "magic"], "use fixed, ddim or null-text"),
        (["--add", "snow", "--describe", " "], "--describe is empty"),
    ],
)
def test_wrong_edits_are_one_sentence(words: list[str], says: str, painting: Path, impasto: Impasto) -> None:
    told = impasto("edit", painting, "--out", "made.png", *words)
    assert told.code == 2 and says in told.err.strip().splitlines()[-1]
    assert not Path("made.png").exists()


def test_a_picture_without_a_record_asks_for_a_description(tmp_path: Path, impasto: Impasto) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    plain, missing = (impasto("edit", name, "--add", "snow") for name in ("red.png", "none.png"))
    assert plain.code == 2 and "--describe" in plain.err
    assert missing.code == 1 and "no such" in missing.err


@pytest.mark.parametrize("verb", [("edit", "--add", "snow"), ("attention", "--word", "boats"), ("repaint",)])
def test_a_record_without_a_seed_is_one_sentence(verb: tuple[str, ...], painting: Path, impasto: Impasto) -> None:
    with Image.open(painting) as opened:
        record = json.loads(opened.text["impasto"])  # pyright: ignore[reportAttributeAccessIssue]
        assert isinstance(record.pop("seed"), int)
        info = PngInfo()
        info.add_text("impasto", json.dumps(record))
        opened.save("seedless.png", pnginfo=info)
    before = sorted(Path().iterdir())
    told = impasto(verb[0], "seedless.png", *verb[1:])
    assert told.code in (1, 2) and len(told.err.strip().splitlines()) == 1
    assert "seedless.png" in told.err and "seed" in told.err.replace("seedless.png", "")
    assert sorted(Path().iterdir()) == before


def test_the_edited_prompt_is_expanded(painting: Path, impasto: Impasto) -> None:
    pytest.importorskip("bm25s")
    done = impasto("edit", painting, "--swap", "boats=ships", "--expand", "wu2022", "--out", "richer.png", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["expansion"] == record["condition"]["caption"] and "ships" in record["expansion"]
    assert record["words"]["source"] == "boats at sunset, by Claude Monet"
    assert impasto("repaint", "richer.png", "--out", "again.png").code == 0
    assert np.array_equal(pixels("again.png"), pixels("richer.png"))
    alone = impasto("edit", painting, "--expand-rank", 2)
    assert alone.code == 2
