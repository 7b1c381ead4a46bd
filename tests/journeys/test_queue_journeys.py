"""Jobs are left to the queue from the command line, worked on, looked at and changed."""

import json
from pathlib import Path

import pytest
from tests.journeys.conftest import Impasto

from impasto.painting.provenance.record import Provenance, read_provenance


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    monkeypatch.setenv("IMPASTO_WORKSPACE", str(folder))
    return folder


def test_a_night_of_paintings(impasto: Impasto, place: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("boats at sunset\n\nwheat field\n", encoding="utf-8")
    said = impasto("queue", "add", "--priority", 2, "paint", "a harbour", "--seed", 7, "-n", 2, "--steps", 2)
    assert (said.code, said.out) == (0, "job 1  paint  a harbour  2 parts\n"), said.err
    said = impasto("queue", "add", "--prompts", "prompts.txt", "--vary", "steps=1,2", "paint", "--seed", 3, "-n", 2)
    assert (said.code, said.out) == (0, "job 2  batch  boats at sunset (8 paintings)  8 parts\n"), said.err
    said = impasto("queue", "add", "paint", "boats", "--seed", 7, "--steps", 1, "--out", "mine")
    assert said.code == 0 and not (tmp_path / "mine").exists()
    said = impasto("queue", "list")
    assert said.out.splitlines()[0] == "1\tqueued\tpaint\t0/2\t2\ta harbour"
    assert said.err == "note: no worker runs: `impasto queue work`\n"
    assert impasto("queue", "pause", 2).out == "job 2 pauses\n"
    said = impasto("queue", "work", "--until-empty")
    assert said.out == "job 1 done\njob 3 done\n2 jobs ended\n", said.err
    assert len(list((tmp_path / "mine").iterdir())) == 1
    assert impasto("queue", "resume", 2).out == "job 2 goes on\n"
    impasto("queue", "work", "--until-empty")
    shown = impasto("queue", "show", 2, "--wait")
    pictures = [line for line in shown.out.splitlines() if line.endswith(".png")]
    assert shown.code == 0 and "state: done" in shown.out and len(pictures) == 8
    records = [read_provenance(path) for path in pictures]
    assert [(r.prompt, r.steps, r.seed) for r in records if isinstance(r, Provenance)] == [
        (prompt, steps, seed) for prompt in ("boats at sunset", "wheat field") for steps in (1, 2) for seed in (3, 4)
    ]
    told = json.loads(impasto("queue", "show", 1, "--json").out)
    assert told["request"]["prompt"] == "a harbour" and [part["pictures"][0]["seed"] for part in told["parts"]] == [7, 8]
    assert impasto("paint", "a harbour", "--seed", 7, "--steps", 2, "--out", "alone.png").code == 0
    queued = place / "pictures" / told["parts"][0]["pictures"][0]["name"]
    assert queued.read_bytes() == (tmp_path / "alone.png").read_bytes()
    assert impasto("queue", "clear").out == "3 jobs cleared\n" and queued.exists()

    listed = [line.split("\t") for line in impasto("gallery", "list", "--text", "harbour").out.splitlines()]
    assert [(row[3], row[5]) for row in listed] == [
        ("a harbour", part["pictures"][0]["name"]) for part in reversed(told["parts"])
    ]
    first, second = listed[0][0], listed[1][0]
    assert impasto("gallery", "star", first).out.endswith(" is starred\n")
    assert impasto("gallery", "bin", second).out.endswith(" is in the bin\n")
    assert impasto("gallery", "restore", second).out.endswith(" is back\n")
    for file in place.glob("gallery.sqlite3*"):
        file.unlink()
    assert impasto("gallery", "rebuild").out == "10 pictures added, 0 known, 0 missing\n"
    assert json.loads(impasto("gallery", "list", "--starred", "--json").out)["id"] == first
    said = impasto("gallery", "star", "../../x")
    assert (said.code, said.err) == (2, "error: there is no picture '../../x' in the gallery\n")


def test_jobs_are_moved_cancelled_and_tried_again(impasto: Impasto, place: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs.jsonl").write_text(
        '{"kind": "paint", "prompt": "boats", "steps": 1}\n{"kind": "upscale", "pictures": ["nowhere.png"]}\n'
    )
    assert impasto("queue", "add", "--jobs", "jobs.jsonl").out == "job 1  paint  boats\njob 2  upscale  nowhere.png\n"
    assert impasto("queue", "add", "--key", "a", "paint", "x").out == impasto("queue", "add", "--key", "a", "paint", "x").out
    assert impasto("queue", "move", 2, "--front").out == "job 2: 0 before it\n"
    assert impasto("queue", "cancel", 1).out == "job 1 cancelled\n"
    assert impasto("queue", "cancel", 1).out == "job 1 is cancelled already\n"
    assert impasto("queue", "cancel", "--all").out == "2 jobs cancelled\n"
    assert impasto("queue", "retry", 2).out == "job 2 waits again\n"
    said = impasto("queue", "work", "--until-empty")
    assert said.out.startswith("job 2 failed: ") and said.out.endswith("1 jobs ended\n"), said.out
    said = impasto("queue", "show", 2, "--wait")
    assert said.code == 1 and said.err.startswith("error: job 2 failed: ")
    assert impasto("queue", "retry", "--failed").out == "job 2 waits again\n"
    assert impasto("queue", "pause").out == "the queue is paused\n"
    assert impasto("queue", "work", "--until-empty").out == "0 jobs ended\n"
    assert "the queue is paused" in impasto("queue", "list").err
    assert impasto("queue", "resume").out == "the queue goes on\n"
    states = [line.split("\t")[:2] for line in impasto("queue", "list", "--all").out.splitlines()]
    assert states == [["3", "cancelled"], ["2", "queued"], ["1", "cancelled"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add"], "name a verb with its options"),
        (["add", "paint", "boats", "--steps", "0"], "steps 0: use 1 to 1000"),
        (["add", "--priority", "2000", "paint", "boats"], "priority 2000: use -1000 to 1000"),
        (["add", "cache", "list"], "runs at once and makes no job"),
        (["add", "--vary", "steps", "paint", "boats"], "--vary steps: use OPTION=VALUE,VALUE"),
        (["add", "--vary", "colour=red", "paint", "boats"], "paint job, colour: there is no such field"),
        (["add", "--artists", "A,B", "upscale", "a.png"], "go with paint, not with upscale"),
        (["add", "--jobs", "nowhere.jsonl"], "nowhere.jsonl: there is no such file"),
        (["show", "7"], "there is no job 7"),
        (["cancel"], "name jobs by their numbers, or --all"),
        (["list", "--state", "lost"], "--state lost: use queued, running, done, failed, cancelled"),
        (["work", "--slot", "99"], "--slot 99: use 0 to 63"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_accepted(
    words: list[str], said: str, impasto: Impasto, place: Path
) -> None:
    answer = impasto("queue", *words)
    assert answer.code == 2 and answer.err.startswith("error: ") and said in answer.err and answer.err.count("\n") == 1
    assert impasto("queue", "list", "--all").out == ""
