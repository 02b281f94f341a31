"""Fixtures: a browser, and models that lack this or that."""

import shutil

import polars as pl
import pytest

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


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium to read the report in: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


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
