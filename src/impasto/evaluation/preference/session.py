"""A voting session of one judge: the current pair, the next pair, votes and undo. It is independent of the web server."""

import hashlib
import io
import random
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from PIL import Image

from impasto.data.catalogue.pictures import open_at_least
from impasto.errors import ImpastoError
from impasto.evaluation.preference.contestants import Contestant, Picture
from impasto.evaluation.preference.pairing import PicturePair, choose_pair, match_folders, pair_of
from impasto.evaluation.preference.votes import Choice, Shown, Vote, VoteLog

SHOWN_SIDE = 1600  # px, the longest side of a picture as it is shown
_QUICKLY = 1  # PNG's compression level: the pictures are only sent to the browser on this machine


class StaleError(Exception):
    """The answer refers to a pair that is no longer the current one: a second click, or a second window."""


@dataclass(frozen=True)
class Sheet:
    """A picture as it is served: under a random token, and as pixels without metadata."""

    token: str
    png: bytes = field(repr=False)


@dataclass(frozen=True)
class ServedPair:
    """A pair that is sent to the judge. `id` and the sheets' tokens are drawn at random each time it is shown."""

    id: str
    pair: PicturePair
    left: Sheet
    right: Sheet


class PreferenceSession:
    """Serves pairs to one judge, one after the other; every vote is on disk before the next pair is returned.

    The session may be used from several threads.

    Attributes:
        question: the question that the judge answers.
        count: number of votes after which the session ends; None for no end.
        made: number of votes in this session, without those taken back.
        standing: number of this judge's valid votes on this question in the whole log.

    Raises:
        ImpastoError: the log cannot be read.
        UsageError: the file is not a log of votes.
    """

    def __init__(
        self,
        contestants: Sequence[Contestant],
        log: VoteLog,
        *,
        question: str,
        judge: str,
        count: int | None = None,
        rng: random.Random | None = None,
        on_skip: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.question = question
        self.count = count
        self.made = 0
        self.matchings = match_folders(contestants)
        self._contestants = contestants
        self._log = log
        self._judge = judge
        self._votes = [vote for vote in log.votes() if vote.question == question]
        self._rng = rng or random.Random()
        self._on_skip = on_skip
        self._lock = threading.RLock()
        self._unusable: set[frozenset[str]] = set()
        self._current: ServedPair | None = None
        self._next: ServedPair | None = None

    @property
    def standing(self) -> int:
        return sum(vote.judge == self._judge for vote in self._votes)

    @property
    def finished(self) -> bool:
        """Whether the requested number of votes was reached."""
        return self.count is not None and self.made >= self.count

    def current(self) -> ServedPair | None:
        """Returns the pair to judge; None if the session is finished or no pair is left that can be shown."""
        with self._lock:
            if self._current is None and not self.finished:
                self._current, self._next = self._next or self._serve(()), None
            return self._current

    def upcoming(self) -> ServedPair | None:
        """Returns the pair after the current one, for preloading; None if there will be none."""
        with self._lock:
            current = self.current()
            last = self.count is not None and self.made + 1 >= self.count
            if self._next is None and current is not None and not last:
                self._next = self._serve((current.pair,))
            return self._next

    def sheet(self, token: str) -> Sheet | None:
        """Returns the picture with this token, from the current or the next pair; None if there is none."""
        with self._lock:
            served = [pair for pair in (self._current, self._next) if pair is not None]
            return next((one for pair in served for one in (pair.left, pair.right) if one.token == token), None)

    def vote(self, pair: str, choice: Choice, seconds: float) -> None:
        """Saves the answer for the current pair, whose id is `pair`.

        Raises:
            StaleError: another pair is the current one; nothing is saved.
            ImpastoError: the log cannot be written; the pair stays the current one.
        """
        with self._lock:
            served = self._current
            if served is None or served.id != pair:
                raise StaleError
            vote = Vote(
                id=secrets.token_hex(8),
                question=self.question,
                judge=self._judge,
                time=_now(),
                left=_shown(*served.pair.left),
                right=_shown(*served.pair.right),
                choice=choice,
                seconds=seconds,
                match=served.pair.match,
            )
            self._log.add(vote)
            self._votes.append(vote)
            self.made += 1
            self._current = None

    def undo(self, pair: str) -> bool:
        """Takes back this judge's last valid vote, also from an earlier session, and shows its pair again.

        Args:
            pair: the current pair's id; "" if there is no current pair.

        Returns:
            False if there is no such vote, or if its pictures no longer exist.

        Raises:
            StaleError: another pair is the current one; nothing is taken back.
            ImpastoError: the log cannot be written.
        """
        with self._lock:
            if pair != (self._current.id if self._current is not None else ""):
                raise StaleError
            last = next((vote for vote in reversed(self._votes) if vote.judge == self._judge), None)
            before = pair_of(last, self._contestants) if last is not None else None
            again = self._served(before) if before is not None else None
            if last is None or again is None:
                return False
            self._log.take_back(last, _now())
            self._votes.remove(last)
            self.made = max(self.made - 1, 0)
            self._current, self._next = again, self._current
            return True

    def _serve(self, waiting: Sequence[PicturePair]) -> ServedPair | None:
        while True:
            pair = choose_pair(self.matchings, self._votes, self._judge, self._rng, waiting=waiting, unusable=self._unusable)
            served = self._served(pair) if pair is not None else None
            if pair is None or served is not None:
                return served

    def _served(self, pair: PicturePair) -> ServedPair | None:
        """Prepares a pair; if it cannot be shown, returns None and never chooses it again."""
        left, right = self._sheet(pair.left[1]), self._sheet(pair.right[1])
        if left is not None and right is not None and left.png != right.png:
            return ServedPair(secrets.token_urlsafe(12), pair, left, right)
        if left is not None and right is not None:
            self._on_skip(f"{pair.left[1].file_name}: the same picture in {pair.left[0]} and {pair.right[0]}")
        self._unusable.add(pair.pictures)
        return None

    def _sheet(self, picture: Picture) -> Sheet | None:
        try:
            try:
                data = picture.file.read_bytes()
            except OSError as error:
                raise ImpastoError(f"{picture.file}: cannot be read ({error.strerror})") from None
            if hashlib.sha256(data).hexdigest() != picture.content:
                raise ImpastoError(f"{picture.file}: changed since the command began: give it again to compare the new one")
            return Sheet(secrets.token_urlsafe(12), pixels_alone(open_at_least(picture.file, SHOWN_SIDE, data=data).image))
        except ImpastoError as error:
            alone = frozenset((picture.content,))
            if alone not in self._unusable:
                self._unusable.add(alone)
                self._on_skip(str(error))
            return None


def pixels_alone(image: Image.Image) -> bytes:
    """Encodes an RGB picture as a PNG of at most `SHOWN_SIDE` px a side, without any metadata.

    The PNG contains no texts, no EXIF and no colour profile, because they could reveal which model painted the picture.
    """
    shown = image.copy()
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    bare = Image.frombytes("RGB", shown.size, shown.tobytes())
    buffer = io.BytesIO()
    bare.save(buffer, "PNG", compress_level=_QUICKLY)
    return buffer.getvalue()


def _shown(label: str, picture: Picture) -> Shown:
    return Shown(label, picture.content, picture.file_name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
