"""Says in each response which model it comes from, so that clients notice when it is replaced."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.routing import Match

from palate.web._middleware import Message, Receive, Scope, Send
from palate.web._model_holder import ModelHolder

# These answers change while the model stays.
_CHANGING = ("/api/evaluation",)


class ModelHeader:
    """ASGI middleware that adds a header with the model's fingerprint to responses of the API.

    Where two models are compared, both are in it, so that either can be replaced. All other answers
    to GET depend on nothing but the models and the address. The fingerprint is therefore their ETag
    too, and what a browser has kept is not computed or sent again.

    It is read before a response is computed: if the model is replaced in the meantime, the response
    seems older than it is and is requested once more, never the reverse.
    """

    def __init__(self, app: FastAPI, holders: Sequence[ModelHolder]) -> None:
        self._app, self._holders = app, holders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        fingerprint = "-".join(one.explorer.fingerprint for one in self._holders).encode()
        etag = b'W/"%s"' % fingerprint
        lasts = scope["method"] == "GET" and scope["path"] not in _CHANGING
        model = [(b"palate-model", fingerprint)]

        async def send_with_model(message: Message) -> None:
            if message["type"] == "http.response.start":
                tag = [(b"etag", etag)] if lasts and message["status"] == 200 else []
                message["headers"] = [*message.get("headers", []), *model, *tag]
            await send(message)

        if lasts and etag in _known_tags(scope):
            scope["route"] = self._route(scope)  # for the metrics
            headers = [*model, (b"etag", etag)]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
            return
        await self._app(scope, receive, send_with_model)

    def _route(self, scope: Scope) -> object:
        """Return the route of a request."""
        matching = (one for one in self._app.routes if one.matches(scope)[0] is Match.FULL)
        return next(matching, None)


def _known_tags(scope: Scope) -> list[bytes]:
    """Return the tags of what the client has kept."""
    lines = [value for name, value in scope["headers"] if name == b"if-none-match"]
    return [tag.strip() for line in lines for tag in line.split(b",")]
