"""Errors as problem+json (RFC 9457): each with a sentence."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from palate.errors import PalateError, UnknownIdError

_TYPE = "application/problem+json"
_MOST_TEXT = 1000


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    if len(detail) > _MOST_TEXT:
        detail = f"{detail[:_MOST_TEXT]} ..."
    told = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"}
    # Escapes, for what was sent may hold half of a character.
    return Response(json.dumps(told), status, headers=headers, media_type=_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Answer errors of the application with problems."""

    @app.exception_handler(UnknownIdError)
    async def unknown(request: Request, error: UnknownIdError) -> Response:
        return problem(404, str(error))

    @app.exception_handler(PalateError)
    async def bad(request: Request, error: PalateError) -> Response:
        return problem(422, str(error))

    @app.exception_handler(Exception)  # which is logged too
    async def unexpected(request: Request, error: Exception) -> Response:
        return problem(500, "something went wrong here; it was not what you sent")

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem(422, "; ".join(map(_sentence, error.errors()[:5])))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        methods = _methods(request)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED or methods:
            allowed = ", ".join(methods) or "GET"
            said = f"{request.method} is not for {request.url.path}; use {allowed}"
            return problem(405, said, {"Allow": allowed})
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem(404, f"there is nothing at {request.url.path}")
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))


def _methods(request: Request) -> list[str]:
    """Return what else a path can be asked with: one that the page's files have not may be ours."""
    matches = ((route, route.matches(request.scope)[0]) for route in request.app.routes)
    partial = (route for route, match in matches if match == Match.PARTIAL)
    return sorted({method for route in partial for method in route.methods})


def _sentence(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"the body is no JSON: {error['ctx']['error']} at character {error['loc'][-1]}"
    if error["type"] == "model_attributes_type":
        return "the body must be a JSON object, with the header Content-Type: application/json"
    place = ".".join(str(part) for part in error["loc"][1:])
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
