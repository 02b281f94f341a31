"""Server processes: workers, swaps under load, signals, and the command that starts them."""

import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import httpx2 as httpx
import pytest

import palate

from .conftest import serving

ASKED = {"ratings": [{"item": 100, "rating": 5}, {"item": 50, "rating": 4}], "n": 5}


def test_a_new_folder_is_picked_up_without_dropping_a_request(bayes, model, tmp_path):
    folder = tmp_path / "m"
    bayes.save(folder)
    with (
        serving(folder, "--reload-model", "--workers", "2") as (address, _),
        httpx.Client(base_url=address, timeout=30) as client,
    ):

        def ask(_):
            response = client.post("/api/recommendations", json=ASKED)
            assert response.status_code == 200, response.text
            return response.json()["recommendations"][0]["sd"] is None

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            before = list(pool.map(ask, range(100)))
            under_way = pool.map(ask, range(1500))
            model.save(folder)
            list(under_way)
            deadline = time.monotonic() + 20
            while not all(after := list(pool.map(ask, range(40)))):
                assert time.monotonic() < deadline
        assert not any(before)
        assert all(after)


def test_sigterm_finishes_what_is_under_way(folder):
    """A request whose body is still on its way when the signal comes is answered."""
    with serving(folder) as (address, process):
        body = json.dumps(ASKED).encode()
        head = (
            "POST /api/recommendations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head.encode() + body[:10])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            connection.sendall(body[10:])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"recommendations" in answer
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def test_the_access_log_is_lines_of_json_and_workers_count_together(folder):
    with serving(folder, "--access-log", "--workers", "2") as (address, process):
        for _ in range(20):
            httpx.get(f"{address}/api/items/100")
        text = httpx.get(f"{address}/metrics").text
        counted = re.search(r'palate_requests_total\{.*route="/api/items/{item:path}".* (.*)', text)
        assert float(counted[1]) == 20
        process.terminate()
        lines = [json.loads(line) for line in process.stderr if line.startswith("{")]
    told = [line for line in lines if line["path"] == "/api/items/100"]
    assert len(told) == 20
    assert {line["status"] for line in told} == {200}
    assert set(told[0]) == {"time", "client", "method", "path", "status", "milliseconds"}


def test_a_token_from_the_environment(folder):
    with serving(folder, PALATE_TOKEN="abc") as (address, _):
        assert httpx.get(f"{address}/api/model").status_code == 401
        good = {"authorization": "Bearer abc"}
        assert httpx.get(f"{address}/api/model", headers=good).status_code == 200


def test_a_body_that_does_not_come(folder):
    with serving(folder) as (address, _):
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(
                b"POST /api/recommendations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Length: 99\r\n\r\n{"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("token", ["s\u00e9cret", "two words"])
def test_a_token_that_no_header_can_hold(folder, token):
    done = explore(str(folder), PALATE_TOKEN=token)
    assert done.returncode == 1
    assert "PALATE_TOKEN" in done.stderr


def explore(*arguments, **environment):
    command = [sys.executable, "-m", "palate", "explore", *arguments, "--no-browser"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_no_model_and_a_port_that_is_taken(folder, tmp_path):
    done = explore(str(tmp_path))
    assert done.returncode == 1
    assert "there is no model" in done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = explore(str(folder), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another --port" in done.stderr


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "plotly"])
def test_without_the_extra_the_command_says_what_to_install(folder, missing):
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
    frame = bayes.explore(height=500)
    assert frame.height == 500
    for _ in range(100):
        try:
            page = httpx.get(frame.src)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    assert page.status_code == 200
    model = httpx.get(f"{frame.src}api/model").json()
    assert model["items"] == bayes.items.height
    assert isinstance(bayes, palate.Model)
