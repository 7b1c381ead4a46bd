"""The first page, and the page that asks for the token."""

from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates

from impasto import __version__
from impasto.studio.security.gate import LOGIN
from impasto.studio.security.sessions import cookie_header
from impasto.studio.state import StudioOf

TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")  # escapes all that it is given
STATIC = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
def home(request: Request, studio: StudioOf) -> Response:
    """Shows the queue's counts and the newest pictures."""
    session = getattr(request.state, "session", None)
    given = {
        "csrf": "" if session is None else studio.sessions.csrf(session), "version": __version__,
        "counts": studio.queue.counts(), "pictures": studio.gallery.page(most=24).entries,
    }  # fmt: skip
    return TEMPLATES.TemplateResponse(request, "home.html", given)


@router.get(LOGIN, response_class=HTMLResponse)
def ask_token(request: Request) -> Response:
    """Asks for the server's token."""
    return TEMPLATES.TemplateResponse(request, "login.html", {"wrong": False})


@router.post(LOGIN)
async def log_in(request: Request, studio: StudioOf) -> Response:
    """Gives a browser that knows the token its cookie."""
    given = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=4).get("token", [""])[0]
    if not studio.sessions.is_token(given.strip()):
        return TEMPLATES.TemplateResponse(request, "login.html", {"wrong": True}, status_code=401)
    cookie = cookie_header(studio.sessions.new(known=True), secure=request.url.scheme == "https")
    return RedirectResponse("/", 303, {"set-cookie": cookie})
