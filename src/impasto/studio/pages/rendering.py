"""Renders pages: the templates, the texts of one language, and what every page needs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.templating import Jinja2Templates

from impasto import __version__
from impasto.studio.state import Studio

_HERE = Path(__file__).parent
TEMPLATES = Jinja2Templates(_HERE / "templates")  # escapes all that it is given
STATIC = _HERE / "static"
TEXTS = _HERE / "texts"
PAGES = ("paint", "gallery", "queue", "canvas", "grid", "runs", "data", "judge")


@cache
def texts(language: str = "en") -> dict[str, str]:
    """Returns the texts of a language, by key. To add a language: a file beside `en.json` with the same keys."""
    return json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))


def render(request: Request, studio: Studio, name: str, **given: Any) -> Response:
    """Renders the page `name` with its texts (`t`), the token of the session (`csrf`) and `given`."""
    session = getattr(request.state, "session", None)
    page = {
        "page": name, "pages": PAGES, "t": texts(), "texts": json.dumps(texts(), ensure_ascii=False), "version": __version__,
        "csrf": "" if session is None else studio.sessions.csrf(session), "read_only": studio.settings.read_only,
        "credentials": studio.settings.signing is not None,
    }  # fmt: skip
    headers = {"cache-control": "no-store"}  # the token in it is of this session
    return TEMPLATES.TemplateResponse(request, f"{name}.html", {**page, **given}, headers=headers)
