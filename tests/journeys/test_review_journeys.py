"""Review and filter through the real command line, with keys on a pipe and on a terminal."""

import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest
from tests.data.colour_scorer import ColourScorer
from tests.journeys.conftest import Impasto
from tests.training.drawn import draw_catalogue

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.catalogue.read import read_catalogue

_RUN = "from impasto.cli.main import main; import sys; main(sys.argv[1:])"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = draw_catalogue(tmp_path / "catalogue", 4)
    log = AnnotationLog(folder, "captions")
    for number in range(4):
        name = f"picture-{number}.png"
        log.append([{"file_name": name, "content": content_of(folder / name), "caption": f"a sun {number}"}])
    return folder


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch):
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def decisions(catalogue: Path) -> list[tuple[str, str]]:
    return [(row["file_name"], row["decision"]) for row in AnnotationLog(catalogue, "review").rows()]


def captions(catalogue: Path) -> dict[str, str]:
    return {entry.file_name: entry.caption for entry in read_catalogue(catalogue, check_images=False).entries}


def test_a_review_in_two_sittings(impasto: Impasto, catalogue: Path, keys) -> None:
    keys("x a\nr u\ne a red sun over fields\nq")
    answer = impasto("data", "review", "catalogue", "--order", "name")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[:4] == [
        "picture: picture-0.png (4 waiting)",
        "artist: Claude Monet",
        "title: Sun over ground 0 (1870)",
        "caption: a sun 0",
    ]
    assert "1 accepted, 1 edited, 0 rejected, 2 waiting" in answer.out and "a accept, e edit" in answer.err
    keys("s e\n\ne   \n two suns \na")
    answer = impasto("data", "review", "catalogue", "--order", "name")
    assert answer.code == 0 and "stays as it is" in answer.err
    assert "0 accepted, 1 edited, 0 rejected, 0 waiting" in answer.out
    assert captions(catalogue) == {
        "picture-0.png": "a sun 0",
        "picture-1.png": "a red sun over fields",
        "picture-2.png": "a sun 2",
        "picture-3.png": "two suns",
    }
    keys("u u r")
    answer = impasto("data", "review", "catalogue", "--only", "unreviewed", "--order", "name")
    assert "picture: picture-3.png" in answer.out and "picture: picture-1.png" in answer.out
    assert decisions(catalogue)[-1] == ("picture-1.png", "reject")
    assert "picture-1.png" not in captions(catalogue)


def test_on_a_terminal_the_picture_is_shown_and_arrows_decide_nothing(catalogue: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", _RUN, "data", "review", str(catalogue), "--order", "name"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 40, 100, 800, 800))  # rows, columns, pixels
    said = ""

    def wait_for(text: str) -> None:
        nonlocal said
        while text not in said:
            assert select.select([terminal], [], [], 60)[0], f"no {text!r} in {said[-500:]!r}"
            said += os.read(terminal, 1 << 16).decode(errors="replace")
        said = said.partition(text)[2]

    def hit(key: bytes) -> None:
        end = time.monotonic() + 60
        while termios.tcgetattr(terminal)[3] & termios.ICANON and time.monotonic() < end:
            time.sleep(0.01)  # what is typed before the keys are read is thrown away
        os.write(terminal, key)

    try:
        wait_for("\u2580")  # half a block of the picture
        wait_for("a sun 0")
        hit(b"\x1b[A")
        wait_for("q quit")
        hit(b"e")
        wait_for("caption: a sun 0")
        os.write(terminal, b" and a hill\r")
        wait_for("a sun 1")
        hit(b"q")
        wait_for("1 edited")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    assert captions(catalogue)["picture-0.png"] == "a sun 0 and a hill"
    assert decisions(catalogue) == [("picture-0.png", "edit")]


def test_filter_then_review_what_it_dropped(
    impasto: Impasto, catalogue: Path, keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.vision.scorers.interface.load_scorer", lambda name: ColourScorer(), raising=False)
    log = AnnotationLog(catalogue, "captions")
    content = content_of(catalogue / "picture-2.png")
    log.append([{"file_name": "picture-2.png", "content": content, "caption": "red, red"}])
    dry = impasto("data", "filter", "catalogue", "--below", 0.7, "--dry-run")
    assert dry.code == 0, dry.err
    assert "would be dropped below 0.7 by colour" in dry.out and len(captions(catalogue)) == 4
    answer = impasto("data", "filter", "catalogue", "--below", 0.7, "--json")
    told = json.loads(answer.out)
    assert [pair["file_name"] for pair in told["pairs"] if not pair["kept"]] == ["picture-2.png"]
    assert (told["kept"], told["dropped"], told["threshold"]) == (3, 1, 0.7) and len(captions(catalogue)) == 3
    again = impasto("data", "filter", "catalogue", "--below", 0.7)
    assert again.out.splitlines()[0].endswith("\tpicture-2.png\tred, red")
    assert again.out.splitlines()[-1].startswith("3 kept, 1 dropped below 0.7")
    keys("a")
    assert "filter: similarity" in impasto("data", "review", "catalogue", "--only", "filtered").out
    assert len(captions(catalogue)) == 4
    assert "4 kept (1 by a person), 0 dropped" in impasto("data", "filter", "catalogue", "--below", 0.7).out
