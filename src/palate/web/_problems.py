"""Errors as problem details (RFC 9457), each with a sentence that says what was wrong."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from palate.errors import PalateError, UnknownIdError

_MEDIA_TYPE = "application/problem+json"
_MAX_DETAIL_LENGTH = 1000
_MAX_VALIDATION_ERRORS = 5


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error response with a JSON body as of RFC 9457."""
    if len(detail) > _MAX_DETAIL_LENGTH:
        detail = f"{detail[:_MAX_DETAIL_LENGTH]} ..."
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"}
    # json.dumps escapes non-ASCII characters: a message that quotes the request may contain an
    # unpaired surrogate, which UTF-8 can't encode.
    return Response(json.dumps(body), status, headers=headers, media_type=_MEDIA_TYPE)


def register_error_handlers(app: FastAPI) -> None:
    """Make the application answer every error with problem details."""

    @app.exception_handler(UnknownIdError)
    async def unknown_id(request: Request, error: UnknownIdError) -> Response:
        return problem_response(404, str(error))

    @app.exception_handler(PalateError)
    async def invalid_argument(request: Request, error: PalateError) -> Response:
        return problem_response(422, str(error))

    @app.exception_handler(Exception)  # Starlette also logs these
    async def unexpected(request: Request, error: Exception) -> Response:
        detail = "an internal error occurred, which the request did not cause; see the server's log"
        return problem_response(500, detail)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, error: RequestValidationError) -> Response:
        sentences = map(_validation_message, error.errors()[:_MAX_VALIDATION_ERRORS])
        return problem_response(422, "; ".join(sentences))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        methods = _other_methods(request)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED or methods:
            allowed = ", ".join(methods) or "GET"
            detail = f"{request.url.path} does not support {request.method}; use {allowed}"
            return problem_response(405, detail, {"Allow": allowed})
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem_response(404, f"there is nothing at {request.url.path}")
        return problem_response(error.status_code, str(error.detail), dict(error.headers or {}))


def _other_methods(request: Request) -> list[str]:
    """Return the methods of the routes that match the path but not the request's method.

    The mount of the static files matches every path, so a request with the wrong method arrives
    there and fails with 404.
    """
    matches = ((route, route.matches(request.scope)[0]) for route in request.app.routes)
    partial = (route for route, match in matches if match == Match.PARTIAL)
    return sorted({method for route in partial for method in route.methods})


def _validation_message(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return (
            f"the body is not valid JSON: {error['ctx']['error']} at character {error['loc'][-1]}"
        )
    if error["type"] == "model_attributes_type":
        return "the body must be a JSON object, with the header Content-Type: application/json"
    location = ".".join(str(part) for part in error["loc"][1:])
    message = error["msg"].removeprefix("Value error, ")
    return f"{location}: {message}" if location else str(message)
