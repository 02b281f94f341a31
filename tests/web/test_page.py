"""The page, driven in a real browser as a person would."""

import contextlib
import os
import re
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import expect

from .conftest import DESK, PHONE, VIEWS, serving


@contextlib.contextmanager
def opened(browser, address, where="#/", **settings):
    """Open the page; in the end it must have said nothing and asked nobody else."""
    context = browser.new_context(**{"viewport": DESK} | settings)
    page, complaints, asked = context.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    try:
        go(page, address, where)
        yield page
    finally:
        context.close()
    ours = urlparse(address).netloc
    assert not [url for url in asked if urlparse(url).netloc not in ("", ours)]
    assert complaints == []


def go(page, address, where):
    page.goto(f"{address}/{where}")
    page.wait_for_selector("main:not([aria-busy])")


def first_recommendation(page):
    return page.locator('[data-list="recommendations"] li a').first.inner_text()


def test_the_overview_says_what_it_is_and_how_good(browser, address):
    with opened(browser, address) as page:
        assert "943 people" in page.locator("h1").inner_text().replace("\n", " ")
        assert page.get_by_text("Action, newer").first.is_visible()
        page.get_by_text("This model").first.wait_for(timeout=60_000)
        page.get_by_role("link", name="Items", exact=True).click()
        page.wait_for_url("**#/items*")
        expect(page).to_have_title(re.compile("^Items"))


def test_search_open_and_sort(browser, address):
    with opened(browser, address, "#/items") as page:
        page.get_by_label("Search titles").fill("fargo")
        row = page.locator("table tbody tr")
        expect(row).to_have_count(1)
        assert "Fargo (1996)" in row.inner_text()
        assert "search=fargo" in page.url
        row.get_by_role("link").click()
        page.get_by_role("heading", name="Fargo (1996)", level=1).wait_for()
        page.go_back()
        expect(row).to_have_count(1)
        page.get_by_label("Search titles").fill("")
        expect(row).to_have_count(30)
        page.get_by_role("button", name=re.compile("^Mean")).click()
        page.wait_for_selector("th[aria-sort=descending] >> text=Mean")
        expect(page.locator(".results[aria-busy=true]")).to_have_count(0)
        means = [float(text) for text in page.locator("tbody tr td:nth-child(3)").all_inner_texts()]
        assert means == sorted(means, reverse=True)
        assert means[0] == 5


def test_one_item_says_where_its_mean_comes_from(browser, address):
    with opened(browser, address, "#/item/50") as page:
        assert page.locator("h1").inner_text() == "Star Wars (1977)"
        for part in ("Habits of its raters", "Tastes of its raters", "Residual"):
            assert page.get_by_text(part).first.is_visible()
        page.get_by_role("link", name="Empire Strikes Back, The (1980)").click()
        page.get_by_role("heading", name="Empire Strikes Back, The (1980)", level=1).wait_for()
        page.get_by_role("link", name="Rate it").click()
        page.wait_for_url("**#/try*")
        assert (
            "Empire Strikes Back" in page.locator('[data-list="questions"] li').first.inner_text()
        )


def test_rating_five_changes_the_list_and_the_link_can_be_shared(browser, address):
    with opened(browser, address, "#/try") as page:
        page.wait_for_selector('[data-list="questions"] li')
        page.wait_for_selector('[data-list="recommendations"] li')
        tops, widths = {first_recommendation(page)}, [taste_width(page)]
        for _ in range(5):
            answered = page.locator('[data-list="rated"] li').count()
            question = page.locator('[data-list="questions"] li').first
            question.get_by_role("button", name="1 of 5").click()
            expect(page.locator('[data-list="rated"] li')).to_have_count(answered + 1)
            expect(page.locator("[data-list][aria-busy=true]")).to_have_count(0)
            page.wait_for_timeout(200)
            tops.add(first_recommendation(page))
            widths.append(taste_width(page))
        assert len(tops) > 1
        assert widths[-1] < 0.9 * widths[0]
        shared, last = page.url, first_recommendation(page)
    with opened(browser, address, f"#{shared.partition('#')[2]}") as page:
        page.wait_for_selector('[data-list="recommendations"] li')
        assert page.locator('[data-list="rated"] li').count() == 5
        assert first_recommendation(page) == last


def taste_width(page):
    """Return how wide the interval on the first axis is, from what is said beside it."""
    line = page.locator("li.axis-line", has_text="Axis 1").first.locator("small")
    low, high = line.inner_text().replace("\N{MINUS SIGN}", "-").split(" to ")
    return float(high) - float(low)


def test_what_one_has_not_seen_is_not_asked_again_and_why_opens(browser, address):
    with opened(browser, address, "#/try?r=100:5") as page:
        page.wait_for_selector('[data-list="questions"] li')
        first = page.locator('[data-list="questions"] li').first
        title = first.locator("strong").inner_text()
        first.get_by_role("button", name=re.compile("not seen")).click()
        questions = page.locator('[data-list="questions"] li')
        expect(questions.filter(has_text=title)).to_have_count(0)
        expect(questions).to_have_count(3)
        why = page.get_by_role("button", name=re.compile("^Why")).first
        why.click()
        page.get_by_text("You are expected to give").first.wait_for()
        assert why.get_attribute("aria-expanded") == "true"


def test_the_search_box_works_from_the_keyboard(browser, address):
    with opened(browser, address, "#/try") as page:
        page.get_by_role("combobox", name="Add a title").focus()
        page.keyboard.type("casabl")
        page.wait_for_selector("[role=option] >> visible=true")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator('[data-list="questions"] li').first).to_contain_text("Casablanca")


def test_the_map_shows_finds_and_changes(browser, address):
    with opened(browser, address, "#/map") as page:
        page.wait_for_selector(".plotly .scatterlayer, .js-plotly-plot canvas, .gl-canvas")
        page.get_by_label("Up").select_option("bias")
        page.wait_for_url("**y=bias*")
        box = page.get_by_role("form").get_by_role("combobox", name="Find a title")
        box.fill("fargo")
        page.wait_for_selector("[role=option] >> visible=true")
        box.press("Enter")
        page.wait_for_url("**find=100*")


def test_a_selection_on_the_map_gives_way_to_what_is_looked_for(browser, address):
    with opened(browser, address, "#/map") as page:
        listed = page.locator('[data-list="map"] h2')
        expect(listed).to_contain_text("in view")
        page.get_by_role("button", name="Lasso").click()
        box = page.locator(".plot").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x - 150, y - 150)
        page.mouse.down()
        for dx, dy in ((150, -150), (150, 150), (-150, 150), (-150, -150)):
            page.mouse.move(x + dx, y + dy, steps=5)
        page.mouse.up()
        expect(listed).to_contain_text("selected")
        find = page.get_by_role("form").get_by_role("combobox", name="Find a title")
        find.fill("the godfather")
        page.wait_for_selector("[role=option] >> visible=true")
        find.press("Enter")
        expect(listed).to_contain_text("in view")
        expect(page.locator(".name.marked")).to_contain_text("Godfather")


def test_a_known_user(browser, address):
    with opened(browser, address, "#/user/196") as page:
        assert "196" in page.locator("h1").inner_text()
        assert page.locator("ol.recommendations li").count() > 5


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_view_fits_and_everybody_can_use_it(browser, address, view, scheme, size):
    axe = os.environ.get("PALATE_TEST_AXE")
    if axe is None:
        pytest.skip("set PALATE_TEST_AXE to axe.min.js of the package axe-core (npm pack axe-core)")
    with opened(browser, address, VIEWS[view], color_scheme=scheme, viewport=size) as page:
        page.wait_for_timeout(500)
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
        page.evaluate(Path(axe).read_text(encoding="utf-8") + ";0")
        found = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], one["impact"]) for one in found if one["impact"] in SERIOUS] == []


SERIOUS = ("serious", "critical")


def test_a_point_estimate_has_no_intervals_and_says_nothing_of_them(browser, point):
    with serving(point) as (address, _), opened(browser, address, "#/try?r=100:5") as page:
        page.wait_for_selector('[data-list="recommendations"] li')
        assert page.get_by_text("Surer things first").count() == 0
        go(page, address, "#/items")
        page.wait_for_selector("tbody tr")


def test_titles_that_a_browser_would_run_are_text(browser, hostile, tmp_path):
    hostile.save(tmp_path / "m")
    with serving(tmp_path / "m") as (address, _):
        for where in ("#/", "#/items", "#/map", "#/item/0", "#/try?r=0:5,1:1", "#/user/3"):
            with opened(browser, address, where) as page:
                page.wait_for_timeout(300)
                assert page.evaluate("window.hacked") is None


def test_a_token_is_asked_for_and_kept_for_the_tab(browser, folder):
    with serving(folder, PALATE_TOKEN="abc") as (address, _):
        context = browser.new_context(viewport=DESK)
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Token", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not accepted")
        page.get_by_label("Token", exact=True).fill("abc")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("943 people")
        context.close()


def test_the_first_view_takes_less_than_a_second_and_does_not_jump(browser, address):
    with opened(browser, address) as page:
        page.reload()
        page.wait_for_selector("main:not([aria-busy])")
        page.wait_for_timeout(1500)
        jumps = page.evaluate(
            "new Promise(done => new PerformanceObserver(list => done(list.getEntries()"
            ".reduce((sum, entry) => sum + entry.value, 0)))"
            ".observe({type: 'layout-shift', buffered: true})"
            " || setTimeout(() => done(0), 500))"
        )
        assert jumps < 0.1
