"""Hostile requests are refused with a sentence, before any handler; our own pages and plain clients are let in."""

import base64
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.studio.conftest import Start

from impasto.errors import UsageError
from impasto.studio.security.hosts import host_name, is_own_host
from impasto.studio.security.rates import Rates
from impasto.studio.settings import Limits, StudioSettings, read_token
from impasto.workspace import Workspace

TOKEN = "a secret of sixteen or more"
JOB = {"job": {"kind": "paint", "prompt": "boats"}}
ADD = "/api/v1/jobs"
BROWSER = {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:7860"}


@pytest.mark.parametrize(
    "host", ["evil.test:7860", "evil.test", "127.0.0.1.evil.test", "10.0.0.1:7860", "localhost@evil.test", "[::1", "", "a b"]
)
def test_a_foreign_host_is_not_answered(host: str, shared: TestClient) -> None:
    for method, path in (("GET", "/"), ("GET", "/api/v1/queue"), ("GET", "/api/v1/events"), ("POST", ADD)):
        answer = shared.request(method, path, headers={"host": host})
        assert answer.status_code == 421 and "call it by its address" in answer.json()["error"]


def test_own_hosts_are_answered(shared: TestClient, tmp_path: Path) -> None:
    for host in ("127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "localhost:9999"):
        assert shared.get("/api/v1/queue", headers={"host": host}).status_code == 200
    outside = StudioSettings(Workspace.open(tmp_path), "0.0.0.0", token=TOKEN, allowed_hosts=("studio.example",))
    assert is_own_host("10.1.2.3:7860", outside) and is_own_host("studio.example", outside)
    assert not is_own_host("evil.test", outside) and host_name("[fe80::1]:80") == "fe80::1" and host_name("a/b") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:7861"},
        {"origin": "http://localhost:7860"},
        {"origin": "file://"},
        {"origin": "http://127.0.0.1:99999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        BROWSER,
        {**BROWSER, "x-csrf-token": "0" * 64},
        {"cookie": "impasto_session=forged.known.0000"} | BROWSER,
    ],
)
def test_requests_of_other_pages_are_refused(headers: dict[str, str], shared: TestClient) -> None:
    answer = shared.post(ADD, json=JOB, headers=headers)
    assert answer.status_code == 403 and answer.json()["error"]
    assert shared.get("/api/v1/jobs").json() == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_bodies_that_forms_can_send_are_refused(kind: str, shared: TestClient) -> None:
    answer = shared.post(ADD, content=b'{"job": {"kind": "paint", "prompt": "boats"}}', headers={"content-type": kind})
    assert answer.status_code == 415 and "send application/json" in answer.json()["error"]


def test_a_link_of_another_site_opens_the_page_and_nothing_else(shared: TestClient) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert shared.get("/", headers=link).status_code == 200
    assert shared.get("/", headers={**link, "sec-fetch-dest": "iframe"}).status_code == 403
    assert shared.get("/api/v1/gallery", headers=link).status_code == 403
    assert shared.get("/api/v1/events", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    with pytest.raises(Exception), shared.websocket_connect("/api/v1/events"):  # noqa: B017
        pass


def test_our_own_page_may_ask(client: TestClient) -> None:
    page = client.get("/", headers={"sec-fetch-site": "none", "accept": "text/html"})
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    csrf = client.get("/api/v1/session", headers=BROWSER).json()["csrf"]
    assert f'name="csrf-token" content="{csrf}"' in client.get("/").text
    assert client.post(ADD, json=JOB).status_code == 403  # with the cookie alone
    assert client.post(ADD, json=JOB, headers={**BROWSER, "x-csrf-token": csrf}).status_code == 201


def test_every_answer_forbids_inline_scripts(shared: TestClient) -> None:
    for path in ("/", "/nowhere", "/api/v1/queue", "/api/v1/pictures/x", "/static/studio.css", "/login"):
        headers = shared.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_words_of_others_are_text_on_the_page(shared: TestClient) -> None:
    from impasto.gallery.index import put
    from impasto.gallery.records import Entry, FileRecord

    gallery = shared.app.state.studio.gallery  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]
    with gallery.database.write() as link:
        put(link, FileRecord(Entry("0" * 20, "a.png", 1.0, 8, 8, '"><img src=x onerror=alert(1)>'), "x"))
    for path in ("/", "/gallery"):  # their scripts put words into text nodes: tests/studio/browser looks at that
        assert "<img src=x" not in shared.get(path).text
    answer = shared.get("/api/v1/gallery")
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fapp.py", "/static/..%5c..%5capp.py",
        "/static//etc/passwd", "/api/v1/pictures/..%2f..%2fqueue.sqlite3", "/api/v1/pictures/%2e%2e",
        "/api/v1/uploads/..%2fstudio-secret", "/api/v1/pictures/0000000000000000000g", "/api/v1/pictures/C%3Ax",
        "/api/v1/pictures/a%00b", "/api/v1/jobs/0", "/api/v1/jobs/-1", "/api/v1/jobs/99999999999999999999", "/studio-secret",
    ],
)  # fmt: skip
def test_no_path_leads_out(path: str, shared: TestClient) -> None:
    answer = shared.get(path)
    assert answer.status_code in (404, 422) and b"import" not in answer.content and b"root:" not in answer.content


def test_bodies_are_bounded(start: Start) -> None:
    client = start(limits=Limits(body_bytes=1000, upload_bytes=2000))
    large = {"job": {"kind": "paint", "prompt": "x" * 2000}}
    answer = client.post(ADD, json=large)
    assert answer.status_code == 413 and "larger than" in answer.json()["error"]
    pieces = (b"x" * 100 for _ in range(50))  # without a length
    assert client.post(ADD, content=pieces, headers={"content-type": "application/json"}).status_code == 413
    pieces = (b"x" * 100 for _ in range(50))
    assert client.post("/api/v1/uploads", content=pieces, headers={"content-type": "image/png"}).status_code == 413
    for length in ("-5", "1e9", "9" * 40, "٣"):
        headers = {b"content-type": b"application/json", b"content-length": length.encode()}
        answer = client.post(ADD, content=b"{}", headers=headers)
        assert answer.status_code == 413
    deep = b"[" * 900
    assert client.post(ADD, content=deep, headers={"content-type": "application/json"}).status_code == 422


def test_too_many_requests_wait(start: Start) -> None:
    client = start(limits=Limits(rate=0.001, burst=3))
    codes = [client.post("/api/v1/queue/pause").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429] and client.get("/api/v1/queue").status_code == 200
    assert int(client.post("/api/v1/queue/pause").headers["retry-after"]) > 100
    rates = Rates(10, 2)
    assert [bool(rates.wait("a")) for _ in range(3)] == [False, False, True] and not rates.wait("b")


def test_a_read_only_server_changes_nothing(start: Start) -> None:
    client = start(read_only=True)
    changing = (("POST", ADD), ("POST", "/api/v1/queue/pause"), ("DELETE", f"{ADD}/1"), ("POST", "/api/v1/uploads"))
    for method, path in changing:
        answer = client.request(method, path)
        assert answer.status_code == 403 and "read-only" in answer.json()["error"]
    assert client.get("/").status_code == 200 and client.get("/api/v1/session").json()["read_only"] is True


def test_a_server_for_others_asks_for_its_token(start: Start) -> None:
    client = start("http://10.0.0.5:7860", host="0.0.0.0", token=TOKEN)
    for path in ("/api/v1/queue", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/gallery"):
        answer = client.get(path)
        assert answer.status_code == 401 and "asks for its token" in answer.json()["error"]
    page = client.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    for scheme in ("", "Bearer wrong", "Basic Og==", "Basic !", f"Bearer {TOKEN}x"):
        assert client.get("/api/v1/queue", headers={"authorization": scheme}).status_code == 401
    basic = "Basic " + base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
    for headers in ({"authorization": f"Bearer {TOKEN}"}, {"authorization": basic}, {"x-api-key": TOKEN}):
        assert client.get("/api/v1/queue", headers=headers).status_code == 200
        assert client.post(ADD, json=JOB, headers=headers).status_code == 201


def test_a_browser_logs_in_with_the_token(start: Start) -> None:
    client = start("http://10.0.0.5:7860", host="0.0.0.0", token=TOKEN)
    assert "Token of this server" in client.get("/login").text
    assert client.post("/login", data={"token": "wrong"}).status_code == 401
    foreign = client.post("/login", data={"token": TOKEN}, headers={"origin": "http://evil.test"})
    assert foreign.status_code == 403
    entered = client.post("/login", data={"token": TOKEN}, headers={"origin": "http://10.0.0.5:7860"})
    assert entered.status_code == 303 and "HttpOnly" in entered.headers["set-cookie"]
    csrf = client.get("/api/v1/session").json()["csrf"]
    assert client.post(ADD, json=JOB).status_code == 403
    assert client.post(ADD, json=JOB, headers={"x-csrf-token": csrf}).status_code == 201
    other = start("http://10.0.0.5:7860", host="0.0.0.0", token=TOKEN + " changed")
    other.cookies = client.cookies
    assert other.get("/api/v1/queue").status_code == 401  # a new token ends the sessions


def test_a_server_for_others_needs_a_good_token(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    with pytest.raises(UsageError, match="give --token-file FILE"):
        StudioSettings(workspace, "0.0.0.0")
    with pytest.raises(UsageError, match="the token has 5 characters: use 16 or more"):
        StudioSettings(workspace, "0.0.0.0", token="short")
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="others may read it: chmod 600"):
        read_token(file)
    file.chmod(0o600)
    assert read_token(file) == TOKEN
    assert (workspace.folder / "nowhere").exists() is False
    assert TOKEN not in repr(StudioSettings(workspace, token=TOKEN))
