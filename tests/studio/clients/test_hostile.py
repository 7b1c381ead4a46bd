"""Sixty and more hostile requests over a socket: each is refused with a sentence, and nothing of the machine is in it."""

import base64
import http.client
import io
import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.studio.clients.conftest import Served, serving

from impasto.studio.settings import Limits

TOKEN = "a secret of sixteen or more"
JSON = {"content-type": "application/json"}
PAINT = {"job": {"kind": "paint", "prompt": "boats"}}
TXT = {"prompt": "boats", "steps": 1}
NO_ID = "0" * 20


@pytest.fixture(scope="module")
def open_studio(painter_home: Path) -> Iterator[Served]:
    with serving(painter_home / "open", worker=False, limits=Limits(rate=1000, burst=10_000)) as one:
        one.studio.queue.pause_all()
        yield one


@pytest.fixture(scope="module")
def locked(painter_home: Path) -> Iterator[Served]:
    with serving(painter_home / "locked", worker=False, token=TOKEN) as one:
        yield one


def ask(
    served: Served, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str, http.client.HTTPResponse]:
    """Sends a request as it is: no path is made plain, and no header is added but Host and the length."""
    given = {"Host": f"127.0.0.1:{served.port}", **(headers or {})}
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    if data is not None:
        given = {"Content-Type": "application/json", "Content-Length": str(len(data))} | {
            name.title(): value for name, value in given.items()
        }
    link = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            link.putheader(name, value)
        link.endheaders()
        if data:
            with suppress(OSError):  # the answer is there already
                link.send(data)
        answer = link.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), answer
    finally:
        link.close()


def sentence(text: str) -> str:
    found = json.loads(text)
    error = found.get("detail") or found["error"]
    return error["message"] if isinstance(error, dict) else error


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few hundred bytes that says that it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A PNG with a compressed text of 64 MB."""
    info, file = PngInfo(), io.BytesIO()
    info.add_text("parameters", "a" * (64 << 20), zip=True)
    Image.new("RGB", (8, 8)).save(file, format="PNG", pnginfo=info)
    return file.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def form(name: str, data: bytes, file: str = "a.png", **fields: str) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--XX\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()
    ]
    parts.append(
        f'--XX\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'.encode()
        + b"Content-Type: image/png\r\n\r\n"
        + data
        + b"\r\n--XX--\r\n"
    )
    return b"".join(parts), {"content-type": "multipart/form-data; boundary=XX"}


def _svg() -> tuple[bytes, dict[str, str]]:
    return form("file", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "a.svg")


# method, path, body, headers, status
PATHS: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("GET", "/static/../../../../etc/passwd", None, {}, 404),
    ("GET", "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", None, {}, 404),
    ("GET", "/static/..%5c..%5cetc%5cpasswd", None, {}, 404),
    ("GET", "/static//etc/passwd", None, {}, 404),
    ("GET", "/static/%00", None, {}, 404),
    ("GET", "/api/v1/pictures/..%2f..%2fqueue.sqlite3", None, {}, 404),
    ("GET", "/api/v1/pictures/../../queue.sqlite3", None, {}, 404),
    ("GET", "/api/v1/pictures/C:%5cx", None, {}, 422),
    ("GET", "/api/v1/pictures/" + "g" * 20, None, {}, 422),
    ("GET", f"/api/v1/pictures/{NO_ID}", None, {}, 404),
    ("GET", f"/api/v1/pictures/{NO_ID}%00.png", None, {}, 422),
    ("GET", "/api/v1/uploads/..%2e%2e%2fstudio-secret", None, {}, 404),
    ("GET", f"/api/v1/uploads/{NO_ID}/record", None, {}, 404),
    ("POST", "/api/v1/gallery/..%2f..%2fx/bin", None, {}, 404),
    ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", None, {}, 404),
    ("GET", "/v1/models/" + "a" * 5000, None, {}, 404),
    ("POST", "/api/v1/jobs", {"job": {"kind": "paint", "prompt": "a", "checkpoint": "/etc/passwd"}}, {}, 422),
    ("POST", "/api/v1/jobs", {"job": {"kind": "paint", "prompt": "a", "checkpoint": "run:../../x"}}, {}, 422),
    ("POST", "/api/v1/jobs", {"job": {"kind": "paint", "prompt": "a", "init": "/etc/passwd"}}, {}, 422),
    ("POST", "/api/v1/jobs", {"job": {"kind": "paint", "prompt": "a", "out": "/tmp/x"}}, {}, 422),
    ("POST", "/api/v1/jobs", {"job": {"kind": "tag", "catalogue": "../x"}}, {}, 422),
    ("POST", "/api/v1/jobs", {"job": {"kind": "train/lora", "catalogue": "a; touch x", "out": "b"}}, {}, 422),
    ("POST", "/sdapi/v1/txt2img", {**TXT, "override_settings": {"sd_model_checkpoint": "../../x.ckpt"}}, {}, 422),
    ("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "/etc/passwd"}, {}, 422),
    ("POST", "/sdapi/v1/img2img", {**TXT, "init_images": ["file:///etc/passwd"]}, {}, 422),
    ("POST", "/sdapi/v1/img2img", {**TXT, "init_images": ["http://169.254.169.254/latest"]}, {}, 422),
]
HOSTS: list[tuple[str, str, Any, dict[str, str], int]] = [
    *(
        ("POST", path, TXT, {"host": host}, 421)
        for path, host in (
            ("/api/v1/jobs", "evil.test"), ("/sdapi/v1/txt2img", "evil.test:7860"),
            ("/v1/images/generations", "127.0.0.1.evil.test"),
            ("/mcp", "evil.test"), ("/sdapi/v1/options", "localhost@evil.test"),
        )
    ),
    *(
        ("POST", path, TXT, headers, 403)
        for path, headers in (
            ("/sdapi/v1/txt2img", {"origin": "http://evil.test"}), ("/v1/images/generations", {"origin": "null"}),
            ("/sdapi/v1/interrupt", {"sec-fetch-site": "cross-site"}), ("/mcp", {"origin": "http://localhost:1"}),
            ("/sdapi/v1/options", {"sec-fetch-site": "same-site"}), ("/v1/images/edits", {"origin": "file://"}),
        )
    ),
    ("GET", "/sdapi/v1/options", None, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
    ("GET", "/v1/models", None, {"origin": "http://evil.test"}, 403),
    ("POST", "/sdapi/v1/txt2img", b'{"prompt": "a"}', {"content-type": "text/plain"}, 415),
    ("POST", "/v1/images/generations", b"prompt=a", {"content-type": "application/x-www-form-urlencoded"}, 415),
    ("POST", "/mcp", b"{}", {"content-type": "text/plain"}, 415),
]  # fmt: skip
SIZES: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("POST", "/sdapi/v1/txt2img", None, {"content-type": "application/json", "content-length": str(10**12)}, 413),
    ("POST", "/v1/images/generations", None, {"content-type": "application/json", "content-length": str(10**17)}, 413),
    ("POST", "/sdapi/v1/img2img", None, {"content-type": "application/json", "content-length": str(40 << 20)}, 413),
    ("POST", "/api/v1/jobs", {"job": {"kind": "paint", "prompt": "a" * (3 << 20)}}, {}, 413),
    ("POST", "/v1/images/edits", form("image", b"x" * (34 << 20), prompt="a")[0], form("image", b"")[1], 413),
    ("POST", "/sdapi/v1/txt2img", {"prompt": "a" * 100_000}, {}, 422),
    ("POST", "/sdapi/v1/txt2img", {**TXT, "n_iter": 10**9}, {}, 422),
    ("POST", "/sdapi/v1/txt2img", {**TXT, "width": 10**30}, {}, 422),
    ("POST", "/sdapi/v1/txt2img", {**TXT, "steps": -1}, {}, 422),
    ("POST", "/sdapi/v1/txt2img", {**TXT, "seed": 2**80}, {}, 422),
    ("POST", "/sdapi/v1/txt2img", b'{"prompt": "a", "cfg_scale": NaN}', {}, 422),
    ("POST", "/sdapi/v1/txt2img", b'{"prompt": "a", "cfg_scale": 1e999}', {}, 422),
    ("POST", "/sdapi/v1/txt2img", b"[" * 200_000, {}, 400),
    ("POST", "/v1/images/generations", {"prompt": "a", "n": 10**9}, {}, 400),
    ("POST", "/v1/images/generations", {"prompt": "a", "size": "99999x99999"}, {}, 400),
    ("POST", "/v1/images/generations", {"prompt": "\ud800"}, {}, 400),
    ("POST", "/api/v1/jobs", {"job": {"kind": "batch", "prompts": ["a"], "count": 10**9}}, {}, 422),
    ("POST", "/api/v1/jobs", {**PAINT, "key": "k" * 10_000}, {}, 422),
    ("GET", "/api/v1/gallery?most=1000000000", None, {}, 422),
    ("GET", f"/api/v1/jobs/{10**40}", None, {}, 422),
]
BOMBS: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("POST", "/api/v1/uploads", bomb(), {"content-type": "image/png"}, 422),
    ("POST", "/sdapi/v1/img2img", {**TXT, "init_images": [b64(bomb())]}, {}, 422),
    ("POST", "/sdapi/v1/png-info", {"image": b64(bomb())}, {}, 422),
    ("POST", "/sdapi/v1/png-info", {"image": b64(text_bomb())}, {}, 422),
    ("POST", "/sdapi/v1/extra-single-image", {"image": b64(bomb(1, 100_000_000))}, {}, 422),
    ("POST", "/v1/images/edits", *form("image", bomb(), prompt="a"), 400),
    ("POST", "/v1/images/edits", *form("image", b"GIF89a" + b"\0" * 99, prompt="a"), 400),
    ("POST", "/v1/images/edits", *form("image", b"a", "<img src=x onerror=alert(1)>.png", prompt="a"), 400),
    ("POST", "/api/v1/uploads", *_svg(), 422),
    (
        "POST",
        "/v1/images/edits",
        b"--" + b"A" * 100_000,
        {"content-type": "multipart/form-data; boundary=" + "A" * 4000},
        400,
    ),
    ("POST", "/v1/images/edits", b"x", {"content-type": "multipart/form-data"}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), [*PATHS, *HOSTS, *SIZES, *BOMBS])
def test_hostile_requests_are_refused_with_a_sentence(
    method: str, path: str, body: Any, headers: dict[str, str], status: int, open_studio: Served
) -> None:
    found, text, answer = ask(open_studio, method, path, body, headers)
    assert (found, bool(sentence(text))) == (status, True), text[:300]
    assert (
        answer.headers["x-content-type-options"] == "nosniff"
        and "default-src 'none'" in answer.headers["content-security-policy"]
    )
    assert "Traceback" not in text and str(open_studio.studio.workspace.folder) not in text and "root:" not in text
    assert open_studio.studio.queue.counts().queued == 0


@pytest.mark.parametrize("path", ["/api/v1/queue", "/sdapi/v1/options", "/v1/models", "/mcp", "/static/../api/v1/queue"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": "Basic " + b64(f"{TOKEN}:".encode())},
        {"authorization": "Basic !!!"},
        {"x-api-key": TOKEN[:-1]},
        {"cookie": "impasto_session=aa.known." + "0" * 64},
    ],
)
def test_without_the_token_nothing_is_told(path: str, headers: dict[str, str], locked: Served) -> None:
    status, text, _ = ask(locked, "GET", path, headers=headers)
    assert status in (401, 404) and sentence(text)
    assert status == 401 or path.startswith("/static")


def test_html_in_words_and_names_stays_text(open_studio: Served) -> None:
    evil = "<img src=x onerror=alert(1)>"
    added = open_studio.studio.queue.counts().queued
    status, text, answer = ask(
        open_studio, "POST", "/api/v1/jobs", {"job": {"kind": "paint", "prompt": evil}, "paused": True}
    )
    assert status == 201 and answer.headers["content-type"] == "application/json"
    number = json.loads(text)["id"]
    for path in ("/", "/api/v1/jobs", f"/api/v1/jobs/{number}"):
        _, text, answer = ask(open_studio, "GET", path)
        assert evil not in text or answer.headers["content-type"] == "application/json"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert open_studio.studio.queue.cancel(number) and open_studio.studio.queue.counts().queued == added


def test_an_error_holds_what_was_sent_as_text(open_studio: Served) -> None:
    status, text, answer = ask(
        open_studio, "POST", "/sdapi/v1/txt2img", {**TXT, "sampler_name": "<script>alert(1)</script>"}
    )
    assert status == 422 and answer.headers["content-type"] == "application/json" and "Sampler not found" in sentence(text)
