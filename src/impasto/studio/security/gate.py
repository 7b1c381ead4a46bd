"""The gate before all handlers: see the package's page for what it asks, and in which order."""

import json
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from impasto.studio.error_forms import A1111, error_body
from impasto.studio.security.hosts import is_own_host
from impasto.studio.security.origins import SAFE_METHODS, foreign, is_of_browser
from impasto.studio.security.rates import Rates
from impasto.studio.security.sessions import CSRF_HEADER, Sessions, cookie_header
from impasto.studio.settings import StudioSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOGIN = "/login"
NEVER_CHANGING = (LOGIN, "/api/v1/downloads")  # POST requests that a read-only server answers
OPEN_PATHS = (LOGIN, "/static/")  # shown to those who do not know the token yet
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_BODY_TYPES = ("application/json", "multipart/form-data", "image/png", "image/jpeg", "image/webp")


class _Refused(Exception):
    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class _TooLarge(Exception):
    pass


class Gate:
    """ASGI middleware. A handler finds the checked session in `scope["state"]["session"]`."""

    def __init__(self, app: App, settings: StudioSettings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions
        self._rates = Rates(settings.limits.rate, settings.limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks all questions of a request, and hands it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets here: events come as a stream
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        session = self._sessions.read(headers.get("cookie", ""))
        new = None
        try:
            self._ask(scope, headers, session)
            if session is None and _wants_session(scope, headers):
                session = new = self._sessions.new(known=False)
        except _Refused as refused:
            await _answer(send, refused, scope["path"])
            return
        scope.setdefault("state", {})["session"] = session
        limit = self._settings.limits
        most = limit.upload_bytes if scope["path"].startswith(limit.upload_paths) else limit.body_bytes
        await self._hand_on(scope, receive, send, most, new)

    def _ask(self, scope: Scope, headers: dict[str, str], session: str | None) -> None:
        method, path = scope["method"], scope["path"]
        once = sum(name == b"host" for name, _ in scope["headers"]) == 1
        if not once or not is_own_host(headers["host"], self._settings):
            raise _Refused(421, f"this server is not {headers.get('host', 'named')[:100]!r}: call it by its address")
        self._ask_body(method, path, headers)
        reason = foreign(method, path, headers)
        if reason:
            raise _Refused(403, reason)
        authorized = self._sessions.authorized(headers)
        if not (authorized or self._sessions.knows(session) or path.startswith(OPEN_PATHS)):
            if method == "GET" and "text/html" in headers.get("accept", ""):
                raise _Refused(303, "log in first", (b"location", LOGIN.encode()))
            how, scheme = "`Authorization: Bearer TOKEN`", b"Bearer"
            if path.startswith(A1111):  # whose clients know basic authentication alone
                how, scheme = "the password of basic authentication, with any user", b"Basic"
            raise _Refused(
                401, f"this server asks for its token: send it as {how}", (b"www-authenticate", scheme + b' realm="impasto"')
            )
        if method in SAFE_METHODS:
            return
        needs_csrf = (is_of_browser(headers) or session is not None) and not authorized and path != LOGIN
        if needs_csrf and not self._sessions.is_csrf(session, headers.get(CSRF_HEADER, "")):
            raise _Refused(403, "the request lacks the token of its page: reload the page")
        if self._settings.read_only and path not in NEVER_CHANGING:
            raise _Refused(403, "this server is read-only: it shows, and changes nothing")
        wait = self._rates.wait(str((scope.get("client") or ("unknown",))[0]))
        if wait:
            seconds = str(math.ceil(wait)).encode()
            raise _Refused(429, "too many requests at once: wait a moment", (b"retry-after", seconds))

    def _ask_body(self, method: str, path: str, headers: dict[str, str]) -> None:
        limit = self._settings.limits
        most = limit.upload_bytes if path.startswith(limit.upload_paths) else limit.body_bytes
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length[:20]) > most:
            raise _Refused(413, f"the request is larger than {most >> 20} MB")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = length != "0" or "transfer-encoding" in headers
        allowed = (*_BODY_TYPES, "application/x-www-form-urlencoded") if path == LOGIN else _BODY_TYPES
        if method not in SAFE_METHODS and has_body and kind not in allowed:
            raise _Refused(415, f"a body of the type {kind[:60]!r}: send application/json")

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send, most: int, new: str | None) -> None:
        read, too_large = 0, False

        async def bounded() -> Message:
            nonlocal read, too_large
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                too_large = True
                raise _TooLarge
            return message

        async def guarded(message: Message) -> None:
            if too_large:
                return  # whatever the handler makes of it, the answer is ours
            if message["type"] == "http.response.start":
                given = message.get("headers", [])
                own = [name for name, _ in given]
                message["headers"] = [*given, *(one for one in HEADERS if one[0] not in own)]
                if new is not None:
                    cookie = cookie_header(new, secure=scope["scheme"] == "https")
                    message["headers"].append((b"set-cookie", cookie.encode()))
            await send(message)

        try:
            await self._app(scope, bounded, guarded)
        except Exception:
            if not too_large:
                raise
        if too_large:
            await _answer(send, _Refused(413, f"the request is larger than {most >> 20} MB"), scope["path"])


def _wants_session(scope: Scope, headers: dict[str, str]) -> bool:
    """Whether a request without a cookie gets one: only a browser's, because other clients would send it back."""
    if scope["method"] != "GET" or "authorization" in headers:
        return False
    return is_of_browser(headers) or "text/html" in headers.get("accept", "") or scope["path"] == "/api/v1/session"


async def _answer(send: Send, refused: _Refused, path: str) -> None:
    body = json.dumps(error_body(path, refused.status, refused.text), ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close"),
        *HEADERS, *refused.headers,
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
