import io
import os
import random
from pathlib import Path

import pytest
from PIL import Image
from tests.evaluation.painted_folders import write_paintings
from tests.evaluation.preference.made_up_votes import contestant_of

from impasto.errors import ImpastoError
from impasto.evaluation.preference.session import SHOWN_SIDE, PreferenceSession, ServedPair, StaleError, pixels_alone
from impasto.evaluation.preference.votes import VoteLog


def folders(tmp_path: Path, count: int = 4) -> list[Path]:
    return [write_paintings(tmp_path / name, count, first_seed=seed) for name, seed in (("before", 0), ("after", 500))]


def session(tmp_path: Path, where: list[Path], seed: int = 0, **more: object) -> PreferenceSession:
    options = {"question": "Which?", "judge": "anna", "rng": random.Random(seed)} | more
    return PreferenceSession([contestant_of(one) for one in where], VoteLog(tmp_path / "votes.jsonl"), **options)  # type: ignore[arg-type]


def shown(of: PreferenceSession) -> ServedPair:
    served = of.current()
    assert served is not None
    return served


def test_a_vote_is_on_disk_and_the_pair_loaded_beforehand_comes_next(tmp_path: Path) -> None:
    one = session(tmp_path, folders(tmp_path))
    first, after = shown(one), one.upcoming()
    assert after is not None and after.pair.pictures != first.pair.pictures
    one.vote(first.id, "left", 2.5)
    (vote,) = VoteLog(tmp_path / "votes.jsonl").votes()
    assert (vote.choice, vote.seconds, vote.judge, vote.question) == ("left", 2.5, "anna", "Which?")
    assert (vote.left.folder, vote.left.content) == (first.pair.left[0], first.pair.left[1].content)
    assert {vote.left.folder, vote.right.folder} == {"before", "after"} and vote.left.file_name == vote.right.file_name
    assert shown(one) is after and one.made == one.standing == 1
    with pytest.raises(StaleError):  # a second click
        one.vote(first.id, "left", 0.1)
    assert one.made == 1


def test_only_the_two_pairs_at_hand_can_be_fetched(tmp_path: Path) -> None:
    one = session(tmp_path, folders(tmp_path))
    first = shown(one)
    assert one.sheet(first.left.token) is first.left and one.sheet("x") is None
    one.vote(first.id, "tie", 1)
    shown(one)
    assert one.sheet(first.left.token) is None


def test_undo_shows_the_pair_again_also_in_a_later_session(tmp_path: Path) -> None:
    where = folders(tmp_path)
    one = session(tmp_path, where)
    first = shown(one)
    one.vote(first.id, "right", 1)
    second = shown(one)
    assert one.undo(second.id)
    again = shown(one)
    assert again.pair == first.pair and again.id != first.id and one.upcoming() is second
    with pytest.raises(StaleError):
        one.undo(second.id)
    one.vote(again.id, "left", 1)

    later = session(tmp_path, where, seed=5)
    assert later.standing == 1 and later.made == 0
    assert later.undo(shown(later).id) and shown(later).pair == first.pair
    assert not later.undo(shown(later).id)  # nothing is left
    assert VoteLog(tmp_path / "votes.jsonl").votes() == []
    assert len((tmp_path / "votes.jsonl").read_text().splitlines()) == 4


def test_another_judges_votes_are_not_taken_back(tmp_path: Path) -> None:
    where = folders(tmp_path)
    bo = session(tmp_path, where, judge="bo")
    bo.vote(shown(bo).id, "left", 1)
    anna = session(tmp_path, where)
    assert anna.standing == 0 and not anna.undo(shown(anna).id)


def test_a_count_ends_it_and_undo_goes_back(tmp_path: Path) -> None:
    one = session(tmp_path, folders(tmp_path), count=2)
    one.vote(shown(one).id, "left", 1)
    last = shown(one)
    assert one.upcoming() is None
    one.vote(last.id, "left", 1)
    assert one.finished and one.current() is None and one.upcoming() is None
    assert one.undo("") and not one.finished and shown(one).pair == last.pair


def test_a_full_disk_keeps_the_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = session(tmp_path, folders(tmp_path))
    first = shown(one)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ImpastoError, match="No space left"):
            one.vote(first.id, "left", 1)
    assert shown(one) is first and one.made == 0
    one.vote(first.id, "left", 1)
    assert len(VoteLog(tmp_path / "votes.jsonl").votes()) == 1


def test_pictures_that_go_or_change_are_named_once_and_passed_over(tmp_path: Path) -> None:
    where, told = folders(tmp_path, 3), []
    one = session(tmp_path, where, on_skip=told.append)
    (where[0] / "0.png").unlink()
    (where[1] / "1.png").write_bytes((where[1] / "2.png").read_bytes())
    for _ in range(6):
        served = shown(one)
        assert {side[1].file_name for side in (served.pair.left, served.pair.right)} == {"2.png"}
        one.vote(served.id, "left", 1)
    assert sorted(reason.partition(": ")[2].partition(" (")[0][:30] for reason in told) == [
        "cannot be read", "changed since the command began"[:30],
    ]  # fmt: skip


def test_the_same_pixels_in_two_folders_are_no_pair(tmp_path: Path) -> None:
    where, told = folders(tmp_path, 1), []
    Image.open(where[0] / "0.png").save(where[1] / "0.png")  # without its record: another file
    one = session(tmp_path, where, on_skip=told.append)
    assert one.current() is None and len(told) == 1 and "the same picture in" in told[0]


def test_pixels_alone_hold_no_word_of_their_origin() -> None:
    picture = Image.new("RGB", (2000, 50), "red")
    picture.info = {"icc_profile": b"secret profile", "parameters": "secret", "exif": b"Exif\0\0secret", "dpi": (72, 72)}
    data = pixels_alone(picture)
    assert b"secret" not in data
    with Image.open(io.BytesIO(data)) as found:
        assert found.info == {} and found.size == (SHOWN_SIDE, 40) and not found.getexif()
