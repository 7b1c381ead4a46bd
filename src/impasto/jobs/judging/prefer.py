"""`impasto prefer FOLDERS --log FILE`: reads the folders, serves the page until Ctrl-C."""

import contextlib
import getpass
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.console import progress_bar, say, say_note
from impasto.errors import ImpastoError, UsageError
from impasto.jobs.painting.output import check_writable

if TYPE_CHECKING:
    from impasto.evaluation.preference.contestants import Contestant
    from impasto.evaluation.preference.session import PreferenceSession
    from impasto.evaluation.preference.votes import VoteLog

_NAMED = 3  # pictures that cannot be opened, of each folder


def serve_page(
    folders: list[Path],
    log: Path,
    question: str,
    *,
    judge: str | None = None,
    count: int | None = None,
    port: int = 0,
    open_page: bool = False,
) -> None:
    """Prints the page's address, keeps votes in `log`, and says at the end how many there are.

    Raises:
        UsageError: fewer than two folders, one of them twice or not there; the log is something else or about another
            question; the port is taken.
        ImpastoError: a folder holds no usable picture, the log cannot be written.
    """
    from impasto.evaluation.preference.contestants import folder_labels
    from impasto.evaluation.preference.server import PreferenceServer
    from impasto.evaluation.preference.session import PreferenceSession
    from impasto.evaluation.preference.votes import VoteLog

    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: there is no such folder")
    labels = folder_labels(folders)
    votes = VoteLog(log)
    _check_log(votes, question)
    contestants = [_contestant(label, folder) for label, folder in zip(labels, folders, strict=True)]
    _say_sizes(contestants)
    session = PreferenceSession(contestants, votes, question=question, judge=_judge(judge), count=count, on_skip=say_note)
    _say_matchings(session)
    if session.current() is None:
        raise ImpastoError("no pair can be shown: the folders hold the same pictures")
    with PreferenceServer(session, port=port, on_error=say_note) as server:
        say(server.url)
        say_note(f"asking: {question} Ctrl-C ends it; every vote is kept at once")
        if open_page:
            import webbrowser

            webbrowser.open(server.url)
        with _ends_at_ctrl_c(server.shutdown), contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        say(f"{session.made} vote{'' if session.made == 1 else 's'} more in {log}: see `impasto prefer --scores {log}`")


@contextlib.contextmanager
def _ends_at_ctrl_c(shutdown: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C asks the server to end, from a thread of its own: an exception can get lost while a request is begun."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=shutdown, daemon=True).start())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def _check_log(log: "VoteLog", question: str) -> None:
    if log.path.is_dir():
        raise UsageError(f"--log {log.path} is a folder: name a file")
    if not log.path.parent.is_dir():
        raise UsageError(f"--log {log.path}: there is no folder {log.path.parent}")
    others = {vote.question for vote in log.votes()}
    if others and question not in others:
        raise UsageError(f"{log.path} holds votes on another question ({min(others)}): name another log, or ask the same")
    if log.broken:
        say_note(f"{log.path}: {log.broken} line{'' if log.broken == 1 else 's'} cannot be read and will not count")
    check_writable(log.path.parent)
    if log.path.exists():
        try:
            log.path.open("ab").close()
        except OSError as error:
            raise ImpastoError(f"{log.path} cannot be written: {error.strerror}") from None


def _contestant(label: str, folder: Path) -> "Contestant":
    from impasto.data.annotations.log import content_of
    from impasto.data.catalogue.read import read_catalogue
    from impasto.evaluation.preference.contestants import Contestant, Picture
    from impasto.jobs.judging.painted_pictures import read_recorded_prompts

    with progress_bar(f"looking at {label}", 1.0) as update:
        found = read_catalogue(folder, on_progress=lambda done, of: update(f"looking at {label}: {done} of {of}", done / of))
    for skipped in found.report.skipped[:_NAMED]:
        say_note(f"{label}: {skipped.file_name}: {skipped.reason}")
    if len(found.report.skipped) > _NAMED:
        say_note(f"{label}: {len(found.report.skipped)} pictures are left out in all")
    pictures: list[Picture] = []
    for entry, asked in zip(found.entries, read_recorded_prompts(found.entries), strict=True):
        content = content_of(entry.file)
        pictures.append(Picture(entry.file, entry.file_name, content, asked.prompt, asked.artist, asked.seed))
    return Contestant(label, tuple(pictures))


def _say_sizes(contestants: "list[Contestant]") -> None:
    from impasto.data.catalogue.pictures import upright_size

    sizes = [{upright_size(picture.file) for picture in one.pictures} for one in contestants]
    if any(size != sizes[0] for size in sizes):
        said = ", ".join(
            f"{one.label} {'x'.join(map(str, min(size)))}" + (" and others" if len(size) > 1 else "")
            for one, size in zip(contestants, sizes, strict=True)
        )
        say_note(f"pictures of different sizes, by which a judge may tell the folders apart: {said}")


def _say_matchings(session: "PreferenceSession") -> None:
    for matching in session.matchings:
        of = f"{matching.first.label} and {matching.second.label}"
        if not matching.pairs:
            say_note(f"{of}: their records name no prompt in common, so pictures are paired at random")
            continue
        count = len(matching.pairs)
        alone = f"; {matching.alone} without a partner" if matching.alone else ""
        say_note(f"{of}: {count} pair{'' if count == 1 else 's'} of the same {matching.ground}{alone}")


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
