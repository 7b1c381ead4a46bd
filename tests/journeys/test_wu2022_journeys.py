"""wu2022 from the command line: the two stages one after the other, and a picture from the second."""

from pathlib import Path

import pytest
from tests.journeys.conftest import Impasto
from tests.painting.tiny_components import make_components
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.export.components import save_components


@pytest.fixture
def base(tmp_path: Path) -> str:
    components = make_components(tmp_path / "words", "v_prediction", pooled=True)
    return str(save_components(components, tmp_path / "base", "made by a test", text_encoder=True))


def test_both_stages_and_a_picture(impasto: Impasto, base: str, tmp_path: Path) -> None:
    write_catalogue(tmp_path / "catalogue")
    choices = ("--steps", "2", "--batch", "4", "--validation-pictures", "0")
    begin = ("train", "wu2022-text-encoder", "--catalogue", "catalogue")
    first = impasto(*begin, "--run", "wu-1", "--checkpoint", base, *choices)
    assert first.code == 0 and "trained=text-encoder fresh_text_encoder=True" in first.err, first.err
    second = impasto("train", "wu2022-joint", "--from", "wu-1", "--run", "wu-2", *choices)  # on the same catalogue
    assert second.code == 0 and "trained=both fresh_text_encoder=False" in second.err, second.err
    painted = impasto("paint", "boats", "--checkpoint", "wu-2", "--steps", "2", "--out", "boats.png")
    assert painted.code == 0 and (tmp_path / "boats.png").is_file(), painted.err

    nameless = impasto("train", "wu2022-joint", "--from", base, "--run", "wu-3")
    assert nameless.code == 2 and "--catalogue" in nameless.err
    unfinished = impasto("train", "wu2022-joint", "--from", "catalogue", "--run", "wu-3")
    assert unfinished.code == 1 and len(unfinished.err.splitlines()) == 1
    wrong = impasto(*begin, "--run", "wu-3", "--trained", "unet")
    assert wrong.code == 2 and "untrained text encoder" in wrong.err and not (tmp_path / "wu-3").exists()
