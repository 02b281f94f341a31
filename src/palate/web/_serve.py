"""Server processes: the command's server with one or more workers, and the notebook's."""

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

from palate._linear_algebra import one_blas_thread
from palate.errors import SettingError
from palate.model._model import Model, load
from palate.web._app import create_app
from palate.web._explorer import Explorer
from palate.web._middleware import AccessSettings, ServiceMiddleware
from palate.web._model_holder import ModelHolder

TOKEN_VARIABLE = "PALATE_TOKEN"
_SETTINGS_VARIABLE, _COPIES_VARIABLE = "PALATE_EXPLORE", "PALATE_EXPLORE_COPIES"
_METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SHUTDOWN_SECONDS, _STARTUP_SECONDS = 30, 30
_MAX_CONNECTIONS = 1000


@dataclass(frozen=True)
class Settings:
    """How to serve a model; see `palate explore --help`.

    Attributes
    ----------
    folder
        The folder of the model.
    host
        The address to listen on.
    port
        The port to listen on.
    workers
        The number of server processes. With more than one, each loads the model, and they share
        its arrays through a private copy of the file, which nobody else can overwrite.
    reload_model
        Whether to load a new model when one is saved in the folder.
    access_log
        Whether to write a line of JSON to stderr for each request.
    """

    folder: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    reload_model: bool = False
    access_log: bool = False


def serve(settings: Settings, *, browser: bool, ready: Callable[[str], None]) -> None:
    """Serve a model until the process is told to stop; requests in progress are finished first.

    Parameters
    ----------
    settings
        What to serve, and where.
    browser
        Whether to open the page in a browser once it is served.
    ready
        Called with messages for the user: the address of the page once it is served, and before
        it a warning if the service can be reached from other machines without a token.

    Raises
    ------
    ModelFileError
        If there is no model in the folder, or it is damaged.
    SettingError
        If the port is taken, or the token can't be sent in a header.
    """
    token = _token()
    _check_port(settings.host, settings.port)
    folder = Path(settings.folder)
    if settings.workers == 1:
        holder = ModelHolder.from_folder(folder)
    else:
        load(folder)  # fail here with one clear error instead of in each worker
    if token is None and not _is_loopback(settings.host):
        ready(
            "Warning: anyone who can reach this address can read the ratings. Set "
            f"{TOKEN_VARIABLE} to require a bearer token."
        )
    threading.Thread(target=_announce, args=(settings, browser, ready), daemon=True).start()
    if settings.workers == 1:
        with one_blas_thread():  # there are as many threads as requests
            _run(_create_app(settings, holder), settings)
        return
    with tempfile.TemporaryDirectory() as metrics, tempfile.TemporaryDirectory() as copies:
        # Workers are new processes that read their settings from the environment.
        os.environ |= {
            _SETTINGS_VARIABLE: json.dumps(asdict(settings)),
            _COPIES_VARIABLE: copies,
            _METRICS_VARIABLE: metrics,
        }
        _run("palate.web._serve:create_worker_app", settings, factory=True)


def _run(app: Any, settings: Settings, **options: Any) -> None:
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        proxy_headers=False,  # else clients could forge their address in the access log
        limit_concurrency=_MAX_CONNECTIONS,
        log_level="warning",
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        **options,
    )


def create_worker_app() -> ServiceMiddleware:
    """Return the application of a worker process, with the settings from its environment."""
    one_blas_thread()  # for as long as the process lives
    settings = Settings(**json.loads(os.environ[_SETTINGS_VARIABLE]))
    copies = Path(os.environ[_COPIES_VARIABLE])
    return _create_app(settings, ModelHolder.from_folder(Path(settings.folder), copies))


def _create_app(settings: Settings, holder: ModelHolder) -> ServiceMiddleware:
    if settings.reload_model:
        holder.watch()
    token = _token()
    local_only = token is None and _is_loopback(settings.host)
    return create_app(holder, AccessSettings(token, local_only, settings.access_log))


def _token() -> str | None:
    """Return the token in the environment, or None if there is none.

    Raises
    ------
    SettingError
        If it can't be sent in a header.
    """
    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingError(
            f"{TOKEN_VARIABLE} contains a space or a character that an HTTP header can't hold; use "
            "only ASCII letters, digits and punctuation"
        )
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _announce(settings: Settings, browser: bool, ready: Callable[[str], None]) -> None:
    """Report the address of the page once the server accepts connections."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}/"
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((settings.host, settings.port), timeout=1),
        ):
            ready(f"The explorer is at {address}. Press Ctrl-C to stop it.")
            if browser:
                webbrowser.open(address)
            return
        time.sleep(0.05)


def _check_port(host: str, port: int) -> None:
    """Raise a SettingError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingError(
                f"can't listen on {host}:{port} ({error}); choose another --port"
            ) from error


def explore(model: Model, height: int = 800) -> Any:
    """Serve a model from this process and show its page in a frame of a notebook.

    Parameters
    ----------
    model
        The model to show.
    height
        The height of the frame in pixels.

    Returns
    -------
    IPython.display.IFrame
        The frame; the last expression of a cell displays it.
    """
    from IPython.display import IFrame  # noqa: PLC0415  (only available in a notebook)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(ModelHolder(Explorer(model)), AccessSettings())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return IFrame(f"http://127.0.0.1:{port}/", width="100%", height=height)
