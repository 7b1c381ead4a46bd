from pathlib import Path
from typing import Any, get_args

import pytest
from tests.training.drawn import draw_catalogue, draw_landscape

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.review import Order, ReviewSession
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError

CAPTIONS = {"picture-0.png": 0.5, "picture-1.png": 0.1, "picture-2.png": 0.3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures: three with machine captions, the least similar of which the filter dropped."""
    folder = draw_catalogue(tmp_path / "catalogue", 4)
    for name, similarity in CAPTIONS.items():
        text = f"sun {similarity}"
        say(folder, "captions", name, caption=text)
        say(folder, "similarity", name, text=text, similarity=similarity)
        say(folder, "filter", name, kept=similarity > 0.2, reason="too little", text=text)
    return folder


def say(folder: Path, kind: Any, name: str, **row: Any) -> None:
    AnnotationLog(folder, kind).append([{"file_name": name, "content": content_of(folder / name), **row}])


def rest(session: ReviewSession) -> list[str]:
    """The numbers of the pictures that still come, in order."""
    found = []
    while session.current is not None:
        found.append(session.current.entry.file_name.removeprefix("picture-").removesuffix(".png"))
        session.skip()
    return found


def shown(session: ReviewSession) -> tuple[str, str]:
    assert session.current is not None
    return session.current.entry.file_name, session.current.caption


def test_the_least_similar_come_first_and_the_unknown_last(folder: Path) -> None:
    assert rest(ReviewSession(folder)) == ["2", "0", "3"]
    assert rest(ReviewSession(folder, only="filtered")) == ["1"]
    assert rest(ReviewSession(folder, only="all")) == ["1", "2", "0", "3"]
    assert rest(ReviewSession(folder, only="all", order="name")) == ["0", "1", "2", "3"]
    assert sorted(rest(ReviewSession(folder, only="all", order="random"))) == ["0", "1", "2", "3"]
    assert not (folder / "annotations" / "review.jsonl").exists(), "skipping decides nothing"


def test_what_is_shown(folder: Path) -> None:
    say(folder, "tags", "picture-1.png", tags=[["sun", 0.9]])
    item = ReviewSession(folder, only="filtered").current
    assert item is not None
    assert (item.caption, item.similarity, item.tags, item.dropped) == ("sun 0.1", 0.1, ("sun",), "too little")
    assert item.entry.artist == "Vincent van Gogh" and item.verdict is None


def test_every_decision_is_one_row_at_once_and_resumes(folder: Path) -> None:
    log = AnnotationLog(folder, "review")
    session = ReviewSession(folder)
    session.accept()
    (row,) = log.rows()
    assert (row["file_name"], row["decision"], row["text"]) == ("picture-2.png", "accept", "sun 0.3")
    assert row["content"] == content_of(folder / "picture-2.png") and row["time"].startswith("20")
    session.edit("  a sun\nover fields ")
    session.reject()
    assert session.current is None and session.waiting == 0
    assert [r["decision"] for r in log.rows()] == ["accept", "edit", "reject"]
    assert (session.count.accepted, session.count.edited, session.count.rejected) == (1, 1, 1)
    assert rest(ReviewSession(folder)) == []
    found = {entry.file_name: entry.caption for entry in read_catalogue(folder, check_images=False).entries}
    assert found == {"picture-0.png": "a sun over fields", "picture-2.png": "sun 0.3"}


def test_undo_goes_back_step_by_step_also_into_earlier_sessions(folder: Path) -> None:
    first = ReviewSession(folder)
    first.accept()
    first.edit("a sun over fields")
    again = ReviewSession(folder)
    assert shown(again)[0] == "picture-3.png"
    again.reject()
    assert again.undo() and shown(again)[0] == "picture-3.png" and again.count.rejected == 0
    assert again.undo() and shown(again) == ("picture-0.png", "sun 0.5"), "the edit is gone"
    assert again.undo() and shown(again)[0] == "picture-2.png"
    assert not again.undo()
    assert again.waiting == 3 and rest(again) == ["2", "0", "3"]
    assert rest(ReviewSession(folder)) == ["2", "0", "3"]


def test_a_second_look_shows_and_keeps_the_edit(folder: Path) -> None:
    session = ReviewSession(folder, only="all")
    session.edit("a sun over fields")
    again = ReviewSession(folder, only="all", order="name")
    again.skip()
    assert shown(again) == ("picture-1.png", "a sun over fields")
    assert again.current is not None and again.current.similarity is None, "0.1 was that of another caption"
    again.reject()
    third = ReviewSession(folder, only="all", order="name")
    third.skip()
    assert third.current is not None and third.current.verdict is not None and third.current.verdict.rejected
    assert third.undo() and shown(third) == ("picture-1.png", "a sun over fields")
    assert third.undo() and shown(third) == ("picture-1.png", "sun 0.1")


def test_an_edited_picture_waits_again_and_a_lost_one_is_named(folder: Path) -> None:
    session = ReviewSession(folder)
    session.accept()
    draw_landscape(77).save(folder / "picture-2.png")
    later = ReviewSession(folder)
    assert rest(later) == ["0", "2", "3"]
    late = ReviewSession(folder)
    (folder / "picture-2.png").unlink()
    assert rest(late) == ["0", "3"]
    assert [s.file_name for s in late.report.skipped] == ["picture-2.png"]


@pytest.mark.parametrize("text", ["", " \n", "x" * 3000])
def test_impossible_captions_decide_nothing(folder: Path, text: str) -> None:
    session = ReviewSession(folder)
    with pytest.raises(UsageError, match="caption is"):
        session.edit(text)
    assert shown(session)[0] == "picture-2.png" and list(AnnotationLog(folder, "review").rows()) == []


@pytest.mark.parametrize("order", get_args(Order))
def test_at_the_end_there_is_nothing_to_decide(folder: Path, order: Order) -> None:
    session = ReviewSession(folder, order=order)
    rest(session)
    for act in (session.accept, session.reject, session.skip, lambda: session.edit("x")):
        with pytest.raises(UsageError, match="nothing is left"):
            act()
