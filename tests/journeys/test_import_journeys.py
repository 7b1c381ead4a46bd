"""Importing through the command line: killed again and again it ends with the rows of an undisturbed import."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.data.importing.sources import draw_scene, lines_of, write_lists
from tests.journeys.conftest import Impasto

COMMAND = [sys.executable, "-m", "impasto.cli.main", "data", "import", "folder", "source"]


def draw_source(folder: Path, count: int) -> Path:
    """Pictures of which every eighth comes in two sizes, and two that are broken, with a table."""
    folder.mkdir()
    lines = ["file,painter,date"]
    for number in range(count):
        seed = number - 1 if number % 8 == 1 else number
        draw_scene(seed, 64 + number % 8, 48 + number % 8).save(folder / f"{number:03d}.jpg", quality=92)
        lines.append(f"{number:03d}.jpg,claude-monet,c. {1650 + number}")
    (folder / "998.jpg").write_bytes(b"broken")
    (folder / "999.png").write_bytes(b"")
    (folder / "metadata.csv").write_text("\n".join(lines), "utf-8")
    return folder


def test_killed_again_and_again(tmp_path: Path) -> None:
    source = draw_source(tmp_path / "source", 160)
    calm = subprocess.run([*COMMAND, "--out", "calm", "--workers", "1"], cwd=tmp_path, capture_output=True, text=True)
    assert calm.returncode == 0, calm.stderr
    expected = (tmp_path / "calm" / "metadata.jsonl").read_text("utf-8")
    assert len(expected.splitlines()) == 140

    killed = 0
    for kill in range(40):
        # A process that dies at its n-th write to disk: within looks, names, rows, the report.
        program = (
            "import os, signal, sys\n"
            "left = int(sys.argv.pop(1))\n"
            "whole = os.fsync\n"
            "def count(file):\n"
            "    global left\n"
            "    left -= 1\n"
            "    if not left: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    whole(file)\n"
            "os.fsync = count\n"
            "from impasto.cli.main import main\n"
            "main()\n"
        )
        arguments = [str(1 + kill % 5), *COMMAND[3:], "--out", "killed", "--workers", "1"]
        child = subprocess.run([sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True)
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL, child.stderr
        killed += 1
        log = tmp_path / "killed" / "metadata.jsonl"
        if log.exists() and kill % 3 == 0:
            log.write_text(log.read_text("utf-8") + '{"file_name": "torn', "utf-8")
    assert killed >= 3
    assert (tmp_path / "killed" / "metadata.jsonl").read_text("utf-8") == expected
    reports = [(tmp_path / name / "import-report.jsonl").read_text("utf-8") for name in ("calm", "killed")]
    assert reports[0] == reports[1] and len(reports[0].splitlines()) == 22
    for row in lines_of(tmp_path / "killed" / "metadata.jsonl"):
        assert (tmp_path / "killed" / row["file_name"]).read_bytes() == (source / row["file_name"]).read_bytes()


def test_killed_with_workers_leaves_none_behind(tmp_path: Path) -> None:
    draw_source(tmp_path / "source", 240)
    for attempt in range(3):
        process = subprocess.Popen(
            [*COMMAND, "--out", "out", "--workers", "2"], cwd=tmp_path, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        journal = tmp_path / "out" / ".import" / "journal.sqlite"
        begun = time.monotonic()
        while not journal.exists() and process.poll() is None and time.monotonic() - begun < 60:
            time.sleep(0.02)
        time.sleep(0.3 * attempt)
        process.kill()
        process.wait()
        begun = time.monotonic()
        while _alive(process.pid) and time.monotonic() - begun < 60:
            time.sleep(0.05)
        assert not _alive(process.pid)
    done = subprocess.run([*COMMAND, "--out", "out", "--workers", "2"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = lines_of(tmp_path / "out" / "metadata.jsonl")
    assert len(rows) == len({row["file_name"] for row in rows}) == 210
    assert [row["file_name"] for row in rows] == sorted(row["file_name"] for row in rows)


def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    draw_source(tmp_path / "source", 600)
    # A shell in the background lets its children ignore Ctrl-C: this one listens again.
    listening = ["env", "--default-signal=INT", *COMMAND, "--out", "out", "--workers", "2"]
    process = subprocess.Popen(
        listening, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    begun = time.monotonic()
    while not (tmp_path / "out" / ".import" / "journal.sqlite").exists() and time.monotonic() - begun < 60:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert (out, said.count("\n")) == ("", 1) and said.startswith("error: stopped: run the same command again")


def _alive(group: int) -> bool:
    """Whether a process of the group, other than the dead, is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_summary_and_a_second_run(impasto: Impasto, tmp_path: Path) -> None:
    draw_source(tmp_path / "source", 16)
    first = impasto("data", "import", "folder", "source", "--out", "out", "--workers", 1)
    assert first.code == 0
    facts = dict(line.split(": ") for line in first.out.splitlines())
    assert (facts["taken"], facts["duplicates"], facts["refused"]) == ("14", "2", "2")
    assert "import-report.jsonl" in first.err
    again = impasto("data", "import", "folder", "source", "--out", "out", "--workers", 1)
    assert "taken: 14, 14 of them before" in again.out


def test_wikiart_with_lists(impasto: Impasto, tmp_path: Path) -> None:
    (tmp_path / "wikiart" / "Cubism").mkdir(parents=True)
    draw_scene(1).save(tmp_path / "wikiart" / "Cubism" / "paul-klee_castle-1921.jpg")
    write_lists(tmp_path / "lists", {"Cubism/paul-klee_castle-1921.jpg": ("Cubism", "landscape")})
    answer = impasto("data", "import", "wikiart", "wikiart", "--lists", "lists", "--out", "out", "--workers", 1)
    assert answer.code == 0, answer.err
    (row,) = lines_of(tmp_path / "out" / "metadata.jsonl")
    assert (row["artist"], row["year"], row["genre"]) == ("Paul Klee", 1921, "landscape")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("folder", "missing", "--out", "out"), "no such folder"),
        (("folder", "source", "--out", "source"), "the source itself"),
        (("folder", "source", "--out", "source/000.jpg"), "not a folder"),
        (("folder", "source", "--out", "out", "--workers", "0"), "workers"),
        (("folder", "source", "--out", "out", "--max-side", "3"), "max-side"),
        (("wikiart", "source", "--out", "out", "--lists", "missing"), "no such folder"),
        (("wikiart", "source", "--out", "out", "--shape", "parquet"), "no .parquet"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_imported(impasto: Impasto, tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    draw_source(tmp_path / "source", 1)
    answer = impasto("data", "import", *arguments)
    assert answer.code == 2 and word in answer.err and answer.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    draw_source(tmp_path / "source", 8)

    def no_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    done = subprocess.run(
        [*COMMAND, "--out", "out", "--workers", "1"], cwd=tmp_path, capture_output=True, text=True, preexec_fn=no_space
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1 and "unexpected" not in done.stderr


def test_a_long_table_is_a_stream(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    draw_scene(1).save(tmp_path / "source" / "000001.png")
    with (tmp_path / "source" / "metadata.csv").open("w") as file:
        file.write("file_name,artist,title\n")
        file.writelines(f"{number:06d}.png,claude-monet,{number:0900d}\n" for number in range(100_000))
    # The kernel's figure for a child begins with its parent's size; only the process itself knows its own.
    program = (
        "import atexit, pathlib\n"
        "atexit.register(lambda: print(pathlib.Path('/proc/self/status').read_text()))\n"
        "from impasto.cli.main import main\n"
        "main()\n"
    )
    arguments = [*COMMAND[3:], "--out", "out", "--workers", "1"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peak = next(int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("VmHWM"))
    assert peak < 130 * 1024  # KiB; the table's 92 MB and its rows do not lie in memory
    assert len(lines_of(tmp_path / "out" / "import-report.jsonl")) == 99_999
    (row,) = lines_of(tmp_path / "out" / "metadata.jsonl")
    assert row["title"] == f"{1:0900d}"
