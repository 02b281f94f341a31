"""The service under load: requests per second, latency and memory, with two workers.

    python benchmarks/serve.py

It requires pip install 'palate[web]', and wrk on the same machine (Debian: apt-get install wrk).
"""

import tempfile
from pathlib import Path

from _common import parse_arguments, surroundings
from _service import memory_mb, require_wrk, run_wrk, serving, wrk_script

import palate

WARM_UP_SECONDS, SECONDS, CONNECTIONS, WORKERS = 5, 30, 16, 2
RATINGS = {100: 5, 313: 2, 50: 4, 127: 5, 181: 4, 174: 4, 1: 3, 121: 2, 286: 4, 98: 5}
BODY = {"ratings": [{"item": item, "rating": rating} for item, rating in RATINGS.items()], "n": 10}


def main() -> None:
    require_wrk()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        palate.fit(palate.movielens("100k")).save(folder)
        script = wrk_script(Path(scratch) / "post.lua", BODY)
        with serving(folder, "--workers", str(WORKERS)) as (server, pid):
            address = f"{server}/api/recommendations"
            run_wrk(script, address, WARM_UP_SECONDS, CONNECTIONS)
            before = memory_mb(pid)
            print(run_wrk(script, address, SECONDS, CONNECTIONS).strip())
            after = memory_mb(pid)
            print(f"memory of all processes: {before:.0f} MB before, {after:.0f} MB after")


if __name__ == "__main__":
    parse_arguments(__doc__)
    print(surroundings("fastapi", "uvicorn", "pydantic"))
    main()
