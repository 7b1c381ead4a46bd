"""docs/python.md, from its top to its end, with a tiny checkpoint; and what `import impasto` offers."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import impasto

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smollm2: Path) -> Path:
    from tests.checkpoints.tiny import make_tiny_pocket
    from tests.conftest import with_smollm2

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_CACHE", str(with_smollm2(tmp_path / "cache", smollm2)))
    monkeypatch.setenv("IMPASTO_POCKET", str(make_tiny_pocket(tmp_path / "checkpoints" / "tiny", seed=1)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def test_every_example_of_the_page_runs(in_an_empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text("utf-8")
    blocks = list(re.finditer(r"```python\n(.*?)```", text, re.DOTALL))
    assert len(blocks) > 8
    names: dict[str, Any] = {}
    for block in blocks:
        line = text[: block.start()].count("\n") + 1
        exec(compile("\n" * line + block[1], str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert "['boats-at-sunset-1.png', 'boats-at-sunset-2.png']" in said and "steps 0: use 1 to 1000" in said
    assert "6 ['Rembrandt', 'Rembrandt']" in said and "generated valid" in said
    assert "a-harbour-series-1.png ('Claude Monet', 'Rembrandt')" in said and "curve.png [True, True]" in said


@pytest.mark.parametrize("name", impasto.__all__)
def test_what_is_public_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(impasto, name)
    assert name == "__version__" or found.__doc__


def test_the_page_names_all_that_is_public() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in impasto.__all__ if name not in text and name != "__version__"] == []


def test_importing_it_loads_nothing_heavy_and_a_wrong_name_is_an_attribute_error() -> None:
    code = (
        "import sys, impasto\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'pydantic', 'typer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "try:\n    impasto.sculpt\nexcept AttributeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "sculpt" in done.stdout and not done.stderr, done.stderr


def test_a_recipe_or_a_paper_that_is_none_is_named() -> None:
    with pytest.raises(impasto.UsageError, match="no recipe 'sculpture': use wang2023-artist"):
        impasto.train("sculpture")  # pyright: ignore[reportArgumentType]
    with pytest.raises(impasto.UsageError, match="no paper 'wu1999': use wang2023 or wu2022"):
        impasto.reproduce("wu1999", "catalogue")
    with pytest.raises(impasto.UsageError, match="train/lora job, colour: there is no such field"):
        impasto.train("lora", catalogue="catalogue", trigger="word", colour="red")
    with pytest.raises(impasto.UsageError, match="nowhere: there is no such folder"):
        impasto.Catalogue.open("nowhere")


def test_notes_go_to_the_logger(in_an_empty_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    impasto.paint("boats " * 90, seed=1, size="64", steps=1)
    assert any("not read" in record.message and record.name == "impasto" for record in caplog.records)
