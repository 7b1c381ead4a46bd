"""What the page Judge asks for blind pairs of two groups of the gallery."""

import threading
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from impasto.errors import ImpastoError, UsageError
from impasto.evaluation.preference.contestants import Contestant, Picture
from impasto.evaluation.preference.session import PreferenceSession, ServedPair, StaleError
from impasto.evaluation.preference.votes import MAX_QUESTION, Choice, VoteLog
from impasto.gallery.records import Entry
from impasto.studio.state import Studio, StudioOf
from impasto.weights.file_hash import hash_file

router = APIRouter(prefix="/pages", include_in_schema=False)
MOST_JUDGED = 1000  # pictures of a group
_NAMED = {"checkpoint", "sampler", "artist"}
Word = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class NewJudging(BaseModel):
    """Two groups of pictures, and the question."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["checkpoint", "sampler", "artist"]
    first: Word
    second: Word
    question: Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUESTION)] = "Which picture is better?"


class NewVote(BaseModel):
    """An answer about a pair."""

    model_config = ConfigDict(extra="forbid")

    pair: str = Field(max_length=100)
    choice: Choice
    seconds: float = Field(ge=0, le=86400)


class Undo(BaseModel):
    """The pair that is shown while the last vote is taken back; "" for none."""

    model_config = ConfigDict(extra="forbid")

    pair: str = Field("", max_length=100)


class _Judging:
    """The session that is open; one judge looks at one page."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.session: PreferenceSession | None = None

    def opened(self) -> PreferenceSession:
        if self.session is None:
            raise HTTPException(404, "begin first: there are no pairs")
        return self.session


_JUDGING = _Judging()


@router.get("/judging")
def get_state() -> dict[str, Any]:
    """Tells the pair that is shown, if a session is open."""
    with _JUDGING.lock:
        return {"pair": None, "open": False} if _JUDGING.session is None else _state(_JUDGING.session)


@router.get("/judging/groups")
def get_groups(studio: StudioOf, by: Literal["checkpoint", "sampler", "artist"] = "checkpoint") -> list[dict[str, Any]]:
    """Lists the values by which pictures of the gallery can be grouped."""
    rows = studio.gallery.database.read(
        f"SELECT {by} AS name, count(*) AS n FROM pictures WHERE binned = 0 AND missing = 0 AND {by} <> '' "
        f"GROUP BY {by} ORDER BY n DESC LIMIT 200"
    )
    return [{"name": row["name"], "count": row["n"]} for row in rows]


@router.post("/judging")
def begin(new: NewJudging, studio: StudioOf) -> dict[str, Any]:
    """Begins with pairs of two groups."""
    if new.first == new.second:
        raise UsageError("choose two different groups")
    groups = [_contestant(new.by, name, studio) for name in (new.first, new.second)]
    log = VoteLog(_log_file(studio))
    with _JUDGING.lock:
        _JUDGING.session = PreferenceSession(groups, log, question=new.question, judge="studio")
        return _state(_JUDGING.session)


@router.post("/judging/vote")
def vote(made: NewVote) -> dict[str, Any]:
    """Keeps a vote, and shows the next pair. A vote about another pair changes nothing: 409."""
    with _JUDGING.lock:
        session = _JUDGING.opened()
        try:
            session.vote(made.pair, made.choice, made.seconds)
        except StaleError:
            raise HTTPException(409, "another window has moved on") from None
        return _state(session)


@router.post("/judging/undo")
def undo(of: Undo) -> dict[str, Any]:
    """Takes the last vote back, and shows its pair again."""
    with _JUDGING.lock:
        session = _JUDGING.opened()
        try:
            if not session.undo(of.pair):
                raise UsageError("there is nothing to undo")
        except StaleError:
            raise HTTPException(409, "another window has moved on") from None
        return _state(session)


@router.get("/judging/picture/{token}")
def get_picture(token: Annotated[str, Path(max_length=100)]) -> Response:
    """Returns a picture of the pair: its pixels without its record."""
    with _JUDGING.lock:
        sheet = _JUDGING.opened().sheet(token)
    if sheet is None:
        raise HTTPException(404, "this picture is not shown any more")
    return Response(sheet.png, media_type="image/png", headers={"cache-control": "no-store"})


@router.get("/judging/scores")
def get_scores(studio: StudioOf) -> list[dict[str, Any]]:
    """Tells for each question how often each group won."""
    from impasto.evaluation.preference.votes import standing_votes

    file = _log_file(studio)
    found: dict[str, dict[str, list[float]]] = {}
    for one in standing_votes([VoteLog(file)]) if file.exists() else ():
        of = found.setdefault(one.question, {})
        for side, won in ((one.left, one.left_wins), (one.right, 1 - one.left_wins)):
            sums = of.setdefault(side.folder, [0.0, 0.0])
            sums[0] += won
            sums[1] += 1
    return [
        {"question": question, "groups": [{"name": name, "won": won, "of": of} for name, (won, of) in sorted(all_.items())]}
        for question, all_ in found.items()
    ]


def _contestant(by: str, name: str, studio: Studio) -> Contestant:
    assert by in _NAMED
    rows = studio.gallery.database.read(
        f"SELECT id FROM pictures WHERE binned = 0 AND missing = 0 AND {by} = ? ORDER BY made_at DESC LIMIT ?",
        (name, MOST_JUDGED),
    )
    pictures = []
    for entry in studio.gallery.entries([row["id"] for row in rows]):
        try:
            pictures.append(_picture(entry, studio))
        except ImpastoError:
            continue  # its file is gone
    if not pictures:
        raise UsageError(f"the gallery has no picture with the {by} {name!r}")
    return Contestant(name, tuple(pictures))


def _picture(entry: Entry, studio: Studio) -> Picture:
    file = studio.gallery.file(entry.id)
    return Picture(file, entry.name, hash_file(file), entry.prompt, entry.artist, entry.seed)


def _log_file(studio: Studio) -> Any:
    return studio.workspace.place("judgements") / "votes.jsonl"


def _state(session: PreferenceSession) -> dict[str, Any]:
    return {
        "open": True, "question": session.question, "pair": _pair(session.current()), "made": session.made,
        "votes": session.standing,
    }  # fmt: skip


def _pair(served: ServedPair | None) -> dict[str, str] | None:
    if served is None:
        return None
    base = "/pages/judging/picture/"
    return {"id": served.id, "left": base + served.left.token, "right": base + served.right.token}
