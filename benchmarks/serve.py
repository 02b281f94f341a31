"""The service under load: requests per second, latency and memory, with two workers.

    python benchmarks/serve.py

It requires pip install 'palate[web]', and wrk on the same machine (Debian: apt-get install wrk).
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from _common import parse_arguments, surroundings

import palate

WARM_UP_SECONDS, SECONDS, CONNECTIONS, WORKERS = 5, 30, 16, 2
RATINGS = {100: 5, 313: 2, 50: 4, 127: 5, 181: 4, 174: 4, 1: 3, 121: 2, 286: 4, 98: 5}
BODY = {"ratings": [{"item": item, "rating": rating} for item, rating in RATINGS.items()], "n": 10}
SCRIPT = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{json.dumps(BODY)}'
"""


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as scratch:
        folder, script = Path(scratch) / "model", Path(scratch) / "post.lua"
        palate.fit(palate.movielens("100k")).save(folder)
        script.write_text(SCRIPT)
        port = free_port()
        command = [sys.executable, "-m", "palate", "explore", str(folder), "--no-browser"]
        with subprocess.Popen(
            [*command, "--port", str(port), "--workers", str(WORKERS)], stderr=subprocess.DEVNULL
        ) as server:
            wait_until_up(f"http://127.0.0.1:{port}/healthz")
            address = f"http://127.0.0.1:{port}/api/recommendations"
            run_wrk(script, address, WARM_UP_SECONDS)
            before = memory_mb(server.pid)
            print(run_wrk(script, address, SECONDS).strip())
            after = memory_mb(server.pid)
            print(f"memory of all processes: {before:.0f} MB before, {after:.0f} MB after")
            server.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("the server did not start")


def run_wrk(script: Path, address: str, seconds: int) -> str:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script)]
    return subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout


def memory_mb(parent: int) -> float:
    """Return the proportional set size of a process and its children, in megabytes."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in (str(parent), *children)]
    return sum(int(re.search(r"^Pss: +(\d+)", text, re.M)[1]) for text in rollups) / 1000


if __name__ == "__main__":
    parse_arguments(__doc__)
    print(surroundings("fastapi", "uvicorn", "pydantic"))
    main()
