"""What cannot be retrained is told in one line: catalogues, artists, texts, checkpoints and runs that do not fit."""

import json
from pathlib import Path

import pytest
from tests.journeys.conftest import Impasto
from tests.painting.tiny_components import make_components
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.export.components import save_components
from impasto.data.catalogue.split import is_held_out


@pytest.fixture
def base(tmp_path: Path) -> str:
    components = make_components(tmp_path / "words", "v_prediction")
    return str(save_components(components, tmp_path / "base", "made by a test", text_encoder=True))


def rewrite(catalogue: Path, *fields: str) -> Path:
    """The catalogue with only these fields."""
    file = catalogue / "metadata.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("\n".join(json.dumps({name: row[name] for name in fields}) for row in rows))
    return catalogue


def refusal(impasto: Impasto, *words: object) -> tuple[int, str]:
    """Exit code and the one line that is no note."""
    answer = impasto("train", *words)
    said = [line for line in answer.err.splitlines() if not line.startswith("note: ")]
    assert len(said) == 1 and said[0].startswith("error: "), answer.err
    return answer.code, said[0]


def test_catalogues_and_artists(impasto: Impasto, base: str, tmp_path: Path) -> None:
    train = ("wang2023-artist", "--checkpoint", base, "--run", "run", "--steps", "1", "--validation-pictures", "0")
    (tmp_path / "empty").mkdir()
    assert refusal(impasto, *train, "--catalogue", "none", "--artist", "monet")[0] == 2
    assert "empty" in refusal(impasto, *train, "--catalogue", "empty", "--artist", "monet")[1]
    torn = write_catalogue(tmp_path / "torn", 4)
    for file in torn.glob("*.png"):
        file.write_bytes(b"no picture")
    code, said = refusal(impasto, *train, "--catalogue", torn, "--artist", "monet")
    assert code == 1 and "not a picture that can be read" in said
    # One picture is enough to learn from, unless it is one that is held out.
    two = write_catalogue(tmp_path / "two", 2)
    artists = {is_held_out(f"{number}.png"): artist for number, artist in enumerate(("monet", "rembrandt"))}
    made = impasto("train", *train, "--catalogue", two, "--artist", artists[False])
    assert made.code == 0 and (tmp_path / "run" / "checkpoint").is_dir(), made.err
    code, said = refusal(impasto, *train, "--catalogue", two, "--artist", artists[True])
    assert code == 2 and "with artist" in said  # the folder is the other one's
    code, said = refusal(impasto, *train, "--catalogue", two, "--artist", artists[True], "--run", "other")
    assert code == 1 and "is held out for judging" in said and not (tmp_path / "other").exists()


def test_captions_that_are_missing(impasto: Impasto, base: str, tmp_path: Path) -> None:
    choices = ("--checkpoint", base, "--steps", "1", "--batch", "2", "--validation-pictures", "0")
    titled = impasto("train", "wu2022-text-encoder", "--catalogue", write_catalogue(tmp_path / "titled"), *choices)
    assert titled.code == 0 and "titles stand for them" in titled.err
    silent = rewrite(write_catalogue(tmp_path / "silent"), "file_name")
    code, said = refusal(impasto, "wu2022-text-encoder", "--catalogue", silent, "--run", "silent-run", *choices)
    assert code == 1 and "impasto data caption" in said and not (tmp_path / "silent-run").exists()
    learned = impasto("train", "lora", "--catalogue", silent, "--run", "silent-run", *choices)  # the manner needs no words
    assert learned.code == 0 and "have no caption, title, artist or year" in learned.err


def test_checkpoints_and_runs_that_do_not_fit(impasto: Impasto, base: str, tmp_path: Path) -> None:
    catalogue = write_catalogue(tmp_path / "catalogue")
    choices = ("--catalogue", catalogue, "--steps", "1", "--batch", "2", "--validation-pictures", "0", "--run", "run")
    assert impasto("train", "lora", "--checkpoint", base, *choices).code == 0
    code, said = refusal(impasto, "wu2022-text-encoder", "--checkpoint", base, *choices)
    assert code == 2 and "holds a run of lora, not wu2022-text-encoder" in said
    config = json.loads((tmp_path / "base" / "unet" / "config.json").read_text())
    (tmp_path / "base" / "unet" / "config.json").write_text(json.dumps({**config, "in_channels": 9}))
    code, said = refusal(impasto, "lora", "--checkpoint", base, *choices[:-1], "other")
    assert code == 1 and "base" in said and not (tmp_path / "other").exists()
    code, said = refusal(impasto, "lora", "--checkpoint", "pocket", *choices)
    assert code == 2 and "with checkpoint" in said
