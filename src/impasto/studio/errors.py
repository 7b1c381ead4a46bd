"""Errors as answers: `{"error": one sentence}` with the status that fits, and for a wrong field its name."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from impasto.database import DatabaseBusy, DiskFull
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.gallery.index import UnknownPicture
from impasto.queue.records import QueueFull, UnknownJob
from impasto.studio.api.downloads import UnknownDownload
from impasto.studio.clients.work import ServerEnds
from impasto.studio.error_forms import error_body, error_status
from impasto.studio.security.gate import HEADERS
from impasto.studio.uploads import UnknownUpload, UploadsFull

STATUS: dict[type[ImpastoError], int] = {
    UnknownJob: 404, UnknownPicture: 404, UnknownUpload: 404, UnknownDownload: 404, QueueFull: 429, DatabaseBusy: 503,
    DiskFull: 507, UploadsFull: 507, UsageError: 422, MissingPart: 501, ServerEnds: 503,
}  # fmt: skip


class ErrorAnswer(BaseModel):
    """What went wrong, in one sentence."""

    error: str
    field: str | None = Field(None, description="the field of the request that is wrong, such as `job.steps`")


def status_of(error: ImpastoError) -> int:
    """Returns the HTTP status of an error; 500 if the work failed."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def answer_errors(app: FastAPI) -> None:
    """Registers the handlers."""

    @app.exception_handler(ImpastoError)
    def _impasto(request: Request, error: ImpastoError) -> JSONResponse:
        status = error_status(request.url.path, status_of(error))
        headers = {"retry-after": "5"} if status in (429, 503) else None
        return JSONResponse(error_body(request.url.path, status, str(error)), status, headers)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        message = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = "there is no such field"
        sentence = f"{field}: {message[:1].lower()}{message[1:]}"[:500]
        status = error_status(request.url.path, 422)
        return JSONResponse(error_body(request.url.path, status, sentence, field[:200]), status)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        body = error_body(request.url.path, error.status_code, str(error.detail))
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> JSONResponse:
        headers = {name.decode(): value.decode() for name, value in HEADERS}  # this answer does not pass the gate
        sentence = f"unexpected {type(error).__name__}: see the server's log"
        return JSONResponse(error_body(request.url.path, 500, sentence), 500, headers)
