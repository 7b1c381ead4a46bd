"""Edits of words as a user meets them: swap, add, weigh, only here, a photograph, where words acted, and the same again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.cli.main import main


@pytest.fixture(scope="module")
def painting(tiny_pocket: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("painted") / "boats.png"
    words = ["paint", "boats at sunset", "--artist", "Claude Monet", "--seed", "3", "--steps", "4"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--checkpoint", str(tiny_pocket), "--out", str(path)])
    assert ended.value.code == 0
    return path


def impasto(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    assert ended.value.code == code, said.err
    return said.out if code == 0 else said.err


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_words_are_swapped_and_the_edit_is_painted_again(
    painting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / "edited.png"
    said = json.loads(impasto(capsys, "edit", str(painting), "--swap", "boats=ships", "--add", "in a storm", "--out",
                              str(edited), "--json"))  # fmt: skip
    assert said["condition"]["caption"] == "ships at sunset in a storm"
    assert said["words"]["source"] == "boats at sunset, by Claude Monet"
    assert not np.array_equal(pixels(edited), pixels(painting))
    impasto(capsys, "repaint", str(edited), "--out", str(tmp_path / "again.png"))
    assert (tmp_path / "again.png").read_bytes()[-2000:-12] == edited.read_bytes()[-2000:-12]
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(edited))
    assert "boats -> ships" in impasto(capsys, "show", str(edited))
    told = impasto(capsys, "edit", str(edited), "--add", "again", code=2)
    assert "came from another one" in told


def test_a_weight_of_one_and_the_same_prompt_give_the_painting(
    painting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, words in (("weight", ["--weight", "boats=1"]), ("prompt", ["--prompt", "boats at sunset"])):
        impasto(capsys, "edit", str(painting), *words, "--out", str(tmp_path / f"{name}.png"))
        assert np.abs(pixels(tmp_path / f"{name}.png") - pixels(painting)).max() <= 1, name
    impasto(capsys, "edit", str(painting), "--weight", "boats=6", "--out", str(tmp_path / "more.png"))
    assert np.abs(pixels(tmp_path / "more.png") - pixels(painting)).max() > 1


def test_a_photograph_is_inverted_and_found_again(
    tiny_pocket: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 60, 3), np.uint8)).resize((120, 90)).save(photo)
    shared = ["edit", str(photo), "--describe", "a boat", "--swap", "boat=ship", "--steps", "5"]
    shared += ["--checkpoint", str(tiny_pocket)]
    made = tmp_path / "made.png"
    with pytest.raises(SystemExit) as ended:
        main([*shared, "--invert", "fixed", "--out", str(made)])
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    assert "dB against" in said.err
    impasto(capsys, "repaint", str(made), "--out", str(tmp_path / "again.png"))
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(made))
    photo.unlink()
    assert "photo.jpg" in impasto(capsys, "repaint", str(made), "--out", str(tmp_path / "lost.png"), code=1)


def test_a_sheet_shows_where_words_acted(painting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = Path(shutil.copy(painting, tmp_path / "boats.png"))
    said = impasto(capsys, "attention", str(own), "--word", "boats", "--word", "sunset", "--out", str(tmp_path / "two.png"))
    assert "boats  " in said and "sunset  " in said
    whole = impasto(capsys, "attention", str(own), "--out", str(tmp_path / "all.png"))
    assert len(whole.splitlines()) == 1 + len(["boats", "at", "sunset", "by", "claude", "monet"])
    assert Image.open(tmp_path / "all.png").height > Image.open(tmp_path / "two.png").height


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
def test_wrong_edits_are_one_sentence(
    words: list[str], says: str, painting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["edit", str(painting), "--out", str(tmp_path / "made.png"), *words])
    told = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2
    assert says in told[-1]
    assert not list(tmp_path.iterdir())


def test_a_picture_without_a_record_asks_for_a_description(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    assert "--describe" in impasto(capsys, "edit", str(tmp_path / "red.png"), "--add", "snow", code=2)
    assert "no such" in impasto(capsys, "edit", str(tmp_path / "none.png"), "--add", "snow", code=1)
