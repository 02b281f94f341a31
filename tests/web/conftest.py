"""Fixtures: folders of real models, a client in the same process, and real server processes."""

import contextlib
import functools
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from palate.web._app import create_app
from palate.web._compare import ComparedModels, names_of
from palate.web._middleware import AccessSettings
from palate.web._model_holder import ModelHolder

VIEWS = {
    "overview": "#/",
    "items": "#/items?sort=gap&where=genres=Comedy&min_ratings=20",
    "item": "#/item/50",
    "map": "#/map?x=axis+1&y=bias",
    "try": "#/try?r=100:5,50:4",
    "users": "#/users",
    "user": "#/user/196",
    "not found": "#/toString",
}
DESKTOP, TABLET, PHONE = (1440, 900), (768, 1024), (390, 844)


@pytest.fixture(scope="session")
def folder(bayes, tmp_path_factory) -> Path:
    """Return the folder of a model fitted by Gibbs."""
    path = tmp_path_factory.mktemp("web") / "bayes"
    bayes.save(path)
    return path


@pytest.fixture(scope="session")
def point(model, tmp_path_factory) -> Path:
    """Return the folder of a point estimate."""
    path = tmp_path_factory.mktemp("web") / "point"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def both_folder(both, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("web") / "both"
    both.save(path)
    return path


@pytest.fixture(scope="session")
def events_folder(events, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("web") / "events"
    events.save(path)
    return path


# Of the model in a folder, all services of this process share what is loaded and its evaluation.
holder_of = functools.cache(ModelHolder.from_folder)


def client_of(folder):
    app = create_app(holder_of(folder), AccessSettings())
    return TestClient(app, "http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def client(folder) -> TestClient:
    return client_of(folder)


@pytest.fixture(scope="session")
def both_client(both_folder) -> TestClient:
    return client_of(both_folder)


@pytest.fixture(scope="session")
def events_client(events_folder) -> TestClient:
    return client_of(events_folder)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def compared(folder, other):
    """Return what compares the models in two folders."""
    return ComparedModels([holder_of(folder), holder_of(other)], names_of([folder, other]))


@contextlib.contextmanager
def serving_in_thread(folder, access=AccessSettings(), other=None):  # noqa: B008  (it is immutable)
    """Serve a model from a thread of this process, which starts faster; yield the address."""
    both = None if other is None else compared(folder, other)
    app = create_app(holder_of(folder), access, both)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=40)


@contextlib.contextmanager
def serving(folder, *options, **environment):
    """Run `palate explore` in a process of its own; yield its address and the process."""
    port = free_port()
    command = [sys.executable, "-m", "palate", "explore", str(folder), "--no-browser"]
    with subprocess.Popen(
        [*command, "--port", str(port), *options],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address, process)
            yield address, process
        finally:
            process.terminate()
            process.wait(timeout=40)


def _wait(address, process):
    deadline = time.monotonic() + 30
    # With one client: each new one would load all certificates, 17 ms in which the server can't
    # start.
    with httpx.Client(base_url=address) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if client.get("/healthz").status_code == 200:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {process.stderr.read()}")


@pytest.fixture(scope="session")
def address(folder):
    with serving_in_thread(folder) as address:
        yield address


@pytest.fixture(scope="session")
def both_address(both_folder):
    with serving_in_thread(both_folder) as address:
        yield address


@pytest.fixture(scope="session")
def events_address(events_folder):
    with serving_in_thread(events_folder) as address:
        yield address
