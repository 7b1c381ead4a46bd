"""The status and the body of an error: one sentence, in the form that the clients of each API read."""

from typing import Any

A1111, OPENAI = "/sdapi/", "/v1/"
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def error_status(path: str, status: int) -> int:
    """Returns the status of an error as the clients of an API know it: OpenAI's answers a wrong value by 400."""
    return 400 if status == 422 and path.startswith(OPENAI) else status


def error_body(path: str, status: int, sentence: str, field: str | None = None) -> dict[str, Any]:
    """Returns the body of an error.

    Args:
        path: of the request: `/sdapi/` answers as AUTOMATIC1111 does, `/v1/` as OpenAI does.
        status: the HTTP status.
        sentence: what went wrong.
        field: the field of the request that is wrong, if one is.
    """
    if path.startswith(A1111):
        return {"error": sentence, "detail": sentence, "body": field or "", "errors": sentence}
    if path.startswith(OPENAI):
        kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        return {"error": {"message": sentence, "type": kind, "param": field, "code": None}}
    return {"error": sentence} if field is None else {"error": sentence, "field": field}
