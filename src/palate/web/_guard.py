"""What stands before every request: whose it may be, how large, how long, and a note of it."""

import asyncio
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Histogram

from palate.web._problems import problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 1 << 20
SECONDS = 30.0
# Where nobody has set a token, only names of this machine are answered: a page elsewhere may not
# reach the service by a name of its own that leads here.
_LOCAL = {"127.0.0.1", "localhost", "::1", "testserver"}
_OPEN = ("/healthz",)
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        b"object-src 'none'; base-uri 'none'; "
        b"frame-ancestors 'self' http://localhost:* http://127.0.0.1:*",
    ),
]

REQUESTS = Counter("palate_requests_total", "Requests answered.", ["method", "route", "status"])
LATENCY = Histogram(
    "palate_request_seconds",
    "Seconds to an answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


@dataclass(frozen=True)
class Rules:
    """Whom to answer, and what to note.

    Attributes
    ----------
    token
        What ``Authorization: Bearer`` must say under ``/api``; None for nothing.
    local_only
        Whether to answer only to names of this machine.
    access_log
        Whether to write a line of JSON to stderr for each request.
    """

    token: str | None = None
    local_only: bool = True
    access_log: bool = False


class Guard:
    """Wraps the application, so that nothing reaches it that the rules don't allow."""

    def __init__(self, app: Asgi, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, answer = time.perf_counter(), _Answer(send)
        refusal = self._refusal(scope)
        body = None if refusal else await _body(receive, _headers(scope))
        if refusal is None and body is None:
            refusal = (413, f"the body is larger than {MOST_BYTES:,} bytes; send less")
        if refusal is not None:
            await problem(*refusal)(scope, receive, answer)
        else:
            await self._within_time(scope, _replayed(body or b"", receive), answer)
        self._note(scope, answer.status, time.perf_counter() - start)

    async def _within_time(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await self._app(scope, receive, answer)
        except TimeoutError:
            if answer.status == 0:
                late = f"no answer within {SECONDS:g} seconds; ask for less"
                await problem(503, late)(scope, receive, answer)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers, rules = _headers(scope), self._rules
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if rules.local_only and name.strip("[]").lower() not in _LOCAL:
            return (
                421,
                f"this service answers to localhost, not to {name!r}; see palate explore --host",
            )
        if rules.token is not None and scope["path"].startswith(("/api/", "/metrics")):
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, f"Bearer {rules.token}".encode()):
                return 401, "this needs the header Authorization: Bearer with the token"
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        REQUESTS.labels(scope["method"], route, str(status)).inc()
        LATENCY.labels(route).observe(seconds)
        if self._rules.access_log:
            client = (scope.get("client") or ["unknown"])[0]
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "client": client,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round(1000 * seconds, 2),
            }
            print(json.dumps(line), file=sys.stderr, flush=True)


class _Answer:
    """Sends on, adds headers, and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), *_HEADERS]
        await self._send(message)


def _headers(scope: Scope) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | None:
    """Return the whole body; None if it is too large."""
    said = headers.get(b"content-length", b"0")
    if said.isdigit() and int(said) > MOST_BYTES:
        return None
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body once, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
