"""A service in processes of its own, its memory, and wrk, which puts it under load."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Run `palate explore`; yield its address and the id of its process once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "palate", "explore", str(folder), "--no-browser"]
    with subprocess.Popen(
        [*command, "--port", str(port), *options], stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_until_up(f"http://127.0.0.1:{port}/healthz")
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()


def require_wrk() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")


def wrk_script(path: Path, body: Mapping[str, Any]) -> Path:
    """Write a script for wrk that posts a body, as a browser would, and return its path."""
    path.write_text(
        f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
wrk.body = '{json.dumps(body)}'
"""
    )
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(address: str) -> None:
    for _ in range(3000):
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.01)
    sys.exit("the server did not start")


def run_wrk(script: Path, address: str, seconds: int, connections: int) -> str:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    return subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout


def memory_mb(parent: int) -> float:
    """Return the proportional set size of a process and its children, in megabytes."""
    return sum(_kilobytes(pid, "Pss") for pid in (str(parent), *_children(parent))) / 1000


def workers_mb(parent: int) -> list[float]:
    """Return the memory that each worker shares with no file, in megabytes."""
    workers = [
        pid
        for pid in _children(parent)
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return [_kilobytes(pid, "Anonymous") / 1000 for pid in workers]


def _children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def _kilobytes(pid: str, kind: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{kind}: +(\d+)", rollup, re.M)[1])
