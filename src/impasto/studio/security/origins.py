"""Whether a request comes from this server's own pages (CSRF, CVE-2024-10481, CVE-2024-11045, CVE-2026-56674)."""

from urllib.parse import urlsplit

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OWN = ("same-origin", "none")


def is_of_browser(headers: dict[str, str]) -> bool:
    """Whether the headers are those of a browser: other clients send neither."""
    return "origin" in headers or "sec-fetch-site" in headers


def foreign(method: str, path: str, headers: dict[str, str]) -> str:
    """Returns why a request is not of our own pages, in one sentence; "" if it is, or no browser sent it.

    A link from another site may open a page of ours; nothing else may come from there.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and not _same(origin, headers.get("host", "")):
        return f"a page of {origin[:100]} may not ask this server: open its own page"
    if site is not None and site not in _OWN:
        opens = method == "GET" and headers.get("sec-fetch-mode") == "navigate" and not path.startswith("/api/")
        if not (opens and headers.get("sec-fetch-dest", "document") == "document"):
            return "a page of another site may not ask this server: open its own page"
    return ""


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False  # "null" of a sandboxed page, or of a file
    usual = {"http": 80, "https": 443}[parts.scheme]
    try:
        own = urlsplit(f"//{host}")
        own_port = own.port
    except ValueError:
        return False
    return parts.hostname == own.hostname and (port or usual) == (own_port or usual)
