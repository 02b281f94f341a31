"""The routes of the application: what handlers return is written as JSON in their own thread."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel


class JsonRoute(APIRoute):
    """A route whose handler returns an object of its response model, which is sent as it is.

    FastAPI would validate the object again, although it was validated when it was made, and hand it
    to another thread for that.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _written(endpoint), **options)


def _written(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that writes the object of another as JSON; others stay as they are."""
    kind = handler.__annotations__.get("return")
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return handler

    @wraps(handler)
    def write(**arguments: Any) -> Response:
        answer: BaseModel = handler(**arguments)
        return Response(answer.model_dump_json(), media_type="application/json")

    return write
