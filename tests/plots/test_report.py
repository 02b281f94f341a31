"""The report as a reader sees it: in a browser, without a network, on any screen."""

import html
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from plotly.offline import get_plotlyjs

import palate
import palate.plots

from ..conftest import visited

SCREENS = [(1440, 900), (768, 1024), (390, 844), (360, 740)]
DESKTOP = SCREENS[0]
# A size and a colour scheme each; all tests of the report on one of them share its page.
SHOWN = {
    **{str(width): ((width, height), "light") for width, height in SCREENS},
    "dark": (DESKTOP, "dark"),
}


@pytest.fixture(scope="module")
def own_tab(browser):
    """Return a tab for `screen`, which stays open while other tests use the shared one."""
    return browser.new_page()


@pytest.fixture(scope="module", params=SHOWN.values(), ids=SHOWN)
def screen(request, written, own_tab):
    """Return the report on a screen, with everything disclosed, and the width of the screen."""
    size, scheme = request.param
    with opened(own_tab, written, size, scheme) as page:
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        yield page, size[0]


@contextmanager
def opened(tab, path, size=(1440, 900), scheme="light"):
    """Open a report offline; any request and any message on the console fails the test.

    All are shown under one name, for which the browser compiles Plotly once.
    """
    url = Path(shutil.copyfile(path, path.with_name("shown.html"))).as_uri()
    tab.context.set_offline(True)
    try:
        with visited(tab, url, size, scheme) as requests:
            tab.wait_for_function(DRAWN)
            yield tab
            assert requests == [url]
    finally:
        tab.context.set_offline(False)


MAP_HAS_WIDTH = (
    "width => document.querySelector('#map .main-svg').getBoundingClientRect().width === width"
)
DRAWN = """[...document.querySelectorAll('.canvas')].every(c => c.querySelector('.main-svg'))"""


def prose(path):
    """Return the text of a report: no tags, no scripts."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", path.read_text(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def test_titles_are_not_cut_off(screen):
    page, _ = screen
    right = "getBoundingClientRect().right"
    cut = page.evaluate(
        "[...document.querySelectorAll('.main-svg .gtitle')].filter(title => "
        f"title.{right} > title.closest('.canvas').{right} + 1).map(title => title.textContent)"
    )
    assert cut == []


def test_it_is_one_small_file_with_plotly_once(written):
    page = written.read_text()
    assert written.stat().st_size < 8_000_000
    assert page.count("plotly.js v") == 1
    rest = page.replace(get_plotlyjs(), "")
    assert len(rest) < 1_500_000
    assert not re.search(r"https?:|//cdn|\ssrc=|<link|@import|url\(", rest)


def test_every_figure_has_a_title_and_named_axes(screen):
    page, _ = screen
    figures = page.locator(".figure").evaluate_all(NAMES)
    assert len(figures) >= 12
    for title, label, panels, named in figures:
        assert title
        assert " ".join(label.split())[:10] in title
        assert named == panels


NAMES = """all => all.map(figure => [
    figure.querySelector('.gtitle').textContent,
    figure.getAttribute('aria-label'),
    figure.querySelectorAll('.subplot').length,
    figure.querySelectorAll("[class^='x'][class$='title']").length,
])"""


def test_the_page_never_scrolls_sideways(screen):
    page, width = screen
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    ends = "[...document.querySelectorAll('.main-svg')].map(e => e.getBoundingClientRect().right)"
    assert max(page.evaluate(ends)) <= width


def test_figures_follow_the_window(written, tab):
    with opened(tab, written) as page:
        for width, expected in ((1440, 920), (390, 358), (1440, 920)):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(MAP_HAS_WIDTH, arg=expected)


@pytest.mark.parametrize("part", ["#map", "#biases", "#popularity"])
def test_labels_never_overlap(screen, part):
    page, _ = screen
    # Chromium counts the halo around text, and more than is drawn of it.
    page.add_style_tag(content=".annotation-text { stroke: none !important }")
    figure = page.locator(f"{part} .figure").last
    labels = [label.bounding_box() for label in figure.locator(".annotation-text").all()]
    outer = figure.bounding_box()
    assert len(labels) >= 4
    for number, one in enumerate(labels):
        assert one["x"] >= outer["x"]
        assert one["x"] + one["width"] <= outer["x"] + outer["width"]
        assert not any(overlap(one, other) for other in labels[:number])


def overlap(one, other):
    return all(
        one[start] < other[start] + other[length] and other[start] < one[start] + one[length]
        for start, length in (("x", "width"), ("y", "height"))
    )


def test_text_is_readable_in_light_and_in_dark(screen, request):
    page, _ = screen
    scheme = request.node.callspec.params["screen"][1]
    behind = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert (behind > 0.8) == (scheme == "light")
    for selector, what in TEXTS:
        script = f"all => [...new Set(all.map(e => getComputedStyle(e).{what}))]"
        colours = page.locator(selector).evaluate_all(script)
        assert colours, selector
        for colour in colours:
            low, high = sorted((behind, luminance(colour)))
            assert (high + 0.05) / (low + 0.05) >= 4.5, selector


TEXTS = [
    *(("p:not(.note)", "color"), ("h1, h2, h3", "color"), ("td, th, dt, dd, small", "color")),
    *(("figcaption, summary, nav a", "color"), (".canvas text", "fill")),
]


def luminance(colour):
    channels = np.array(re.findall(r"\d+", colour)[:3], dtype=float) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("size", SCREENS[::2], ids=["1440", "390"])
def test_titles_are_shown_as_text(hostile, folder, tab, size):
    path = palate.plots.report(hostile, folder / "report.html")
    with opened(tab, path, size) as page:
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size[0]
        cells = {
            " ".join(cell.split()) for cell in page.locator("td:first-child").all_inner_texts()
        }
        for title in hostile.items["item"]:
            shown = " ".join(title.split())
            assert any(cell.startswith(shown) for cell in cells), title
        data = page.locator(".figure script").evaluate_all("all => all.map(e => e.textContent)")
        assert not any("<" in part for part in data)
        drawn = " ".join(page.locator(".canvas text").all_text_contents())
        assert "<b>bold</b> &" in drawn
        assert "<i>one</i>" in drawn
        assert page.locator(".canvas a, main img, main a").count() == 0


def test_it_describes_the_model_and_what_it_learned(bayes, written):
    text = prose(written)
    for part in ("1,682", "943", "100,000", bayes.fit.source_name, "Gibbs sampling", "sweeps 60"):
        assert part in text
    assert f"by Palate {palate.__version__}" in text
    assert "palate report MODEL --evaluate" in text
    assert bayes.biases()["item"][0].split(" (")[0] in text
    assert bayes.biases("gap")["reason"][0].split(" (")[0] in text
    page = written.read_text()
    for axis in bayes.axes(1)["axis"]:
        assert (f'aria-label="Axis {axis}: ' in page) == (axis <= bayes.axis_names.in_view)


@pytest.mark.parametrize(("name", "report"), [("bayes", "written"), ("model", "written_point")])
def test_popularity_beyond_taste_is_listed(request, name, report):
    fitted, page = request.getfixturevalue(name), request.getfixturevalue(report).read_text()
    section = page.partition('<section id="popularity">')[2].partition("</section>")[0]
    table = fitted.popularity()
    for title, listed in (
        ("Picked often, liked little", table.filter(contrast="picked often, liked little")),
        ("Picked rarely, well liked", table.filter(contrast="picked rarely, well liked").reverse()),
    ):
        rows = section.partition(f">{title}</h3>")[2].partition("</table>")[0]
        cells = [html.unescape(cell) for cell in re.findall(r"<tr><td>(.*?)</td>", rows)]
        assert cells == listed["item"].head(10).to_list()
        assert f"{listed['beyond_taste'][0]:.2f}" in rows
    assert "at least 20 ratings" in section


def test_popularity_without_a_contrast_is_said(small, folder):
    fitted = palate.Gibbs(sweeps=20, burn_in=5).fit(small)
    assert fitted.popularity()["contrast"].is_null().all()
    text = prose(palate.plots.report(fitted, folder / "none.html"))
    assert text.count("None of the items is certain to be so.") == 2


def test_the_portrayed_user(bayes, written, written_196, folder):
    counts = np.bincount(bayes.ratings.user)
    median = int(np.median(counts))
    assert f" gave {median} ratings." in prose(written)
    text = prose(written_196)
    assert "User 196 gave 39 ratings." in text
    assert bayes.user(196).recommend(1)["item"][0].split(" (")[0] in text
    with pytest.raises(palate.UnknownIdError, match="no user 1000"):
        palate.plots.report(bayes, folder / "nobody.html", user=1000)
    assert not (folder / "nobody.html").exists()


def test_a_change_that_changes_nothing_is_not_mentioned(bayes, written_196, folder, monkeypatch):
    change = bayes.user(196).explain(bayes.user(196).recommend(1)["id"][0])
    other = change.counterfactual["prediction"]
    assert f"would be {other:.2f} instead of {change.prediction:.2f}" in prose(written_196)
    monkeypatch.setattr("palate.plots._report._user.LEAST_SHOWN", 10)
    path = palate.plots.report(bayes, folder / "change.html", user=196)
    assert "The change with the largest effect" not in prose(path)


def test_an_evaluation_is_shown_beside_the_baselines(model, ml100k, folder):
    evaluation = palate.evaluate(ml100k, palate.OneCycle(), split="random")
    path = palate.plots.report(model, folder / "evaluated.html", evaluation=evaluation)
    text = prose(path)
    assert "--evaluate" not in text
    for name in ("One-cycle training", "Damped means of items and users", "The global mean",
                 "Popularity", "Item neighbours"):  # fmt: skip
        assert name in text
    assert f"{evaluation.results[0]['rmse']:.3f}" in text
    assert f"Caution: {evaluation.warning}." in text
    assert path.read_text().count('<tr class="own"><td>One-cycle training</td>') == 1


def test_the_report_of_a_point_estimate_has_no_intervals(written_point, tab):
    assert "This model is a point estimate" in prose(written_point)
    with opened(tab, written_point) as page:
        assert page.locator("#biases .errorbar").count() == 0
        cells = page.locator("#popularity td:nth-child(4)").all_inner_texts()
        assert set(cells) == {"\N{EN DASH}"}


def test_the_report_of_a_model_without_users(bayes, folder, tab):
    bayes.save(folder / "model", users=False)
    alone = palate.load(folder / "model")
    path = palate.plots.report(alone, folder / "report.html")
    assert prose(path).count("saved without its users") == 4
    assert "no user to portray" in prose(path)
    with opened(tab, path) as page:
        assert page.locator("#axes .main-svg").count() > 0
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        palate.plots.report(alone, folder / "report.html", user=196)


def test_the_report_of_a_model_without_item_features(bayes, folder, tab, altered):
    bare = altered(bayes, items=bayes.items.select("id", "item"))
    path = palate.plots.report(bare, folder / "report.html")
    assert prose(path).count("Only the ids and titles of the items are known") == 2
    assert "colours show the bias" in prose(path)
    with opened(tab, path) as page:
        assert page.locator("#map .main-svg").count() > 0


@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("solver", [palate.OneCycle, palate.Gibbs])
def test_the_smallest_tables_have_a_report(small, folder, tab, solver, factors):
    fitted = solver(factors=factors).fit(small)
    with opened(tab, palate.plots.report(fitted, folder / "report.html")) as page:
        assert page.locator("section").count() == 9


def test_an_empty_history_and_an_interrupted_fit_are_mentioned(model, folder, altered):
    odd = altered(model, fit=replace(model.fit, history=[], interrupted=True))
    text = prose(palate.plots.report(odd, folder / "odd.html"))
    assert "This model has no history of its fit" in text
    assert "The fit was interrupted" in text


def test_a_user_who_has_rated_all_items_has_no_recommendations(folder):
    table = pl.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 2], "rating": [1, 5, 4, 2]})
    fitted = palate.Gibbs(sweeps=10, burn_in=2).fit(palate.read_ratings(table))
    assert "nothing is left" in prose(palate.plots.report(fitted, folder / "all.html"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".", "is a folder; name the file"),
        ("nowhere/report.html", "there is no folder .*nowhere"),
        ("file/report.html", "there is no folder .*file"),
        ("a\0b.html", "cannot be written"),
        (f"{'x' * 300}.html", "cannot be written"),
    ],
)
def test_a_path_that_cannot_be_written_is_rejected(hostile, tmp_path, path, message):
    (tmp_path / "file").touch()
    with pytest.raises(palate.SettingError, match=message):
        palate.plots.report(hostile, tmp_path / path)


def test_arguments_of_other_types_are_rejected(hostile, tmp_path):
    for arguments, message in (
        (("model", tmp_path / "r.html"), "is not a model"),
        ((hostile, 3), "is not a path"),
    ):
        with pytest.raises(palate.SettingError, match=message):
            palate.plots.report(*arguments)
    with pytest.raises(palate.SettingError, match="is not an evaluation"):
        palate.plots.report(hostile, tmp_path / "r.html", evaluation={})


def test_after_a_failure_the_old_file_remains(hostile, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(palate.SettingError, match="No space left"):
            palate.plots.report(hostile, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert palate.plots.report(hostile, str(path)) == path
    assert path.read_text().startswith("<!doctype html>")
