import dataclasses
import json
from pathlib import Path

import pytest
from tests.evaluation.preference.made_up_votes import vote

from impasto.errors import UsageError
from impasto.evaluation.preference.votes import VoteLog, standing_votes


def test_votes_come_back_as_they_were_and_undone_ones_do_not(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes.jsonl")
    assert log.votes() == []
    one, two = vote("a", "b", number=1, match="m"), vote("b", "a", "tie", number=2, judge="Børge")
    log.add(one)
    before = log.path.read_bytes()
    log.add(two)
    log.take_back(one, "2026-01-02T00:00:00+00:00")
    assert log.path.read_bytes().startswith(before) and len(log.path.read_bytes().splitlines()) == 3
    assert log.votes() == [two]


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes.jsonl")
    log.add(vote("a", "b", number=1))
    whole = log.path.read_bytes()
    log.add(vote("a", "b", number=2))
    for end in range(len(whole) + 1, 2 * len(whole) - 1, 7):
        log.path.write_bytes((whole + whole.replace(b"anna-1", b"anna-2"))[:end])
        assert [one.id for one in log.votes()] == ["anna-1"] and log.broken == 0
    log.add(vote("a", "b", number=3))
    assert [one.id for one in log.votes()] == ["anna-1", "anna-3"]


def test_a_log_whose_first_line_is_torn_is_empty(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes.jsonl")
    log.add(vote("a", "b", number=1))
    line = log.path.read_bytes()
    for end in (1, 5, 40, len(line) - 2):
        log.path.write_bytes(line[:end])
        assert log.votes() == []
    log.add(vote("a", "b", number=2))
    assert [one.id for one in log.votes()] == ["anna-2"]


def test_logs_together_count_each_vote_once(tmp_path: Path) -> None:
    first, second = VoteLog(tmp_path / "1.jsonl"), VoteLog(tmp_path / "2.jsonl")
    one, two, three = (vote("a", "b", number=number) for number in (1, 2, 3))
    for log, own in ((first, (one, two)), (second, (two, three))):
        for each in own:
            log.add(each)
    second.take_back(one, "")  # the undo may lie in another log than its vote, and before it
    assert standing_votes([second, first, first]) == [two, three]


@pytest.mark.parametrize(
    "content",
    [b"my notes", b"my notes\n", b'{"file_name": "a.png", "content": "0", "decision": "accept"}\n', b"\x89PNG\r\n\0", b"[]"],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(UsageError, match="is no log of votes"):
        VoteLog(tmp_path / "other").votes()


@pytest.mark.parametrize(
    "change",
    [
        {"choice": "up"}, {"seconds": -1}, {"seconds": True}, {"seconds": 1e9}, {"question": 3}, {"id": ""},
        {"left": None}, {"left": {"folder": "b", "content": "x", "file_name": "y"}}, {"judge": "\x1b[2J"},
        {"judge": "x" * 2000}, {"kind": "poem"}, {"match": None},
    ],
)  # fmt: skip
def test_lines_that_are_no_votes_do_not_count(tmp_path: Path, change: dict[str, object]) -> None:
    log = VoteLog(tmp_path / "votes.jsonl")
    log.add(vote("a", "b", number=1))
    row = json.loads(log.path.read_bytes()) | change
    with log.path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert [one.id for one in log.votes()] == ["anna-1"] and log.broken == 1


def test_a_vote_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes.jsonl")
    with pytest.raises(ValueError, match="no row"):
        log.add(dataclasses.replace(vote("a", "b"), seconds=float("nan")))
    assert not log.path.exists()
