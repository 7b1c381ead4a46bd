"""The names by which a server may be called (against DNS rebinding, CVE-2025-66416 and its like)."""

import ipaddress
import re
import socket
from functools import cache

from impasto.studio.settings import LOOPBACK, StudioSettings

_HOST = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]@/\s]+)(?::\d{1,5})?$")


def host_name(header: str) -> str | None:
    """Returns the name or address in a Host header, without its port; None if it is malformed."""
    found = _HOST.match(header.strip())
    return found.group(1).strip("[]").lower().rstrip(".") if found else None


def is_own_host(header: str, settings: StudioSettings) -> bool:
    """Whether a Host header names this server.

    On loopback only the names of loopback do. A server for others may be called by any address, which no foreign name
    server can point here, by this machine's name, and by `allowed_hosts`.
    """
    name = host_name(header)
    if name is None:
        return False
    if name in LOOPBACK or name in settings.allowed_hosts:
        return True
    if settings.is_local:
        return False
    return _is_address(name) or name in {settings.host.lower(), *_machine()}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@cache
def _machine() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return (name, f"{name}.local")
