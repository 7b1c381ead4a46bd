"""Persons judge in the browser, blind, and the command line tells what it comes to."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.evaluation.painted_folders import write_paintings
from tests.evaluation.preference.made_up_votes import simulated_votes, votes_between
from tests.journeys.conftest import Impasto

from impasto.evaluation.preference.server import PreferenceServer
from impasto.evaluation.preference.votes import VoteLog


@contextmanager
def asking(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`impasto prefer` as a process of its own, and the port that its first line tells."""
    command = [sys.executable, "-m", "impasto", "prefer", *words]
    environment = os.environ | {"IMPASTO_CACHE": str(folder / "cache")}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.communicate(timeout=10)
            yield process, int(address.rstrip("/").rpartition(":")[2])
        finally:
            process.kill()


def ask(port: int, path: str, body: dict[str, object] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    data = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, data, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, found
    return found


def vote(port: int, count: int, seed: int) -> Any:
    rng, state = random.Random(seed), ask(port, "/state")
    for _ in range(count):
        choice = rng.choice(["left", "right", "tie"])
        state = ask(port, "/vote", {"pair": state["pair"]["id"], "choice": choice, "seconds": 1.5})
    return state


def test_voting_killed_and_gone_on_with_then_scores(tmp_path: Path, impasto: Impasto) -> None:
    write_paintings(tmp_path / "before", 10)
    write_paintings(tmp_path / "after", 10, first_seed=3000)
    (tmp_path / "after" / "broken.png").write_bytes(b"no picture")
    words = ("before", "after", "--by", "Vincent van Gogh", "--log", "votes.jsonl", "--judge", "anna")
    with asking(tmp_path, *words) as (process, port):
        state = vote(port, 7, seed=1)
        assert state["question"] == "Which picture is more by Vincent van Gogh?"
        process.kill()
    whole = (tmp_path / "votes.jsonl").read_bytes()
    assert whole.count(b"\n") == 7
    (tmp_path / "votes.jsonl").write_bytes(whole + b'{"kind": "vote", "id": "to')  # killed while it wrote
    with asking(tmp_path, *words, "--count", "20") as (process, port):
        assert ask(port, "/state")["votes"] == 7
        state = vote(port, 20, seed=2)
        assert state["finished"] and state["pair"] is None
        assert not ask(port, "/undo", {"pair": ""})["finished"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "19 votes more in votes.jsonl" in out
    assert "note: after: broken.png: not a picture that can be read" in err
    assert "before and after: 10 pairs of the same prompt, artist and seed" in err

    told = impasto("prefer", "--scores", "votes.jsonl", "--json")
    assert told.code == 0, told.err
    (report,) = json.loads(told.out)["questions"]
    assert report["votes"] == 26 and report["judges"][0]["judge"] == "anna"
    assert {one["folder"] for one in report["folders"]} == {"before", "after"}
    assert sum(one["wins"] for one in report["folders"]) == 26 and report["resampled"] == "10 pairs of pictures"
    table = impasto("prefer", "--scores", "votes.jsonl")
    assert table.out.splitlines()[0] == "Which picture is more by Vincent van Gogh? 26 votes by 1 judge"
    assert "same answer again" in table.out and "bootstrap over 10 pairs of pictures" in table.err


def test_several_logs_and_questions(tmp_path: Path, impasto: Impasto) -> None:
    for name, seed in (("one.jsonl", 1), ("two.jsonl", 2)):
        for number, one in enumerate(simulated_votes({"a": 1.0, "b": 0.0, "c": -1.0}, 20, seed)):
            other = {"id": f"{name}-{number}", "judge": name[:3]}
            VoteLog(tmp_path / name).add(type(one)(**{**vars(one), **other}))
    for one in votes_between("a", "b", 4, 0):
        VoteLog(tmp_path / "three.jsonl").add(type(one)(**{**vars(one), "question": "Which is <b>darker</b>?"}))
    answer = impasto("prefer", "--scores", "one.jsonl", "two.jsonl", "one.jsonl", "three.jsonl")
    assert answer.code == 0, answer.err
    lines = [line.split("\t") for line in answer.out.splitlines()]
    assert lines[0] == ["Which picture is better? 120 votes by 2 judges"]
    assert [line[0] for line in lines[2:5]] == ["a", "b", "c"] and all("[" in line[1] for line in lines[2:5])
    assert ["Which is <b>darker</b>? 4 votes by 1 judge"] in lines and ["a", "-", "100%", "4"] in lines
    assert "no scores: a won every comparison with the other folders: no upper bound" in answer.err
    words = ("--scores", "three.jsonl", "one.jsonl", "--question", "Which is <b>darker</b>?", "--regularize")
    chosen = impasto("prefer", *words)
    assert chosen.code == 0 and "120 votes" not in chosen.out and "one tie is added" in chosen.err
    assert "note: no scores" not in chosen.err


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        ("before nowhere --log v.jsonl", "nowhere: there is no such folder", 2),
        ("before --log v.jsonl", "give two or more folders", 2),
        ("before ./before --log v.jsonl", "before is given twice", 2),
        ("before empty --log v.jsonl", "empty holds no usable picture", 1),
        ("before broken --log v.jsonl", "broken holds no usable picture (the first, 0.png: not a picture", 1),
        ("one twin --log v.jsonl", "the folders hold the same pictures", 1),
        ("before after", "--log votes.jsonl", 2),
        ("before after --log before", "--log before is a folder", 2),
        ("before after --log no/v.jsonl", "there is no folder no", 2),
        ("before after --log notes.txt", "notes.txt is no log of votes", 2),
        ("before after --log other.jsonl", "other.jsonl holds votes on another question (Which picture is better?)", 2),
        ("before after --log /proc/v.jsonl", "cannot write to /proc", 1),
        ("before after --log v.jsonl --port TAKEN", "Address already in use: name another one", 2),
        ("before after --log v.jsonl --by", "--by", 2),
        ("before after --log v.jsonl --question  ", "--question is empty", 2),
        ("before after --log v.jsonl --by a --question b", "give one of them", 2),
        ("before after --log v.jsonl --judge  ", "--judge is empty", 2),
        ("before after --log v.jsonl --json", "go with --scores", 2),
        ("--scores nothing.jsonl", "nothing.jsonl: there is no such log", 2),
        ("--scores before", "before: there is no such log", 2),
        ("--scores notes.txt", "notes.txt is no log of votes", 2),
        ("--scores blank.jsonl", "blank.jsonl: no vote that counts", 1),
        ("--scores other.jsonl --question Who?", "nobody voted on 'Who?', but on: Which picture is better?", 2),
        ("--scores other.jsonl --log v.jsonl", "--scores takes the logs alone", 2),
    ],
)
def test_bad_requests_are_one_sentence(
    impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, says: str, code: int
) -> None:
    monkeypatch.setattr(PreferenceServer, "serve_forever", lambda server: pytest.fail("it asks"))
    write_paintings(tmp_path / "before", 2)
    write_paintings(tmp_path / "after", 2, first_seed=50)
    for name in ("empty", "broken", "twin"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "0.png").write_bytes(b"no picture")
    Image.open(write_paintings(tmp_path / "one", 1) / "0.png").save(tmp_path / "twin" / "0.png")
    (tmp_path / "notes.txt").write_text("my notes")
    (tmp_path / "blank.jsonl").touch()
    for one in votes_between("a", "b", 1, 1):
        VoteLog(tmp_path / "other.jsonl").add(one)
    if "other.jsonl" in words and "--log other" in words:
        words += " --question Darker?"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        spoken = [word.replace("TAKEN", str(taken.getsockname()[1])) for word in words.split(" ")]
        answer = impasto("prefer", *spoken)
    assert (answer.code, answer.out) == (code, ""), answer.err
    errors = [line for line in answer.err.splitlines() if not line.startswith("note: ")]
    assert len(errors) == 1 and says in errors[0], answer.err
    assert (tmp_path / "notes.txt").read_text() == "my notes" and not (tmp_path / "v.jsonl").exists()
