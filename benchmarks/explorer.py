"""The explorer at 10,000 and at 100,000 items: start, calls, views, load and memory.

    python benchmarks/explorer.py                    both catalogues; some minutes for their fits
    python benchmarks/explorer.py --models FOLDER    keeps the fitted models there, and uses them;
                                                     four minutes if they are there
    python benchmarks/explorer.py --api              without the views in the browser

It requires pip install 'palate[web]' playwright, Chromium, and wrk on the same machine (Debian:
apt-get install chromium wrk).
"""

import json
import re
import shutil
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _catalogue import catalogue
from _common import parse_arguments, surroundings
from _service import require_wrk, run_wrk, serving, workers_mb, wrk_script

import palate

# Items, users and ratings of each catalogue.
SIZES = ((10_000, 6_000, 500_000), (100_000, 30_000, 3_000_000))
SOLVER = palate.Gibbs(factors=24, sweeps=40, burn_in=15)
RATED, WARM_CALLS, WORKERS, CONNECTIONS, SECONDS = 10, 5, 2, 16, 10
MEMORY_REQUESTS, MAX_ROUNDS = 20_000, 4
WARM_UP_SECONDS = 6
TYPED = "silent river"
# Notes when the title of a view appears, and when the last part of it that was loading has come.
SETTLE_MS = 1000
WATCH = """
const look = () => {
  const busy = document.querySelector('[aria-busy=true]');
  if (document.querySelector('main:not([aria-busy]) h1')) {
    window.titleAt ??= performance.now();
    if (busy) window.allAt = undefined;
    else window.allAt ??= performance.now();
  }
  requestAnimationFrame(look);
};
look();
"""


def main(models: Path, *, browser: bool) -> None:
    require_wrk()
    for size in SIZES:
        folder = models / f"{size[0]}-items"
        if not folder.exists():
            palate.fit(catalogue(*size), SOLVER).save(folder)
        model = palate.load(folder)
        print(f"\n{model!r}")
        popular = model.items["id"].to_numpy()[np.argsort(-model.learned.item_counts)]
        items = popular[: 20 * RATED : 20].tolist()
        del model
        api(folder, items)
        if browser:
            views(folder, items)
        load(folder, items, models)


def ratings(items: list[int]) -> dict[str, Any]:
    """Return a person as the API expects one, by ten ratings."""
    return {"ratings": [{"item": item, "rating": 5 - n % 3} for n, item in enumerate(items)]}


def api(folder: Path, items: list[int]) -> None:
    """Print when the server answers, and how long the first and later calls take, in order."""
    person = ratings(items)
    calls: dict[str, tuple[str, dict[str, Any] | None]] = {
        "model": ("model", None),
        "items": ("items?sort=lower", None),
        "items, filtered": ("items?where=genres%3DComedy&where=year%3D1990..1999", None),
        "item": (f"items/{items[0]}", None),
        "neighbours": (f"neighbours/{items[0]}", None),
        "neighbours of another": (f"neighbours/{items[1]}", None),
        "popularity": ("popularity", None),
        "map": ("map", None),
        "recommendations": ("recommendations", person),
        "recommendations, reasons": ("recommendations", person | {"reasons": True}),
        "next-questions": ("next-questions", person),
        "portraits": ("portraits", person),
        "explanations": ("explanations", person | {"item": items[1]}),
        "users": ("users", None),
        "user": ("users/1", None),
    }
    start = time.perf_counter()
    with serving(folder) as (address, _):
        print(f"{'answers after':28}{time.perf_counter() - start:8.2f} s")
        print(f"{'GET or POST /api/...':28}{'first':>8} {'later':>8} ms")
        for name, (path, body) in calls.items():
            cold, *warm = (
                milliseconds(lambda path=path, body=body: call(address, path, body))
                for _ in range(1 + WARM_CALLS)
            )
            print(f"{name:28}{cold:8.0f} {statistics.median(warm):8.0f}")
        typed = [
            milliseconds(lambda n=n: call(address, f"items?search={TYPED[:n].replace(' ', '+')}"))
            for n in range(1, len(TYPED) + 1)
        ]
        print(f"{'search-as-you-type':28}{max(typed):8.0f} {statistics.median(typed):8.0f} (max)")


def views(folder: Path, items: list[int]) -> None:
    """Print the time from the address of a view to its whole content, each from a new server."""
    from playwright.sync_api import sync_playwright

    rated = ",".join(f"{item}:{5 - n % 3}" for n, item in enumerate(items))
    addresses = {
        "overview": "#/",
        "items": "#/items",
        "item": f"#/item/{items[0]}",
        "map": "#/map",
        "try, ten ratings": f"#/try?r={urllib.parse.quote(rated, safe=':,')}",
        "users": "#/users",
        "user": "#/user/1",
    }
    print(f"{'view in Chromium':28}{'title':>8} {'all':>8} ms")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, fragment in addresses.items():
            with serving(folder) as (address, _):
                page = running.new_page(viewport={"width": 1440, "height": 900})
                page.add_init_script(WATCH)
                page.goto(f"{address}/{fragment}")
                page.wait_for_selector("main:not([aria-busy]) h1", timeout=120_000)
                page.wait_for_timeout(SETTLE_MS)
                page.wait_for_selector("[aria-busy=true]", state="detached", timeout=120_000)
                title, everything = page.evaluate("[window.titleAt, window.allAt]")
                print(f"{name:28}{title:8.0f} {everything:8.0f}")
                page.close()
        running.close()


def load(folder: Path, items: list[int], scratch: Path) -> None:
    """Print requests per second, their latency, and each worker's memory before and after them."""
    script = wrk_script(scratch / "post.lua", ratings(items) | {"n": 10})
    with serving(folder, "--workers", str(WORKERS)) as (server, pid):
        address, answered = f"{server}/api/recommendations", 0
        run_wrk(script, address, WARM_UP_SECONDS, CONNECTIONS)
        before = workers_mb(pid)
        for round_ in range(MAX_ROUNDS):
            output = run_wrk(script, address, SECONDS, CONNECTIONS)
            answered += int(re.search(r"(\d+) requests in", output)[1])
            if round_ == 0:
                found = (re.search(rf"{name}\s*(\S+)", output)[1] for name in ("50%", "99%"))
                rate = re.search(r"Requests/sec:\s*(\S+)", output)[1]
                print(f"recommendations: {rate} a second, median and 99%: {' / '.join(found)}")
            if answered >= MEMORY_REQUESTS:
                break
        after = workers_mb(pid)
        print(f"memory of each worker: {in_mb(before)}, after {answered:,} requests {in_mb(after)}")


def in_mb(sizes: list[float]) -> str:
    return " and ".join(f"{size:.0f}" for size in sizes) + " MB"


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def call(address: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    request = urllib.request.Request(
        f"{address}/api/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept-Encoding": "gzip"},
    )
    with urllib.request.urlopen(request) as response:
        return response.read()


if __name__ == "__main__":
    options = parse_arguments(
        __doc__, {"models": "where to keep the fitted models"}, api="without the browser"
    )
    print(surroundings("fastapi", "uvicorn", "starlette", "pydantic", "numpy"))
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(options.models or temporary), browser=not options.api)
