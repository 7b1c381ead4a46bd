"""The settings of expansion: read, checked, changed and written."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from impasto.errors import ImpastoError, UsageError
from impasto.prompts.expansion.settings import ABOUT, ExpansionSettings, settings_from

ALL = ExpansionSettings(
    tfidf="norm", min_df=0.001, terms="t.tsv.gz", lambda1=0.25, lambda2=1e-05, most_entities=7, candidates=9, sentences=5,
    articles=2, index="wiki \"x\"\\y", continuation="t5-base", dialogue="off", encoder="org/e", ner="bert",
    prompt_model="gpt2",
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    ALL.write(file)
    first = file.read_bytes()
    read = ExpansionSettings.read(file)
    # Files and folders in it are relative to it.
    here = {name: str(tmp_path / getattr(ALL, name)) for name in ("terms", "index")}
    assert asdict(read) == {**asdict(ALL), **here}
    ALL.write(file)
    assert file.read_bytes() == first
    assert all(name in file.read_text("utf-8") for name in ABOUT)


def test_every_setting_is_explained() -> None:
    assert set(ABOUT) == {field.name for field in fields(ExpansionSettings)}


def test_models_beside_the_file_and_by_name(tmp_path: Path) -> None:
    (tmp_path / "my-t5").mkdir()
    (tmp_path / "a.toml").write_text("continuation = 'my-t5'\ndialogue = 'microsoft/DialoGPT-small'\n", "utf-8")
    read = ExpansionSettings.read(tmp_path / "a.toml")
    assert read.continuation == str(tmp_path / "my-t5") and read.dialogue == "microsoft/DialoGPT-small"


def test_changes_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps({"lambda1": 2, "most-entities": 5}), "utf-8")
    read = settings_from(tmp_path / "a.json", lambda1=None, lambda2=0.3, terms=Path("t.gz"))
    assert read.differing() == {"lambda1": 2.0, "most_entities": 5, "lambda2": 0.3, "terms": "t.gz"}
    assert settings_from(None) == ExpansionSettings() and ExpansionSettings().differing() == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("lamda1 = 1", "there is no setting 'lamda1': the nearest is lambda1; all are tfidf"),
        ("Entities = 1", "there is no setting 'Entities': the nearest is most_entities"),
        ("xyz = 1", "there is no setting 'xyz'"),
        ("lambda1 = '1'", "lambda1 '1': give a number"),
        ("candidates = 2.5", "candidates 2.5: give a whole number"),
        ("candidates = true", "candidates True: give a whole number"),
        ("ner = 3", "ner 3: give a text"),
        ("ner = ' '", "ner is empty: name a model, or use spacy"),
        ("lambda2 = inf", "lambda2 inf: use 0 to 100"),
        ("min_df = 2", "min_df 2.0: use 0 to 1"),
        ("tfidf = 'max'", "tfidf 'max': use pivoted, mean, root, sum, norm"),
        ("most-entities = 1\nmost_entities = 2", "most_entities is given twice"),
        ("[models]\nner = 'bert'", "there is no part [models] with ner"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.toml").write_text(content, "utf-8")
    with pytest.raises(UsageError) as error:
        ExpansionSettings.read(tmp_path / "a.toml")
    assert str(error.value).startswith(f"{tmp_path / 'a.toml'}: ") and said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"lambda1 =", b"\xff\xfe", b"[" * 3000, b"3"])
def test_a_broken_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ImpastoError, match=r"a\.json (cannot be read|holds no settings)"):
        ExpansionSettings.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("changes", "said"), [({"lamda1": 1}, "the nearest is lambda1"), ({"lambda1": "1"}, "give a number")]
)
def test_what_python_gets_wrong(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ExpansionSettings().with_changes(**changes)
