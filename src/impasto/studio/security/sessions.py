"""Tokens, the cookie of a browser, and the token against forged requests (CSRF)."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from impasto.files import write_atomically
from impasto.studio.settings import StudioSettings

COOKIE = "impasto_session"
CSRF_HEADER = "x-csrf-token"
_OPEN, _KNOWN = "open", "known"  # a browser of whom no token is asked; one that knew the token


class Sessions:
    """Makes and checks cookies. A secret of the workspace and the token sign them: a new token ends them."""

    def __init__(self, settings: StudioSettings) -> None:
        self._token = settings.token.encode()
        self._secret = _secret(settings.workspace.folder / "studio-secret") + hashlib.sha256(self._token).digest()

    def is_token(self, given: str) -> bool:
        """Whether a client knows the token; compared in constant time."""
        return bool(self._token) and hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    def new(self, *, known: bool) -> str:
        """Returns the value of a new cookie; `known` for a browser that knew the token."""
        body = f"{secrets.token_hex(16)}.{_KNOWN if known else _OPEN}"
        return f"{body}.{self._sign('session', body)}"

    def read(self, cookie_header: str) -> str | None:
        """Returns the value of our cookie, if it is there and signed by us."""
        try:
            jar = SimpleCookie(cookie_header)
        except CookieError:
            return None
        value = jar[COOKIE].value if COOKIE in jar else ""
        body, _, signature = value.rpartition(".")
        return value if body and hmac.compare_digest(signature.encode(), self._sign("session", body).encode()) else None

    def knows(self, session: str | None) -> bool:
        """Whether the browser with this (checked) cookie knew the token, or none is asked for."""
        return not self._token or (session is not None and session.split(".")[1] == _KNOWN)

    def csrf(self, session: str) -> str:
        """Returns the token that the pages of this session send with changing requests."""
        return self._sign("csrf", session)

    def is_csrf(self, session: str | None, given: str) -> bool:
        """Whether a request carries the token of its session."""
        return session is not None and hmac.compare_digest(given.encode("utf-8", "replace"), self.csrf(session).encode())

    def authorized(self, headers: dict[str, str]) -> bool:
        """Whether the headers of a request hold the token: Bearer, Basic (its password) or X-API-Key."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(value.strip()):
            return True
        if scheme.lower() == "basic":
            try:
                _, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                password = ""
            if self.is_token(password):
                return True
        return self.is_token(headers.get("x-api-key", ""))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"{purpose}|{text}".encode(), hashlib.sha256).hexdigest()


def cookie_header(value: str, *, secure: bool = False) -> str:
    """Returns a Set-Cookie header's value: not readable by scripts, not sent from other sites."""
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000" + ("; Secure" if secure else "")


def _secret(file: Path) -> bytes:
    """Returns the workspace's secret, which is made once and readable by its owner only."""
    try:
        kept = file.read_bytes()
        if len(kept) == 32:
            return kept
    except OSError:
        pass
    before = os.umask(0o077)
    try:
        write_atomically(file, secrets.token_bytes(32))
    finally:
        os.umask(before)
    return file.read_bytes()
