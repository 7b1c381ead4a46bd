"""The pages, and the page that asks for the token. What is in them, their scripts get from the API."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from impasto.studio.pages.rendering import PAGES, STATIC, TEMPLATES, render, texts
from impasto.studio.pages.sheets import AXES
from impasto.studio.security.gate import LOGIN
from impasto.studio.security.sessions import cookie_header
from impasto.studio.state import StudioOf

__all__ = ["STATIC", "router"]
router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
def home(request: Request, studio: StudioOf) -> Response:
    """Shows the page on which one paints."""
    return render(request, studio, "paint")


def _add(name: str) -> None:
    @router.get(f"/{name}", response_class=HTMLResponse, name=name)
    def show(request: Request, studio: StudioOf) -> Response:
        return render(request, studio, name, axes=AXES)


for _name in PAGES[1:]:
    _add(_name)


@router.get(LOGIN, response_class=HTMLResponse)
def ask_token(request: Request) -> Response:
    """Asks for the server's token."""
    return TEMPLATES.TemplateResponse(request, "login.html", {"wrong": False, "t": texts()})


@router.post(LOGIN)
async def log_in(request: Request, studio: StudioOf) -> Response:
    """Gives a browser that knows the token its cookie."""
    given = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=4).get("token", [""])[0]
    if not studio.sessions.is_token(given.strip()):
        return TEMPLATES.TemplateResponse(request, "login.html", {"wrong": True, "t": texts()}, status_code=401)
    cookie = cookie_header(studio.sessions.new(known=True), secure=request.url.scheme == "https")
    return RedirectResponse("/", 303, {"set-cookie": cookie})
