"""Take a screenshot of each view of the explorer, for each kind of data, size and colours.

python tests/web/screenshots.py FOLDER

The kinds are ratings with titles and metadata, ratings of ids alone, and events without ratings,
all from MovieLens 100k. Their models are fitted once, and kept in FOLDER/models. The screenshots
are FOLDER/KIND/VIEW-WIDTH-COLOURS.png.
"""

import contextlib
import shutil
import sys
from pathlib import Path

import polars as pl
from conftest import DESKTOP, PHONE, VIEWS, serving
from playwright.sync_api import Browser, Error, Page, sync_playwright

import palate

RATED, PICKED = "r=100:5,50:4,313:2", "r=100:1,50:1,313:1"
COMPARED = {
    "compare, items": "#/compare/items?a=50&b=181",
    "compare, people": "#/compare/people?a=196&b=405",
    "compare, begun": "#/compare/items?a=50",
}
TRIED = {
    "try, begun": f"#/try?{RATED}",
    "items, chosen": "#/items?id=50&id=100&id=268",
    "map, all": "#/map",
    "items, searched": "#/items?search=star",
    "items, nothing found": "#/items?search=zzzz",
}
# The addresses of each kind; what is typed in the field "Find a title" stands after a blank.
ADDRESSES = {
    "ratings": VIEWS | COMPARED | TRIED | {"suggestions": "#/ star", "no suggestion": "#/ zzzz"},
    "ids": VIEWS | COMPARED | TRIED | {"items": "#/items", "suggestions": "#/ 17"},
    "events": VIEWS
    | COMPARED
    | TRIED
    | {"items": "#/items", "try": "#/try", "try, begun": f"#/try?{PICKED}"},
}


def table(kind: str) -> palate.Ratings:
    """Return the ratings of a kind."""
    ratings = palate.movielens("100k")
    if kind == "ratings":
        return ratings
    if kind == "ids":
        columns = ["user", "item", "rating"]
        return palate.read_ratings(ratings.frame().select(pl.col(columns[:2]).cast(str), "rating"))
    items = ratings.items.rename({"id": "item", "item": "title"})
    return palate.read_ratings(ratings.frame().select("user", "item", "timestamp"), items=items)


def model_of(kind: str, folder: Path, solver: palate.OneCycle | None = None) -> Path:
    """Return the folder of a model of a kind, which is fitted if it is not there yet."""
    path = folder / "models" / (f"{kind}, one-cycle" if solver else kind)
    if not path.exists():
        palate.fit(table(kind), solver).save(path)
    return path


def pictures(page: Page, address: str, views: dict[str, str], folder: Path, colours: str) -> None:
    """Write a picture of each view in each size."""
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for view, state in views.items():
            fragment, _, typed = state.partition(" ")
            page.goto("about:blank")  # else only the fragment changes
            page.goto(f"{address}/{fragment}")
            page.wait_for_selector("main:not([aria-busy])")
            with contextlib.suppress(Error):  # an evaluation takes longer
                page.wait_for_selector("main:not(:has([aria-busy=true]))", timeout=5000)
            if typed:
                page.get_by_role("banner").get_by_role("combobox").fill(typed)
                page.wait_for_selector("[role=option]")
            page.wait_for_timeout(500)
            name = folder / f"{view}-{width}-{colours}.png"
            page.screenshot(path=name, full_page=not typed)
            print(name)


def in_colours(browser: Browser, address: str, views: dict[str, str], folder: Path) -> None:
    """Write the pictures in light and dark colours; say what the console says."""
    for colours in ("light", "dark"):
        page = browser.new_page(color_scheme=colours)
        page.on("console", lambda message: print(message.type, message.text, file=sys.stderr))
        page.on("pageerror", lambda error: print(error, file=sys.stderr))
        pictures(page, address, views, folder, colours)
        page.close()


def main(folder: Path) -> None:
    """Write the pictures of all kinds."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kind, views in ADDRESSES.items():
            with serving(model_of(kind, folder)) as (address, _):
                in_colours(browser, address, views, folder / kind)
        both = (model_of("ratings", folder), model_of("ratings", folder, palate.OneCycle()))
        with serving(*both) as (address, _):
            views = {"compare, models": f"#/compare?{RATED}"}
            in_colours(browser, address, views, folder / "ratings")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
