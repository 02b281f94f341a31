"""Middleware around the application: access, limits of size and time, metrics, access log."""

import asyncio
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Histogram

from palate.web._problems import problem_response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 1 << 20
# Time limits for receiving a request's body, and then for the response to start.
BODY_SECONDS, RESPONSE_SECONDS = 10.0, 20.0
# Maximum number of requests that are being processed or wait for a thread.
MAX_CONCURRENT_REQUESTS = 64
# Without a token, only these host names are accepted. This prevents DNS rebinding: a page of
# another site can't reach the service by pointing its own host name to this machine.
_LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}
# These answer even while the service is at its limit, because they report its state.
_UNLIMITED_PATHS = ("/healthz", "/metrics")
_SECURITY_HEADERS = [
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
SKIPPED = Counter(
    "palate_skipped_items_total", "Unknown items that requests were answered without.", ["route"]
)
LATENCY = Histogram(
    "palate_request_seconds",
    "Seconds from request to response.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


@dataclass(frozen=True)
class AccessSettings:
    """Which requests are accepted, and whether they are logged.

    Attributes
    ----------
    token
        The bearer token that requests to ``/api`` and ``/metrics`` require; None for no token.
    local_only
        Whether to accept only host names of this machine in the header Host.
    access_log
        Whether to write a line of JSON to stderr for each request.
    """

    token: str | None = None
    local_only: bool = True
    access_log: bool = False


class ServiceMiddleware:
    """ASGI middleware that checks, limits, counts and logs every request."""

    def __init__(self, app: ASGIApp, access: AccessSettings) -> None:
        self._app, self._access = app, access
        self._in_progress: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, sender = time.perf_counter(), _ResponseSender(send)
        try:
            await self._respond(scope, receive, sender)
        finally:
            self._record(scope, sender.status, time.perf_counter() - start)

    async def _respond(self, scope: Scope, receive: Receive, sender: "_ResponseSender") -> None:
        refusal = self._refusal(scope)
        if refusal is not None:
            await problem_response(*refusal)(scope, receive, sender)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(receive, _headers(scope))
        except TimeoutError:
            detail = f"the body did not arrive within {BODY_SECONDS:g} seconds"
            await problem_response(408, detail)(scope, receive, sender)
        except _BodyTooLargeError:
            detail = f"the body is larger than {MAX_BODY_BYTES:,} bytes; send less"
            await problem_response(413, detail)(scope, receive, sender)
        except _ClientDisconnectedError:
            return
        else:
            await self._respond_in_time(scope, _replay(body, receive), sender)

    async def _respond_in_time(
        self, scope: Scope, receive: Receive, sender: "_ResponseSender"
    ) -> None:
        """Run the application, and answer 503 if it is late or too many requests are in progress.

        A late request can't be cancelled, since it runs in a thread; it counts as in progress
        until it ends.
        """
        if scope["path"] in _UNLIMITED_PATHS:
            await self._app(scope, receive, sender)
            return
        if len(self._in_progress) >= MAX_CONCURRENT_REQUESTS:
            busy = problem_response(
                503, "too many requests at once; try again", {"Retry-After": "1"}
            )
            await busy(scope, receive, sender)
            return
        task = asyncio.ensure_future(self._app(scope, receive, sender))
        self._in_progress.add(task)
        task.add_done_callback(self._in_progress.discard)
        done, _ = await asyncio.wait({task}, timeout=RESPONSE_SECONDS)
        if not done and sender.status == 0:
            late = problem_response(
                503, f"no response within {RESPONSE_SECONDS:g} seconds; ask for less"
            )
            await late(scope, receive, sender.take_over(503))
            return
        # A file takes as long as its client reads, and keeps no one else from being answered.
        self._in_progress.discard(task)
        await task

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the message for a request that is not accepted, else None."""
        headers, access = _headers(scope), self._access
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if access.local_only and (len(hosts) != 1 or not _is_local(hosts[0])):
            host = b", ".join(hosts).decode("latin-1")
            return 421, f"this service accepts the host localhost, not {host!r}; see --host"
        if not scope["path"].startswith(("/api/", "/metrics")):
            return None
        if headers.get(b"sec-fetch-site") == b"cross-site":
            return 403, "requests from pages of other sites are not accepted"
        if access.token is not None:
            scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
            is_right = hmac.compare_digest(token, access.token.encode())
            if scheme.lower() != b"bearer" or not is_right:
                return (
                    401,
                    "a token is required: send the header Authorization: Bearer TOKEN",
                )
        return None

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request for Prometheus and write it to the access log."""
        route = getattr(scope.get("route"), "path", "other")
        REQUESTS.labels(scope["method"], route, str(status)).inc()
        LATENCY.labels(route).observe(seconds)
        if self._access.access_log:
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "client": (scope.get("client") or ["unknown"])[0],
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round(1000 * seconds, 2),
            }
            print(json.dumps(line), file=sys.stderr, flush=True)


class _ResponseSender:
    """Sends a response with the common headers added, and records its status (0 before it)."""

    def __init__(self, send: Send) -> None:
        self._send, self._is_open, self.status = send, True, 0

    async def __call__(self, message: Message) -> None:
        if not self._is_open:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-cache"))
            message["headers"] = headers + _SECURITY_HEADERS
        await self._send(message)

    def take_over(self, status: int) -> "_ResponseSender":
        """Return a sender for another response; whatever is sent through this one is dropped."""
        self._is_open = False
        self.status = status
        return _ResponseSender(self._send)


class _BodyTooLargeError(Exception):
    pass


class _ClientDisconnectedError(Exception):
    pass


def _is_local(host: bytes) -> bool:
    text = host.decode("latin-1")
    name, _, port = text.rpartition(":")
    return (name if port.isdigit() else text).strip("[]").lower() in _LOCAL_HOSTS


def _headers(scope: Scope) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers


async def _read_body(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    """Return the whole body, which may be larger than the header Content-Length says."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise _BodyTooLargeError
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _ClientDisconnectedError
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            raise _BodyTooLargeError
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns the body, which has been read, and then goes on as before."""
    is_replayed = False

    async def receive_again() -> Message:
        nonlocal is_replayed
        if is_replayed:
            return await receive()
        is_replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
