"""Server processes: loading, reloading under load, signals, and the command that starts them."""

import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import polars as pl
import pytest
import uvicorn
from starlette.testclient import TestClient

import palate
from palate.web import Settings, _model_holder, _serve, explore, serve

from .conftest import free_port, serving, serving_in_thread

REQUEST = {"ratings": [{"item": 100, "rating": 5}, {"item": 50, "rating": 4}], "n": 5}


@pytest.fixture
def loads(monkeypatch):
    """Return a list that grows by a folder whenever the web modules load a model."""
    folders = []

    def load(folder, **options):
        folders.append(folder)
        return palate.load(folder, **options)

    for module in (_serve, _model_holder):
        monkeypatch.setattr(module, "load", load)
    return folders


def test_a_single_process_loads_the_model_once(folder, loads, monkeypatch):
    monkeypatch.setattr(_serve, "_announce", lambda *_: None)
    statuses = []

    def run(app, **_):
        with TestClient(app, "http://localhost") as client:
            statuses.append(client.get("/api/model").status_code)

    monkeypatch.setattr(uvicorn, "run", run)
    serve(Settings(str(folder), port=free_port()), browser=False, ready=lambda _: None)
    assert statuses == [200]
    assert loads == [folder]


def test_each_worker_loads_the_model_once(folder, loads, monkeypatch):
    monkeypatch.setattr(_serve, "_announce", lambda *_: None)
    for variable in ("PALATE_EXPLORE", "PALATE_EXPLORE_COPIES", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.setenv(variable, "")  # so that monkeypatch restores them afterwards
    loads_per_process = []

    def run(_, *, workers, **__):
        loads_per_process.append(len(loads))
        for _ in range(workers):
            before = len(loads)
            _serve.create_worker_app()
            loads_per_process.append(len(loads) - before)

    monkeypatch.setattr(uvicorn, "run", run)
    serve(Settings(str(folder), port=free_port(), workers=2), browser=False, ready=lambda _: None)
    assert loads_per_process == [1, 1, 1]  # the first checks the folder before workers start


def test_a_saved_model_is_reloaded_without_dropping_a_request(bayes, model, tmp_path):
    folder = tmp_path / "m"
    bayes.save(folder)
    with (
        serving(folder, "--reload-model", "--workers", "2") as (address, _),
        httpx.Client(base_url=address, timeout=30) as client,
    ):

        def is_point_estimate(_):
            response = client.post("/api/recommendations", json=REQUEST)
            assert response.status_code == 200, response.text
            return response.json()["recommendations"][0]["sd"] is None

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            before = list(pool.map(is_point_estimate, range(100)))
            in_progress = pool.map(is_point_estimate, range(400))
            model.save(folder)
            list(in_progress)
            deadline = time.monotonic() + 20
            while not all(after := list(pool.map(is_point_estimate, range(40)))):
                assert time.monotonic() < deadline
        assert not any(before)
        assert all(after)


def test_updates_and_forgotten_people_reach_a_running_service(bayes, tmp_path):
    """Each worker serves what was changed, and keeps no copy of what was there before."""
    folder, copies = tmp_path / "m", tmp_path / "temporary"
    copies.mkdir()
    bayes.save(folder)
    table = {"user": [9999, 9999], "item": [50, 100], "rating": [5, 1], "timestamp": [1, 1]}
    new = palate.read_ratings(pl.DataFrame(table))
    with (
        serving(folder, "--reload-model", "--workers", "2", TMPDIR=str(copies)) as (address, _),
        httpx.Client(base_url=address, timeout=30, headers={"connection": "close"}) as client,
    ):

        def wait_for(user, status):
            """Wait until every worker answers so; a new connection can go to any of them."""
            deadline = time.monotonic() + 20
            while {client.get(f"/api/users/{user}").status_code for _ in range(6)} != {status}:
                assert time.monotonic() < deadline
                time.sleep(0.05)

        wait_for(9999, 404)
        palate.modify(folder, lambda model: model.update(new).model)
        wait_for(9999, 200)
        palate.modify(folder, lambda model: model.forget([9999, 196]))
        wait_for(9999, 404)
        wait_for(196, 404)
        names = {path.name for path in copies.glob("*/*") if len(path.name) == 64}
        entries = json.loads((folder / "palate.json").read_text())["files"]
        assert names == {entries["arrays"]["sha256"]}


@pytest.mark.parametrize("damage", ["truncated", "garbage"])
def test_a_service_survives_an_arrays_file_that_is_overwritten_in_place(bayes, tmp_path, damage):
    """Copying another model over the files, as cp and rsync --inplace do, must not kill it."""
    bayes.save(tmp_path / "m")
    with serving(tmp_path / "m") as (address, process):
        before = httpx.post(f"{address}/api/recommendations", json=REQUEST).json()
        (arrays,) = (tmp_path / "m").glob("arrays.*")
        with arrays.open("r+b") as file:
            if damage == "truncated":
                file.truncate(16)
            else:
                file.write(b"\xff" * arrays.stat().st_size)
        after = httpx.post(f"{address}/api/recommendations", json=REQUEST).json()
        assert process.poll() is None
        assert after == before


def test_sigterm_finishes_requests_in_progress(folder):
    """A request whose body has not arrived completely when the signal comes is answered."""
    with serving(folder) as (address, process):
        body = json.dumps(REQUEST).encode()
        head = (
            "POST /api/recommendations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head.encode() + body[:10])
            # The server sends this once the application reads the body.
            assert connection.recv(100).startswith(b"HTTP/1.1 100")
            process.send_signal(signal.SIGTERM)
            wait_until_closed(port)
            connection.sendall(body[10:])
            response = b"".join(iter(lambda: connection.recv(65536), b""))
        assert response.startswith(b"HTTP/1.1 200")
        assert b"recommendations" in response
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def wait_until_closed(port):
    """Wait until the server accepts no new connections."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.02)
    raise RuntimeError(f"port {port} still accepts connections")


def test_ctrl_c_during_an_evaluation_ends_the_process_cleanly(folder):
    with serving(folder) as (address, process):
        assert not httpx.get(f"{address}/api/evaluation").json()["running"]
        assert httpx.post(f"{address}/api/evaluation").json()["running"]
        wait_for_low_priority_child(process.pid)
        time.sleep(0.3)  # the evaluation is in a kernel most of the time
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert "terminate called" not in process.stderr.read()


def wait_for_low_priority_child(parent):
    """Wait until a process runs that gives way to all others, where the system can tell."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    deadline = time.monotonic() + 20
    while children.exists():
        # The evaluation is started by another thread than the first.
        pids = [int(pid) for file in children.parents[1].glob("*/children")
                for pid in file.read_text().split()]  # fmt: skip
        if any(os.getpriority(os.PRIO_PROCESS, pid) == 19 for pid in pids):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_access_log_is_lines_of_json_and_workers_count_together(folder):
    with serving(folder, "--access-log", "--workers", "2") as (address, process):
        for _ in range(20):
            # Without a client, for a connection of its own; and without loading all certificates.
            httpx.get(f"{address}/api/items/100", verify=False)
        text = httpx.get(f"{address}/metrics").text
        counted = re.search(r'palate_requests_total\{.*route="/api/items/{item:path}".* (.*)', text)
        assert float(counted[1]) == 20
        process.terminate()
        lines = [json.loads(line) for line in process.stderr if line.startswith("{")]
    logged = [line for line in lines if line["path"] == "/api/items/100"]
    assert len(logged) == 20
    assert {line["status"] for line in logged} == {200}
    assert set(logged[0]) == {"time", "client", "method", "path", "status", "milliseconds"}


def test_a_token_from_the_environment(folder):
    with serving(folder, PALATE_TOKEN="abc") as (address, _):
        assert httpx.get(f"{address}/api/model").status_code == 401
        authorized = {"authorization": "Bearer abc"}
        assert httpx.get(f"{address}/api/model", headers=authorized).status_code == 200


def test_a_body_that_does_not_arrive(folder, monkeypatch):
    monkeypatch.setattr("palate.web._middleware.BODY_SECONDS", 0.2)
    with serving_in_thread(folder) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(
                b"POST /api/recommendations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Length: 99\r\n\r\n{"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("token", ["s\u00e9cret", "two words"])
def test_a_token_that_a_header_can_not_hold(folder, token):
    done = run_explore(str(folder), PALATE_TOKEN=token)
    assert done.returncode == 1
    assert "PALATE_TOKEN" in done.stderr


def run_explore(*arguments, **environment):
    command = [sys.executable, "-m", "palate", "explore", *arguments, "--no-browser"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_a_folder_without_a_model_and_a_taken_port(folder, tmp_path):
    done = run_explore(str(tmp_path))
    assert done.returncode == 1
    assert "there is no model" in done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_explore(str(folder), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another --port" in done.stderr


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
def test_without_the_extra_the_command_names_it(folder, missing):
    code = f"""
import sys
sys.modules[{missing!r}] = None
sys.argv = ["palate", "explore", {str(folder)!r}]
from palate.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'palate[web]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_notebook_shows_the_page(bayes):
    frame = explore(bayes, height=500)
    assert frame.height == 500
    page = httpx.get(frame.src)
    assert page.status_code == 200
    model = httpx.get(f"{frame.src}api/model").json()
    assert model["items"] == bayes.items.height
    assert isinstance(bayes, palate.Model)
