"""One judge's sitting: the pair to be judged, the one after it, votes and what is taken back. No web here."""

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
_QUICKLY = 1  # PNG's compression: the pictures go no further than to this machine's browser


class StaleError(Exception):
    """The answer is about a pair that is no longer the current one: a second click, or a second window."""


@dataclass(frozen=True)
class Sheet:
    """A picture as it is handed out: under a name that means nothing, as pixels alone."""

    token: str
    png: bytes = field(repr=False)


@dataclass(frozen=True)
class ServedPair:
    """A pair on its way to the judge. `id` and the sheets' tokens are drawn at random each time that it is shown."""

    id: str
    pair: PicturePair
    left: Sheet
    right: Sheet


class PreferenceSession:
    """Pairs for one judge, one after the other; every vote is on disk before the next pair is told of.

    May be used from several threads.

    Attributes:
        question: what is asked.
        count: so many votes end the session; None for no end.
        made: the votes of this session, less those taken back.
        standing: this judge's votes on this question in the whole log.

    Raises:
        ImpastoError: the log cannot be read.
        UsageError: the log is something else.
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
        """Whether as many votes were given as were asked for."""
        return self.count is not None and self.made >= self.count

    def current(self) -> ServedPair | None:
        """The pair to be judged; None when the session is finished or no pair is left that can be shown."""
        with self._lock:
            if self._current is None and not self.finished:
                self._current, self._next = self._next or self._serve(()), None
            return self._current

    def upcoming(self) -> ServedPair | None:
        """The pair after the current one, to be loaded beforehand; None where there will be none."""
        with self._lock:
            current = self.current()
            last = self.count is not None and self.made + 1 >= self.count
            if self._next is None and current is not None and not last:
                self._next = self._serve((current.pair,))
            return self._next

    def sheet(self, token: str) -> Sheet | None:
        """The picture with this token, of the current pair or of the one after it."""
        with self._lock:
            served = [pair for pair in (self._current, self._next) if pair is not None]
            return next((one for pair in served for one in (pair.left, pair.right) if one.token == token), None)

    def vote(self, pair: str, choice: Choice, seconds: float) -> None:
        """Keeps the answer about the current pair, whose id is `pair`.

        Raises:
            StaleError: another pair is the current one; nothing is kept.
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
        """Takes back this judge's last vote that stands, also of an earlier session, and shows its pair again.

        Args:
            pair: the current pair's id, "" where there is none.

        Returns:
            False where there is none, or where its pictures are no longer there.

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
        """None, and the pair is never chosen again, where it cannot be shown."""
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
    """An RGB picture as a PNG of at most `SHOWN_SIDE` px a side that holds nothing but pixels: no texts, no EXIF, no
    colour profile, all of which could tell what painted it.
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
