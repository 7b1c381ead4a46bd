"""The job `prefer`: serves a page on which a person votes which of two pictures is better, until it is stopped."""

import contextlib
import getpass
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable

if TYPE_CHECKING:
    from impasto.evaluation.preference.contestants import Contestant
    from impasto.evaluation.preference.session import PreferenceSession
    from impasto.evaluation.preference.votes import VoteLog

USUAL_QUESTION = "Which picture is better?"
_NAMED = 3  # number of pictures per folder that are named if they cannot be opened


def asked_question(by: str | None, question: str | None) -> str | None:
    """Returns the question for `by` (an artist's name) or `question`; None if neither is given.

    Raises:
        UsageError: both are given, or one is empty or too long.
    """
    from impasto.data.catalogue.plain_text import cleaned
    from impasto.evaluation.preference.votes import MAX_QUESTION

    if by is not None and question is not None:
        raise UsageError("--by and --question ask two questions: give one of them")
    given, option = (by, "--by") if by is not None else (question, "--question")
    if given is None:
        return None
    text = cleaned(given).strip()
    if not text or len(text) > MAX_QUESTION:
        raise UsageError(f"{option} is {'empty' if not text else f'longer than {MAX_QUESTION} characters'}")
    return f"Which picture is more by {text}?" if by is not None else text


@dataclass(frozen=True)
class Voted:
    """The number of votes that a session added to a log."""

    log: Path
    votes: int


class PreferJob(Job):
    """Serves the page on this machine until Ctrl-C or until `count` votes are made.

    A `Figures` event reports the page's address as `url`, as soon as the page can be opened.

    Attributes:
        folders: two or more folders of pictures.
        log: the append-only log file of the votes.
        question: the question; None for which picture is better.
        by: an artist's name; asks which picture is more by this artist.
        judge: the name of the person who votes; None for the login name.
        count: number of votes after which the job ends; None for no limit.
        port: the page's port; 0 for any free port.
    """

    kind: ClassVar[str] = "prefer"

    folders: tuple[Path, ...]
    log: Path
    question: str | None = None
    by: str | None = None
    judge: str | None = None
    count: int | None = None
    port: int = 0

    @model_validator(mode="after")
    def _check(self) -> "PreferJob":
        asked_question(self.by, self.question)
        return self

    def run(self, context: Context) -> Voted:
        """Reads the folders, serves the page, and saves each vote immediately.

        Raises:
            UsageError: there are fewer than two folders, or one is given twice or does not exist; the log is not a log of
                votes or is about another question; the port is taken.
            ImpastoError: a folder holds no usable picture, or the log cannot be written.
        """
        from impasto.evaluation.preference.contestants import folder_labels
        from impasto.evaluation.preference.server import PreferenceServer
        from impasto.evaluation.preference.session import PreferenceSession
        from impasto.evaluation.preference.votes import VoteLog

        question = asked_question(self.by, self.question) or USUAL_QUESTION
        for folder in self.folders:
            if not folder.is_dir():
                raise UsageError(f"{folder}: there is no such folder")
        labels = folder_labels(list(self.folders))
        votes = VoteLog(self.log)
        _check_log(votes, question, context)
        contestants = [_contestant(label, folder, context) for label, folder in zip(labels, self.folders, strict=True)]
        _note_sizes(contestants, context)
        session = PreferenceSession(
            contestants, votes, question=question, judge=_judge(self.judge), count=self.count, on_skip=context.note
        )
        _note_matchings(session, context)
        if session.current() is None:
            raise ImpastoError("no pair can be shown: the folders hold the same pictures")
        with PreferenceServer(session, port=self.port, on_error=context.note) as server:
            context.figures(url=server.url)
            context.note(f"asking: {question} Ctrl-C ends it; every vote is kept at once")
            with (
                _ends_at_ctrl_c(server.shutdown),
                _ends_when_asked(server.shutdown, context),
                contextlib.suppress(KeyboardInterrupt),
            ):
                server.serve_forever()
        return Voted(self.log, session.made)


@contextlib.contextmanager
def _ends_when_asked(shutdown: Callable[[], None], context: Context) -> Iterator[None]:
    """Ends the server when the context's `should_stop` returns True; it is called twice a second."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            if context.should_stop():
                shutdown()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextlib.contextmanager
def _ends_at_ctrl_c(shutdown: Callable[[], None]) -> Iterator[None]:
    """Makes Ctrl-C shut the server down from a separate thread: an exception can get lost while a request begins."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=shutdown, daemon=True).start())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def _check_log(log: "VoteLog", question: str, context: Context) -> None:
    if log.path.is_dir():
        raise UsageError(f"--log {log.path} is a folder: name a file")
    if not log.path.parent.is_dir():
        raise UsageError(f"--log {log.path}: there is no folder {log.path.parent}")
    others = {vote.question for vote in log.votes()}
    if others and question not in others:
        raise UsageError(f"{log.path} holds votes on another question ({min(others)}): name another log, or ask the same")
    if log.broken:
        context.note(f"{log.path}: {log.broken} line{'' if log.broken == 1 else 's'} cannot be read and will not count")
    check_writable(log.path.parent)
    if log.path.exists():
        try:
            log.path.open("ab").close()
        except OSError as error:
            raise ImpastoError(f"{log.path} cannot be written: {error.strerror}") from None


def _contestant(label: str, folder: Path, context: Context) -> "Contestant":
    from impasto.data.annotations.log import content_of
    from impasto.data.catalogue.read import read_catalogue
    from impasto.evaluation.preference.contestants import Contestant, Picture
    from impasto.jobs.judging.painted_pictures import read_recorded_prompts

    context.progress(f"looking at {label}", 0.0)
    found = read_catalogue(
        folder, on_progress=lambda done, of: context.progress(f"looking at {label}: {done} of {of}", done / of)
    )
    for skipped in found.report.skipped[:_NAMED]:
        context.note(f"{label}: {skipped.file_name}: {skipped.reason}")
    if len(found.report.skipped) > _NAMED:
        context.note(f"{label}: {len(found.report.skipped)} pictures are left out in all")
    pictures: list[Picture] = []
    for entry, asked in zip(found.entries, read_recorded_prompts(found.entries), strict=True):
        content = content_of(entry.file)
        pictures.append(Picture(entry.file, entry.file_name, content, asked.prompt, asked.artist, asked.seed))
    return Contestant(label, tuple(pictures))


def _note_sizes(contestants: "list[Contestant]", context: Context) -> None:
    from impasto.data.catalogue.pictures import upright_size

    sizes = [{upright_size(picture.file) for picture in one.pictures} for one in contestants]
    if any(size != sizes[0] for size in sizes):
        said = ", ".join(
            f"{one.label} {'x'.join(map(str, min(size)))}" + (" and others" if len(size) > 1 else "")
            for one, size in zip(contestants, sizes, strict=True)
        )
        context.note(f"pictures of different sizes, by which a judge may tell the folders apart: {said}")


def _note_matchings(session: "PreferenceSession", context: Context) -> None:
    for matching in session.matchings:
        of = f"{matching.first.label} and {matching.second.label}"
        if not matching.pairs:
            context.note(f"{of}: their records name no prompt in common, so pictures are paired at random")
            continue
        count = len(matching.pairs)
        alone = f"; {matching.alone} without a partner" if matching.alone else ""
        context.note(f"{of}: {count} pair{'' if count == 1 else 's'} of the same {matching.ground}{alone}")


def _judge(given: str | None) -> str:
    from impasto.data.catalogue.plain_text import cleaned
    from impasto.evaluation.preference.votes import MAX_NAME

    if given is not None:
        name = cleaned(given).strip()
        if not name or len(name) > MAX_NAME:
            raise UsageError(f"--judge is {'empty' if not name else f'longer than {MAX_NAME} characters'}")
        return name
    try:
        return cleaned(getpass.getuser()) or "judge"
    except (KeyError, OSError):  # a user without a name, as in containers
        return "judge"
