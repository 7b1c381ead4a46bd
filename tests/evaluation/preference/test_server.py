import base64
import hashlib
import http.client
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.evaluation.painted_folders import write_paintings
from tests.evaluation.preference.made_up_votes import contestant_of

from impasto.errors import UsageError
from impasto.evaluation.preference.server import PreferenceServer
from impasto.evaluation.preference.session import PreferenceSession
from impasto.evaluation.preference.votes import VoteLog

JSON = {"Content-Type": "application/json"}


class Browser:
    """Asks one server; remembers every byte that came back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen = b""

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            data, found = answer.read(), dict(answer.getheaders())
        finally:
            connection.close()
        self.seen += str(found).encode() + data
        return answer.status, data, found

    def get(self, path: str) -> Any:
        status, data, _ = self.ask("GET", path)
        assert status == 200
        return json.loads(data)

    def post(self, path: str, body: object) -> tuple[int, Any]:
        status, data, _ = self.ask("POST", path, json.dumps(body).encode(), **JSON)
        return status, json.loads(data)


@pytest.fixture
def log(tmp_path: Path) -> VoteLog:
    return VoteLog(tmp_path / "votes.jsonl")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def browser(tmp_path: Path, log: VoteLog, told: list[str]) -> Iterator[Browser]:
    names = {"secret-before": 0, "secret-after": 500}
    folders = [write_paintings(tmp_path / name, 4, first_seed=seed) for name, seed in names.items()]
    session = PreferenceSession(
        [contestant_of(folder) for folder in folders], log, question='Which is "better" </script>?', judge="secret-judge"
    )
    with PreferenceServer(session, on_error=told.append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Browser(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_votes_through_the_page_and_no_name_in_any_answer(browser: Browser, log: VoteLog, tmp_path: Path) -> None:
    assert browser.ask("GET", "/")[0] == 200
    sides, addresses = set(), set()
    for number in range(12):
        state, after = browser.get("/state"), browser.get("/next")["pair"]
        pair = state["pair"]
        assert state["votes"] == number and after["id"] != pair["id"]
        addresses |= {pair["left"], pair["right"]}
        for side in ("left", "right"):
            status, data, headers = browser.ask("GET", pair[side])
            assert status == 200 and headers["Content-Type"] == "image/png" and b"tEXt" not in data and b"iTXt" not in data
        status, found = browser.post("/vote", {"pair": pair["id"], "choice": "left", "seconds": 1.5})
        assert status == 200 and found["pair"] == after
        sides.add(log.votes()[-1].left.folder)
    assert len(addresses) == 24 and sides == {"secret-before", "secret-after"}
    assert browser.post("/undo", {"pair": browser.get("/state")["pair"]["id"]})[1]["undone"] is True
    assert len(log.votes()) == 11
    assert b"secret" not in browser.seen and b".png" not in browser.seen and str(tmp_path).encode() not in browser.seen
    for vote in log.votes():
        assert vote.left.content.encode() not in browser.seen and vote.id.encode() not in browser.seen
        assert vote.match.encode() not in browser.seen


def test_what_is_shown_is_the_picture_of_the_vote(browser: Browser, log: VoteLog, tmp_path: Path) -> None:
    pair = browser.get("/state")["pair"]
    served = tmp_path / "served.png"
    served.write_bytes(browser.ask("GET", pair["right"])[1])
    browser.post("/vote", {"pair": pair["id"], "choice": "right", "seconds": 0})
    (vote,) = log.votes()
    with Image.open(served) as shown, Image.open(tmp_path / vote.right.folder / vote.right.file_name) as painted:
        assert shown.info == {} and painted.info and shown.tobytes() == painted.convert("RGB").tobytes()


def test_a_second_click_is_answered_with_the_pair_that_is_current(browser: Browser, log: VoteLog) -> None:
    pair = browser.get("/state")["pair"]
    vote = {"pair": pair["id"], "choice": "tie", "seconds": 1}
    current = browser.post("/vote", vote)[1]["pair"]
    assert browser.post("/vote", vote) == (409, browser.get("/state"))
    assert browser.post("/undo", {"pair": pair["id"]})[0] == 409
    assert browser.get("/state")["pair"] == current and len(log.votes()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/", None, {"Host": "evil.example"}, 403),
        ("GET", "/state", None, {"Host": "127.0.0.1.evil.example:80"}, 403),
        ("GET", "/state", None, {"Host": ""}, 403),
        ("GET", "/state", None, {"Host": "localhost:9999"}, 200),  # forwarded from another port
        ("GET", "/state", None, {"Origin": "http://evil.example"}, 403),
        ("GET", "/state", None, {"Sec_Fetch_Site": "cross-site"}, 403),
        ("GET", "/", None, {"Sec_Fetch_Site": "cross-site"}, 200),  # a link to the page
        ("GET", "/picture/", None, {}, 404),
        ("GET", "/picture/../../etc/passwd", None, {}, 404),
        ("GET", "/votes.jsonl", None, {}, 404),
        ("POST", "/vote", b"{}", JSON, 400),
        ("POST", "/vote", b"{}", {"Content-Type": "text/plain"}, 415),
        ("POST", "/vote", b"{}", {**JSON, "Origin": "null"}, 403),
        ("POST", "/vote", b'{"pair": "x", "choice": "up", "seconds": 1}', JSON, 400),
        ("POST", "/vote", b'{"pair": "x", "choice": "left", "seconds": NaN}', JSON, 400),
        ("POST", "/vote", b'{"pair": "x", "choice": ["left"], "seconds": 1}', JSON, 400),
        ("POST", "/vote", b'{"pair": 3}', JSON, 400),
        ("POST", "/vote", b"[" * 4000, JSON, 400),
        ("POST", "/vote", b"x" * 5000, JSON, 413),
        ("POST", "/vote", b"", {**JSON, "Content-Length": "-1"}, 411),
        ("POST", "/vote", b"", {**JSON, "Content-Length": "9" * 400}, 413),
        ("POST", "/elsewhere", b'{"pair": "x"}', JSON, 404),
        ("DELETE", "/vote", None, {}, 501),
    ],
)
def test_what_is_refused(
    browser: Browser, log: VoteLog, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    assert browser.ask(method, path, body, **headers)[0] == status
    assert log.votes() == []


def test_the_page_is_whole_and_may_run_nothing_else(browser: Browser) -> None:
    _, data, headers = browser.ask("GET", "/")
    page, policy = data.decode(), headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    for tag, source in (("script", "script-src"), ("style", "style-src")):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{source} 'sha256-{digest}'" in policy
    assert not re.search(r"https?:|//\w|\son\w+=|\sstyle=|<link|src=\"", page.replace("// ", ""))
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin" and "Python" not in headers["Server"]


def test_a_log_that_cannot_be_written_is_told_without_its_name(
    browser: Browser, log: VoteLog, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = browser.get("/state")["pair"]
    log.path.mkdir()
    status, answer = browser.post("/vote", {"pair": pair["id"], "choice": "left", "seconds": 1})
    assert status == 500 and "the terminal says why" in answer["error"] and "votes.jsonl" not in answer["error"]
    assert len(told) == 1 and "votes.jsonl cannot be written" in told[0]
    assert browser.get("/state")["pair"] == pair


def test_a_port_that_is_taken(browser: Browser) -> None:
    session: Any = None
    with pytest.raises(UsageError, match=rf"--port {browser.port}: Address already in use"):
        PreferenceServer(session, port=browser.port, on_error=print)
