"""Fixtures: the real MovieLens 100k, models of it and of hostile titles, and a browser.

Tests run in several processes at once (pytest-xdist, see pyproject.toml), each with fixtures of
its own. The slowest are computed by one process for all (see `once`).
"""

import contextlib
import gc
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

# Several processes with several BLAS threads each would wait for each other by spinning. NumPy and
# PyTorch read this when they are imported, in child processes too.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import palate

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<b>bold</b> & \"double\" 'single' $x^2$ %{x} &amp; &lt;",
    '<a href="javascript:window.hacked=1">a link</a>',
    "\u202eright to left\u202c and a\nnew\tline \N{SNOWMAN}",
    "映画" * 60,
    "x",
]

# Files and folders with tests of many seconds. One that starts last would keep a single process
# busy at the end. Those in Spark come together, so that one session, slow to start, is enough.
FIRST = ["spark", "test_example.py", "test_process.py", "test_demo_command.py"]

# A process that runs out of tests takes some from the end of what the other has left. These need
# no model, server or browser, which it would have to make once more.
LAST = ["data", "native"]

# After so many seconds it is assumed that the process that computes a fixture has died.
PATIENCE = 120


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fetch MovieLens, if need be, before the workers of pytest-xdist would do so at once."""
    if session.config.getoption("numprocesses", None):  # this is the process that starts workers
        with contextlib.suppress(palate.DownloadError):
            palate.movielens("100k")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest tests start first and the lightest last; all others stay in their order."""

    def place(item: pytest.Item) -> int:
        folder, file = item.path.parts[-2:]
        is_light = folder in LAST
        found = (place for place, name in enumerate(FIRST) if name in {folder, file})
        return next(found, len(FIRST) + is_light)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Leave what is imported out of the garbage collector's searches, 5% of the time."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let it find all at the end; nanobind reports what it does not."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def default_sigint() -> Iterator[None]:
    """Handle SIGINT as Python does by default, also where the parent process ignores it.

    A shell without job control, for instance, ignores it in what it starts by ``pytest &``. Child
    processes inherit what is set here, too.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], Any]], Any]:
    """Return a function that computes a value in one process of this run, for all of them.

    It takes a name and a function without arguments. The value is passed on by pickle, which keeps
    it as it is: from a saved model, what the file format loses would be missing everywhere.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def _once(name: str, compute: Callable[[], Any]) -> Any:
        path, claim = folder / f"{name}.pickle", folder / f"{name}.claim"
        try:
            claim.mkdir()
        except FileExistsError:
            deadline = time.monotonic() + PATIENCE
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            return pickle.loads(path.read_bytes()) if path.exists() else compute()
        value = compute()
        path.with_suffix(".part").write_bytes(pickle.dumps(value))
        path.with_suffix(".part").replace(path)
        return value

    return _once


@pytest.fixture(scope="session")
def ml100k() -> palate.Ratings:
    return palate.movielens("100k")


@pytest.fixture(scope="session")
def model(ml100k: palate.Ratings) -> palate.Model:
    return palate.OneCycle().fit(ml100k)


@pytest.fixture(scope="session")
def default(ml100k: palate.Ratings, once: Callable[..., Any]) -> palate.Model:
    """Return the model of MovieLens 100k that one gets without any setting."""
    return once("default", lambda: palate.fit(ml100k))


@pytest.fixture
def fit_default_once(
    ml100k: palate.Ratings, default: palate.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let code that fits MovieLens 100k without any setting get the model of all tests."""
    fit = palate.fit
    monkeypatch.setattr(palate, "movielens", lambda _: ml100k)

    def fit_unless_known(ratings: Any, *arguments: Any, **options: Any) -> palate.Model:
        known = ratings is ml100k and not arguments and not options
        return default if known else fit(ratings, *arguments, **options)

    monkeypatch.setattr(palate, "fit", fit_unless_known)


@pytest.fixture(scope="session")
def bayes(ml100k: palate.Ratings, once: Callable[..., Any]) -> palate.Model:
    """Return a model of all of MovieLens 100k with intervals."""
    return once("bayes", lambda: palate.Gibbs(sweeps=60, burn_in=20).fit(ml100k))


@pytest.fixture(scope="session")
def choice(ml100k: palate.Ratings, once: Callable[..., Any]) -> palate.Model:
    """Return a model of what people pick, from the ratings of MovieLens 100k."""
    return once("choice", lambda: palate.Choice().fit(ml100k))


@pytest.fixture(scope="session")
def both(bayes: palate.Model, choice: palate.Model) -> palate.Model:
    """Return a model of what people pick and how they like it, whose lists weigh both."""
    chosen = replace(choice.learned.choice, rating_power=0.5)
    return palate.Model(replace(bayes.learned, choice=chosen))


@pytest.fixture(scope="session")
def events(ml100k: palate.Ratings, once: Callable[..., Any]) -> palate.Model:
    """Return a model of what people pick, from MovieLens 100k without its ratings."""
    frame = ml100k.frame().select("user", "item", "timestamp")
    items = ml100k.items.rename({"id": "item", "item": "title"})
    return once("events", lambda: palate.fit(palate.read_ratings(frame, items=items)))


@pytest.fixture(scope="module", params=["model", "bayes"])
def either(request: pytest.FixtureRequest) -> palate.Model:
    """Return a point estimate, and then a model with intervals."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def ratings_of() -> Callable[..., dict[int, float]]:
    """Return a function that lists the ratings of a user of a MovieLens model by item id."""

    def _ratings_of(model: palate.Model, user: int) -> dict[int, float]:
        own = model.ratings.user == user - 1
        ids = model.items["id"].to_numpy()[model.ratings.item[own]]
        return dict(zip(ids.tolist(), model.ratings.rating[own].tolist(), strict=True))

    return _ratings_of


@pytest.fixture(scope="session")
def altered() -> Callable[..., palate.Model]:
    """Return a function that makes a copy of a model with other data behind it."""

    def _altered(
        model: palate.Model,
        *,
        likelihood: Any = None,
        item_covariances: NDArray[np.float32] | None = None,
        **data: Any,
    ) -> palate.Model:
        parameters = model.learned.rating_parameters
        if likelihood is not None:
            parameters = replace(parameters, likelihood=likelihood)
        if item_covariances is not None:
            posterior = parameters.item_posterior
            covariances = replace(posterior.covariances, values=item_covariances)
            posterior = replace(posterior, covariances=covariances)
            parameters = replace(parameters, item_posterior=posterior)
        return palate.Model(replace(model.learned, rating_parameters=parameters, **data))

    return _altered


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes text or bytes to a file of the given name."""

    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


@pytest.fixture
def small() -> palate.Ratings:
    """Five users, four items, text ids; bob has rated nothing but tea."""
    table = pl.DataFrame(
        {
            "user": ["ann", "ann", "ann", "bob", "cat", "cat", "dan", "dan", "eve", "eve"],
            "item": ["tea", "rum", "ale", "tea", "rum", "gin", "ale", "gin", "tea", "gin"],
            "rating": [5, 1, 2, 4, 5, 4, 3, 5, 4, 1],
            "timestamp": [10, 20, 30, 5, 7, 7, 40, 50, 60, 55],
        }
    )
    return palate.read_ratings(table)


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium to read pages in: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=30_000)
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def tab(browser):
    """Return the tab that the tests share. A new one would start a process."""
    return browser.new_page()


@contextlib.contextmanager
def visited(tab, url, size=(1440, 900), scheme="light"):
    """Load a page as a new tab would, and yield the URLs that it requests.

    Check at the end that it logged nothing, and leave nothing of it in the tab.
    """
    requests, messages = [], []
    listeners = {
        "request": lambda request: requests.append(request.url),
        "console": lambda message: messages.append(message.text),
        "pageerror": lambda error: messages.append(str(error)),
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    tab.emulate_media(color_scheme=scheme)
    try:
        tab.goto(url)
        yield requests
    finally:
        tab.evaluate("sessionStorage.clear()")
        tab.mouse.move(0, 0)
        tab.goto("about:blank")
        for event, listener in listeners.items():
            tab.remove_listener(event, listener)
    assert messages == []


@pytest.fixture(scope="session")
def hostile() -> palate.Model:
    """Return a model of items whose titles and kinds a browser would run if it read them."""
    rated = [(u, i, 1 + (u * i + u) % 5) for u in range(30) for i in range(len(HOSTILE))]
    ratings = pl.DataFrame(rated, schema=["user", "item", "rating"], orient="row")
    items = pl.DataFrame(
        {
            "item": range(len(HOSTILE)),
            "title": HOSTILE,
            "kind": ["<i>one</i>", "</script>", "<i>one</i>", "</script>", "$a$", "$a$", None],
        }
    )
    return palate.Gibbs(sweeps=12, burn_in=4).fit(palate.read_ratings(ratings, items=items))
