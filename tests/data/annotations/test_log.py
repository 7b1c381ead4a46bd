import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.errors import ImpastoError

# Appends rows for ever, and says how many are on disk.
WRITER = """
import sys
from pathlib import Path
from impasto.data.annotations.log import AnnotationLog
log = AnnotationLog(Path(sys.argv[1]), "captions")
number = int(sys.argv[2])
while True:
    rows = [{"file_name": f"{n}.png", "content": "c" * 64, "caption": f"boats {n} " * 50} for n in range(number, number + 5)]
    log.append(rows)
    number += 5
    print(number, flush=True)
"""


def row(name: str, **more: object) -> dict[str, object]:
    return {"file_name": name, "content": "0" * 64, **more}


def test_rows_come_back_in_order_and_the_last_one_wins(tmp_path: Path) -> None:
    log = AnnotationLog(tmp_path, "captions")
    assert list(log.rows()) == [] and log.latest() == {}
    log.append([])
    assert not log.path.exists()
    log.append([row("a.png", caption="boats"), row("b.png", caption="høns\n\u2028\ud800")])
    log.append([row("a.png", caption="two boats")])
    assert [r["caption"] for r in log.rows()] == ["boats", "høns\n\u2028\ud800", "two boats"]
    assert {name: r["caption"] for name, r in log.latest().items()} == {"a.png": "two boats", "b.png": "høns\n\u2028\ud800"}
    assert list(AnnotationLog(tmp_path, "tags").rows()) == []


def test_broken_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    log = AnnotationLog(tmp_path, "tags")
    log.append([row("a.png")])
    with log.path.open("ab") as file:
        file.write(b'\xff\xfe\x00\n[1]\n{"file_name": 3, "content": ""}\n\n' + b"[" * 100_000 + b"\n")
    log.append([row("b.png")])
    with log.path.open("ab") as file:
        file.write(b'{"file_name": "torn.png", "cont')
    assert [r["file_name"] for r in log.rows()] == ["a.png", "b.png"]
    assert log.broken == 4
    log.append([row("c.png")])
    assert [r["file_name"] for r in log.rows()] == ["a.png", "b.png", "c.png"]
    assert b"torn" not in log.path.read_bytes()


@pytest.mark.parametrize("torn", [b'{"file_name": "t.png"', b"x" * 200_000, b"\xf0\x9f"])
def test_only_the_torn_line_is_cut(tmp_path: Path, torn: bytes) -> None:
    log = AnnotationLog(tmp_path, "tags")
    log.append([row("a.png")])
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + torn)
    log.append([row("b.png")])
    assert log.path.read_bytes() == whole + whole.replace(b"a.png", b"b.png")


def test_a_whole_row_without_its_line_break_is_kept(tmp_path: Path) -> None:
    log = AnnotationLog(tmp_path, "tags")
    log.append([row("a.png")])
    log.path.write_bytes(log.path.read_bytes().removesuffix(b"\n"))
    log.append([row("b.png")])
    assert [r["file_name"] for r in log.rows()] == ["a.png", "b.png"]


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AnnotationLog(tmp_path, "review")
    log.append([row("a.png")])
    before = log.path.read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ImpastoError, match="cannot be written: No space left"):
            log.append([row("b.png")])
    assert log.path.read_bytes() == before
    with pytest.raises(ImpastoError, match="cannot be written"):
        AnnotationLog(tmp_path / "no such catalogue", "review").append([row("a.png")])


def test_what_is_no_annotation_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    log = AnnotationLog(tmp_path, "similarity")
    for wrong in ({"file_name": "b.png"}, row("b.png", similarity=float("nan")), row("b.png", by=Path)):
        with pytest.raises((ValueError, TypeError)):
            log.append([row("a.png"), wrong])
    assert not log.path.exists()


def test_two_writers_at_a_time_mix_no_rows(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        for number in range(20):
            AnnotationLog(tmp_path, "captions").append([row(f"{writer}-{number}.png", caption="boats " * 3000)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    log = AnnotationLog(tmp_path, "captions")
    assert len(log.latest()) == 80 and log.broken == 0


def test_random_kills_lose_no_row_that_was_written(tmp_path: Path) -> None:
    rng = random.Random(4)
    log = AnnotationLog(tmp_path, "captions")
    number = 0
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(rng.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            said = (first + process.stdout.read()).split("\n")
        told = int(said[-2])  # what follows the last line break may be half a number
        found = list(log.rows())
        assert told > number and log.broken == 0
        assert len(found) >= told
        number = len(found)
        if rng.random() < 0.5:  # as a kill in the middle of the write would leave it
            with log.path.open("ab") as file:
                file.write(json.dumps(row("torn.png", caption="x" * 400))[: rng.randrange(1, 400)].encode())
    assert [r["file_name"] for r in log.rows()] == [f"{n}.png" for n in range(number)]


def test_content_is_the_hash_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    assert content_of(tmp_path / "a.png") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(ImpastoError, match="cannot be read"):
        content_of(tmp_path / "gone.png")
