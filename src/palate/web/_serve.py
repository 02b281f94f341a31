"""The process: workers, a browser, and a frame in a notebook."""

import contextlib
import ipaddress
import json
import os
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn

from palate.errors import SettingError
from palate.model._storage import load
from palate.web._app import application
from palate.web._explorer import Explorer
from palate.web._guard import Guard, Rules
from palate.web._holder import Holder

_SETTINGS, _METRICS = "PALATE_EXPLORE", "PROMETHEUS_MULTIPROC_DIR"
TOKEN = "PALATE_TOKEN"
_GRACE, _MOST_CONNECTIONS = 30, 1000


@dataclass(frozen=True)
class Settings:
    """How to serve a model; see `palate explore --help`."""

    folder: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    reload_model: bool = False
    access_log: bool = False


def serve(settings: Settings, *, browser: bool, ready: Callable[[str], None]) -> None:
    """Serve the model in a folder until a signal says to stop; requests under way are finished.

    Raises
    ------
    ModelFileError
        If there is no model.
    SettingError
        If the port is taken.
    """
    load(Path(settings.folder))  # a bad folder is told here, not by each worker
    _see_that_it_is_free(settings.host, settings.port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}/"
    if _token() is None and not _is_loopback(settings.host):
        ready(
            "Beware: everybody who reaches this address sees the ratings; PALATE_TOKEN guards it."
        )
    told = f"The explorer is at {address}. Ctrl-C ends it."
    threading.Thread(
        target=_announce, args=(settings, address, told, browser, ready), daemon=True
    ).start()
    if settings.workers == 1:
        _run(_application(settings), settings)
        return
    with tempfile.TemporaryDirectory() as metrics:
        # Workers are new processes, which are told by their environment.
        os.environ |= {_SETTINGS: json.dumps(asdict(settings)), _METRICS: metrics}
        _run("palate.web._serve:from_environment", settings, factory=True)


def _run(app: Any, settings: Settings, **more: Any) -> None:
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        proxy_headers=False,  # nobody may say of themselves who they are
        limit_concurrency=_MOST_CONNECTIONS,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE,
        **more,
    )


def from_environment() -> Guard:
    """Return the service that a worker is told of by its environment."""
    return _application(Settings(**json.loads(os.environ[_SETTINGS])))


def _application(settings: Settings) -> Guard:
    holder = Holder.of(Path(settings.folder))
    if settings.reload_model:
        holder.watch()
    token = _token()
    local = token is None and _is_loopback(settings.host)
    return application(holder, Rules(token, local, settings.access_log))


def _token() -> str | None:
    """Return the token that the environment asks for.

    Raises
    ------
    SettingError
        If it could not be sent in a header.
    """
    token = os.environ.get(TOKEN) or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingError(f"{TOKEN} holds more than letters, digits and signs of ASCII; use those")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _announce(
    settings: Settings, address: str, told: str, browser: bool, ready: Callable[[str], None]
) -> None:
    """Say where the page is, once it is there."""
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((settings.host, settings.port), timeout=1),
        ):
            ready(told)
            if browser:
                webbrowser.open(address)
            return
        time.sleep(0.05)


def _see_that_it_is_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingError(
                f"can't listen on {host}:{port} ({error}); choose another --port"
            ) from error


def explore(model: Any, height: int = 800) -> Any:
    """Show the page of a model in a frame of a notebook.

    Parameters
    ----------
    model
        A `palate.Model`.
    height
        Of the frame, in pixels.
    """
    from IPython.display import IFrame  # noqa: PLC0415  (which only a notebook has)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = application(Holder(Explorer(model).warm()), Rules())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return IFrame(f"http://127.0.0.1:{port}/", width="100%", height=height)
