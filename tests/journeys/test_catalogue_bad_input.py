"""Filter, review, stats and export: bad input gets one line, and leaves everything as it was."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.data.colour_scorer import ColourScorer
from tests.journeys.conftest import Impasto
from tests.journeys.test_bad_input import Case, a_file, check, empty_catalogue, nothing, tree
from tests.training.drawn import draw_catalogue

from impasto.data.annotations.log import AnnotationLog, content_of


def catalogue(folder: Path) -> None:
    draw_catalogue(folder / "catalogue", 2)
    log = AnnotationLog(folder / "catalogue", "captions")
    for name in ("picture-0.png", "picture-1.png"):
        log.append([{"file_name": name, "content": content_of(folder / "catalogue" / name), "caption": "a red sun"}])


def latin(folder: Path) -> None:
    catalogue(folder)
    (folder / "catalogue" / "metadata.jsonl").write_bytes(b'{"artist": "D\x81rer"}')


def log_is_a_folder(folder: Path) -> None:
    catalogue(folder)
    (folder / "catalogue" / "annotations" / "review.jsonl").mkdir()


def annotations_are_a_file(folder: Path) -> None:
    draw_catalogue(folder / "catalogue", 2)
    rows = [{"file_name": f"picture-{n}.png", "text": "a red sun"} for n in range(2)]
    (folder / "catalogue" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "catalogue" / "annotations").write_text("in the way")


def all_rejected(folder: Path) -> None:
    catalogue(folder)
    log = AnnotationLog(folder / "catalogue", "review")
    for name in ("picture-0.png", "picture-1.png"):
        log.append([{"file_name": name, "content": content_of(folder / "catalogue" / name), "decision": "reject"}])


def file_in_the_way(folder: Path) -> None:
    catalogue(folder)
    a_file(folder)


def there_already(folder: Path) -> None:
    catalogue(folder)
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")


EXPORT = ("data", "export", "catalogue", "--out", "out", "--to")
VERBS: tuple[tuple[object, ...], ...] = (("filter",), ("review",), ("stats",), ("export", "--to", "parquet", "--out", "out"))


def of_all_verbs(name: str, code: int, word: str, prepare: Callable[[Path], None] = nothing) -> list[Case]:
    return [
        Case(f"{verb}: {name}", code, word, ("data", verb, "catalogue", *rest), prepare) for verb, *rest in VERBS
    ]


CASES = [
    *of_all_verbs("no such catalogue", 2, "catalogue: there is no such folder"),
    *of_all_verbs("an empty catalogue", 1, "no usable picture", empty_catalogue),
    *of_all_verbs("metadata that is no text", 1, "save it as UTF-8", latin),
    *of_all_verbs("a log that is a folder", 1, "review.jsonl cannot be read", log_is_a_folder),
    *of_all_verbs("annotations that are a file", 1, "annotations", annotations_are_a_file),
    Case("filter below 2", 2, "--below 2", ("data", "filter", "catalogue", "--below", 2), catalogue),
    Case("filter below NaN", 2, "--below nan", ("data", "filter", "catalogue", "--below", "nan"), catalogue),
    Case("filter below words", 2, "--below", ("data", "filter", "catalogue", "--below", "little"), catalogue),
    Case("review in no order", 2, "best", ("data", "review", "catalogue", "--order", "best"), catalogue),
    Case("stats into a file", 2, "not a folder", ("data", "stats", "catalogue", "--out", "file"), file_in_the_way),
    Case("export of nothing", 1, "rejected in review", (*EXPORT, "imagefolder"), all_rejected),
    Case("export to nowhere", 2, "zip", (*EXPORT, "zip"), catalogue),
    Case("export over a folder", 2, "--force", (*EXPORT, "webdataset"), there_already),
    Case("export over a folder by force", 2, "no export made", (*EXPORT, "webdataset", "--force"), there_already),
    Case("export in empty shards", 2, "--shard-size", (*EXPORT, "parquet", "--shard-size", 0), catalogue),
    Case("export below nothing", 2, "no folder", (*EXPORT[:-2], "no/such/out", "--to", "parquet"), catalogue),
    Case("export into itself", 2, "outside", (*EXPORT[:-2], "catalogue/out", "--to", "parquet"), catalogue),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_line_and_nothing_changed(
    case: Case, impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.vision.scorers.interface.load_scorer", lambda name: ColourScorer(), raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("a"))
    case.prepare(tmp_path)
    before = tree(tmp_path)
    check(impasto(*case.arguments), case.code, case.word)
    assert tree(tmp_path) == before


def test_a_log_that_is_broken_in_the_middle_is_told_and_the_rest_is_used(
    impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.vision.scorers.interface.load_scorer", lambda name: ColourScorer(), raising=False)
    catalogue(tmp_path)
    log = AnnotationLog(tmp_path / "catalogue", "captions").path
    first, second = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + b'{"file_name": "picture-9.png", "con\n' + second)
    for verb, *rest in VERBS:
        monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
        answer = impasto("data", verb, "catalogue", *rest)
        assert answer.code == 0, answer.err
        assert "note: annotations/captions.jsonl: lines that cannot be read: 1" in answer.err
    assert "2 kept" in impasto("data", "filter", "catalogue", "--below", -1).out
