"""Local HTTP server of the voting page for one judge; its responses contain no file or folder names.

The server accepts only the host names `127.0.0.1`, `localhost` and `[::1]`. So no page from elsewhere can reach it by a host
name that resolves to this machine (DNS rebinding). It accepts votes from its own page only.
"""

import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast, get_args

from impasto.errors import ImpastoError, UsageError
from impasto.evaluation.preference.page import PAGE, POLICY
from impasto.evaluation.preference.session import PreferenceSession, ServedPair, StaleError
from impasto.evaluation.preference.votes import Choice, read_seconds

HOST = "127.0.0.1"
_OWN_NAMES = (HOST, "localhost", "[::1]")
_LARGEST_BODY = 4096  # bytes; a vote takes about a hundred
_PATIENCE = 30  # seconds for a request to arrive completely
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PreferenceServer(ThreadingHTTPServer):
    """Serves one session. `serve_forever` ends by Ctrl-C or `shutdown`; `url` is the address to open.

    Args:
        port: the port; 0 for any free port.
        on_error: called with the error message, including the names that the page must not show.

    Raises:
        UsageError: the port is taken or may not be used.
    """

    daemon_threads = True

    def __init__(self, session: PreferenceSession, *, port: int = 0, on_error: Callable[[str], None]) -> None:
        self.session = session
        self.on_error = on_error
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}: name another one, or leave it out") from None
        self.url = f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Reports errors to `on_error`, except if the browser closed the connection during a response."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.on_error(f"unexpected {type(error).__name__}: {error}")


class _RefusedError(Exception):
    """An invalid request, with the HTTP status and the reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    server_version = "impasto"
    sys_version = ""

    @property
    def _own(self) -> PreferenceServer:
        return cast(PreferenceServer, self.server)

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Does nothing: requests are not logged."""

    def _answer(self, method: Callable[[], None]) -> None:
        try:
            self._check_origin()
            method()
        except _RefusedError as refused:
            # The unread rest of the body would be parsed as the next request.
            self.close_connection = True
            self._send_json({"error": str(refused)}, refused.status)
        except StaleError:
            self._send_json(self._state(), HTTPStatus.CONFLICT)
        except ImpastoError as error:
            self._own.on_error(str(error))
            reason = "the vote could not be written: the terminal says why"
            self._send_json({"error": reason}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _check_origin(self) -> None:
        host = self.headers.get("Host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.lower() not in _OWN_NAMES:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "this page is to be opened as http://127.0.0.1 or http://localhost")
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        # A link from elsewhere may open the page itself, which holds no data; the data it loads is for the page only.
        is_page = self.command == "GET" and self.path == "/"
        if (origin is not None and origin != f"http://{host}") or (site not in ("same-origin", "none") and not is_page):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "requests from other pages are refused")

    def _get(self) -> None:
        session = self._own.session
        if self.path == "/":
            self._send(PAGE, "text/html; charset=utf-8")
        elif self.path == "/state":
            self._send_json(self._state())
        elif self.path == "/next":
            self._send_json({"pair": _addresses(session.upcoming())})
        elif self.path.startswith("/picture/") and (found := session.sheet(self.path.removeprefix("/picture/"))):
            self._send(found.png, "image/png")
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _post(self) -> None:
        session = self._own.session
        asked = self._body()
        pair = asked.get("pair")
        if not isinstance(pair, str):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "no pair is named")
        if self.path == "/vote":
            choice, seconds = asked.get("choice"), read_seconds(asked.get("seconds"))
            if choice not in get_args(Choice) or seconds is None:
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "a vote is left, right or tie, and takes 0 to 86400 seconds")
            session.vote(pair, cast(Choice, choice), seconds)
            self._send_json(self._state())
        elif self.path == "/undo":
            undone = session.undo(pair)
            self._send_json(self._state() | {"undone": undone})
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a vote is JSON")
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or "Transfer-Encoding" in self.headers:
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "the length must be said")
        if len(length) > 9 or int(length) > _LARGEST_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_LARGEST_BODY} bytes")
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "a vote is a JSON object")
        return asked

    def _state(self) -> dict[str, Any]:
        session = self._own.session
        return {
            "question": session.question,
            "pair": _addresses(session.current()),
            "votes": session.standing,
            "made": session.made,
            "count": session.count,
            "finished": session.finished,
        }

    def _send_json(self, value: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in (_HEADERS | {"Content-Type": kind, "Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _addresses(served: ServedPair | None) -> dict[str, str] | None:
    if served is None:
        return None
    return {"id": served.id, "left": f"/picture/{served.left.token}", "right": f"/picture/{served.right.token}"}
