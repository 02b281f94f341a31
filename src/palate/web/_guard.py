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
# A body must come within so many seconds, and an answer within so many more.
BODY_SECONDS, SECONDS = 10.0, 20.0
# So many answers are being computed or waiting for it at a time.
MOST_AT_ONCE = 64
# Where nobody has set a token, only names of this machine are answered: a page elsewhere may not
# reach the service by a name of its own that leads here.
_LOCAL = {"127.0.0.1", "localhost", "::1"}
# What says how the service is must be told while it is busy.
_AT_ONCE = ("/healthz", "/metrics")
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
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, answer = time.perf_counter(), _Answer(send)
        try:
            await self._answer(scope, receive, answer)
        finally:
            self._note(scope, answer.status, time.perf_counter() - start)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        refusal = self._refusal(scope)
        if refusal is not None:
            await problem(*refusal)(scope, receive, answer)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive, _headers(scope))
        except TimeoutError:
            await problem(408, f"the body did not come within {BODY_SECONDS:g} seconds")(
                scope, receive, answer
            )
            return
        if isinstance(body, int):
            if body:
                told = f"the body is larger than {MOST_BYTES:,} bytes; send less"
                await problem(body, told)(scope, receive, answer)
            return
        await self._within_time(scope, _replayed(body, receive), answer)

    async def _within_time(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """Answer in time or say that it is late; what is late keeps its place until it is done."""
        if scope["path"] in _AT_ONCE:
            await self._app(scope, receive, answer)
            return
        if len(self._under_way) >= MOST_AT_ONCE:
            await problem(503, "too much is asked at once; try again", {"Retry-After": "1"})(
                scope, receive, answer
            )
            return
        task = asyncio.ensure_future(self._app(scope, receive, answer))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        done, _ = await asyncio.wait({task}, timeout=SECONDS)
        if done:
            task.result()
        elif answer.status == 0:
            late = problem(503, f"no answer within {SECONDS:g} seconds; ask for less")
            await late(scope, receive, answer.last())

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers, rules = _headers(scope), self._rules
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if rules.local_only and (len(hosts) != 1 or not _is_local(hosts[0])):
            name = b", ".join(hosts).decode("latin-1")
            return 421, f"this service answers to localhost, not to {name!r}; see --host"
        if not scope["path"].startswith(("/api/", "/metrics")):
            return None
        if headers.get(b"sec-fetch-site") == b"cross-site":
            return 403, "this was asked by a page of another site"
        if rules.token is not None:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            right = hmac.compare_digest(given, rules.token.encode())
            if scheme.lower() != b"bearer" or not right:
                return 401, "this needs the header Authorization: Bearer with the token"
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        REQUESTS.labels(scope["method"], route, str(status)).inc()
        LATENCY.labels(route).observe(seconds)
        if self._rules.access_log:
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "client": (scope.get("client") or ["unknown"])[0],
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round(1000 * seconds, 2),
            }
            print(json.dumps(line), file=sys.stderr, flush=True)


class _Answer:
    """Sends on, adds headers, and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send, self._open, self.status = send, True, 0

    async def __call__(self, message: Message) -> None:
        if not self._open:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-cache"))
            message["headers"] = headers + _HEADERS
        await self._send(message)

    def last(self) -> "_Answer":
        """Return what gives the last answer: nothing that comes here later is sent."""
        self._open = False
        self.status = 503
        return _Answer(self._send)


def _is_local(host: bytes) -> bool:
    text = host.decode("latin-1")
    name, _, port = text.rpartition(":")
    return (name if port.isdigit() else text).strip("[]").lower() in _LOCAL


def _headers(scope: Scope) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | int:
    """Return the whole body; 413 if it is too large, 0 if whoever sent it went away."""
    said = headers.get(b"content-length", b"0")
    if said.isdigit() and int(said) > MOST_BYTES:
        return 413
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return 0
        body += bytes(message.get("body", b""))
        if len(body) > MOST_BYTES:
            return 413
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
