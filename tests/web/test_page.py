"""The page in a real browser, operated as a person would."""

import contextlib
import re
from importlib.resources import files
from urllib.parse import urlparse

import pytest
from playwright.sync_api import expect

from palate.web._middleware import AccessSettings

from ..conftest import visited
from .conftest import DESKTOP, PHONE, VIEWS, serving_in_thread


@contextlib.contextmanager
def opened(tab, address, fragment="#/", size=DESKTOP):
    """Open the page; check at the end that it logged nothing and contacted no other host."""
    with visited(tab, f"{address}/{fragment}", size) as requests:
        tab.wait_for_selector(SHOWN)
        yield tab
    host = urlparse(address).netloc
    assert not [url for url in requests if urlparse(url).netloc not in ("", host)]


SHOWN = "main:not([aria-busy])"


def go(page, address, fragment):
    page.goto(f"{address}/{fragment}")
    page.wait_for_selector(SHOWN)


def recommendations(page):
    """Return the names in the list, in order."""
    return tuple(page.locator('[data-list="recommendations"] li a').all_inner_texts())


def first_recommendation(page):
    return page.locator('[data-list="recommendations"] li a').first.inner_text()


def test_the_overview_shows_the_model_and_its_evaluation(tab, address, bayes):
    with opened(tab, address) as page:
        assert "943 people" in page.locator("h1").inner_text().replace("\n", " ")
        low = bayes.axis_names.ends[0][0]
        expect(page.get_by_text(low).first).to_be_visible()
        page.get_by_role("button", name="Measure it").click()
        page.get_by_text("This model").first.wait_for(timeout=60_000)
        page.get_by_role("link", name="Items", exact=True).click()
        page.wait_for_url("**#/items*")
        expect(page).to_have_title(re.compile("^Items"))


def test_the_overview_shows_popularity_beyond_taste(tab, address, bayes):
    table = bayes.popularity()
    with opened(tab, address) as page:
        region = page.get_by_role("region", name="Picked often, picked rarely")
        often, rarely = (region.get_by_role("list").nth(place) for place in (0, 1))
        expect(often.get_by_role("link")).to_have_text(
            table.filter(contrast="picked often, liked little").head(5)["item"].to_list()
        )
        expect(often.get_by_role("listitem").first).to_contain_text(
            f"{table['beyond_taste'][0]:.2f} times"
        )
        expect(rarely.get_by_role("link")).to_have_text(
            table.filter(contrast="picked rarely, well liked").tail(5)["item"].to_list()[::-1]
        )


def test_search_open_and_sort(tab, address):
    with opened(tab, address, "#/items") as page:
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


def test_an_item_page_breaks_its_mean_down(tab, address):
    with opened(tab, address, "#/item/50") as page:
        assert page.locator("h1").inner_text() == "Star Wars (1977)"
        for part in ("Habits of its raters", "Tastes of its raters", "Residual"):
            expect(page.get_by_text(part).first).to_be_visible()
        page.get_by_role("link", name="Empire Strikes Back, The (1980)").click()
        page.get_by_role("heading", name="Empire Strikes Back, The (1980)", level=1).wait_for()
        page.get_by_role("radio", name="4 of 5").check()
        page.get_by_role("link", name="See what suits you").click()
        page.wait_for_url("**#/try*")
        expect(page.locator('[data-list="rated"] li')).to_contain_text("Empire Strikes Back")


def test_rating_five_changes_the_list_and_the_link_can_be_shared(tab, address):
    with opened(tab, address, "#/try") as page:
        page.wait_for_selector('[data-list="questions"] li[data-item]')
        page.wait_for_selector('[data-list="recommendations"] li')
        before, widths = recommendations(page), [taste_width(page)]
        for _ in range(5):
            answered = page.locator('[data-list="rated"] li').count()
            question = page.locator('[data-list="questions"] li').first
            question.get_by_role("radio", name="1 of 5").click()
            expect(page.locator('[data-list="rated"] li')).to_have_count(answered + 1)
            wait_until_idle(page)
            widths.append(taste_width(page))
        # Not only what was rated is gone.
        rated = "".join(page.locator('[data-list="rated"] li').all_inner_texts())
        left = tuple(name for name in before if name not in rated)
        assert left != recommendations(page)[: len(left)]
        assert widths[-1] < 0.9 * widths[0]
        shared, last = page.url, first_recommendation(page)
    with opened(tab, address, f"#{shared.partition('#')[2]}") as page:
        page.wait_for_selector('[data-list="recommendations"] li')
        expect(page.locator('[data-list="rated"] li')).to_have_count(5)
        assert first_recommendation(page) == last


def wait_until_idle(page):
    """Wait until no part of the page waits for a response."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def taste_width(page):
    """Return the width of the interval on the first axis, from the numbers next to it."""
    line = page.locator("li.axis-line", has_text="Axis 1").first.locator("small")
    low, high = line.inner_text().replace("\N{MINUS SIGN}", "-").split(" to ")
    return float(high) - float(low)


def test_a_skipped_question_is_not_asked_again_and_why_opens(tab, address):
    with opened(tab, address, "#/try?r=100:5") as page:
        page.wait_for_selector('[data-list="questions"] li[data-item]')
        first = page.locator('[data-list="questions"] li').first
        title = first.locator("strong").inner_text()
        first.get_by_role("button", name=re.compile("Do not know it")).click()
        questions = page.locator('[data-list="questions"] li')
        expect(questions.filter(has_text=title)).to_have_count(0)
        expect(questions).to_have_count(8)
        why = page.get_by_role("button", name=re.compile("^Why")).first
        why.click()
        page.get_by_text("You are expected to give").first.wait_for()
        assert why.get_attribute("aria-expanded") == "true"


def test_the_search_box_works_from_the_keyboard(tab, address):
    with opened(tab, address, "#/try") as page:
        page.get_by_role("combobox", name="Add a title").focus()
        page.keyboard.type("casabl")
        # Before, the list can still be of the titles with "ca".
        expect(page.get_by_role("option").first).to_contain_text("Casablanca")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator('[data-list="questions"] li').first).to_contain_text("Casablanca")


def test_the_map_finds_items_and_changes_coordinates(tab, address):
    with opened(tab, address, "#/map") as page:
        expect(page.locator('[data-list="map"] h2')).to_contain_text("1,682 titles in view")
        page.get_by_label("Vertical").select_option("bias")
        page.wait_for_url("**y=bias*")
        box = page.get_by_role("form").get_by_role("combobox", name="Find a title")
        box.fill("fargo")
        page.wait_for_selector("[role=option] >> visible=true")
        box.press("Enter")
        page.wait_for_url("**find=100*")


def test_finding_an_item_clears_the_selection_on_the_map(tab, address):
    with opened(tab, address, "#/map") as page:
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


def test_a_known_user(tab, address):
    with opened(tab, address, "#/user/196") as page:
        assert "196" in page.locator("h1").inner_text()
        expect(page.locator("ol.recommendations li").nth(5)).to_be_visible()  # more than 5


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_and_is_accessible(tab, address, view):
    sizes = (PHONE, DESKTOP)
    with opened(tab, address, VIEWS[view], sizes[0]) as page:
        wait_until_idle(page)
        for where in in_each_size_and_scheme(page, sizes):
            assert_fits(page, where)
            assert_accessible(page, where)


def in_each_size_and_scheme(page, sizes):
    """Yield each size, in light and then dark, once the page is drawn in it and in its colours.

    The page is loaded in the first size, and then the window is resized.
    """
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(FOLLOWED)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(DRAWN)
            yield width, scheme


# A plot is drawn again once its box has another size.
FOLLOWED = """(async () => {
    const width = graph => graph.querySelector('canvas').width / devicePixelRatio;
    const graphs = [...document.querySelectorAll('.graph')];
    const deadline = performance.now() + 30_000;
    while (!graphs.every(graph => Math.abs(width(graph) - graph.clientWidth) < 1)) {
        if (performance.now() > deadline) throw new Error('a plot does not follow the window');
        await new Promise(requestAnimationFrame);
    }
})()"""

# A plot is drawn in the next frame; then transitions end, here without their 0.15 to 0.5 seconds.
DRAWN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => Promise.allSettled(document.getAnimations().map(one => {
        one.finish();
        return one.finished;
    })))"""


def assert_fits(page, where):
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, where


def assert_accessible(page, where):
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    assert page.evaluate(VIOLATIONS) == [], where


# Every rule is checked, but no selectors are made of the places where one is kept, and what is kept
# is not sent: 30% of the time.
VIOLATIONS = """axe.run({resultTypes: ['violations'], selectors: false})
    .then(results => results.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"""


# The package is there for this file.
AXE = files("axe_playwright_python") / "axe.min.js"


def test_a_point_estimate_shows_no_options_for_intervals(tab, point):
    with serving_in_thread(point) as address, opened(tab, address, "#/try?r=100:5") as page:
        page.wait_for_selector('[data-list="recommendations"] li')
        assert page.get_by_text("Safer choices first").count() == 0
        go(page, address, "#/items")
        page.wait_for_selector("tbody tr")


def test_titles_are_shown_as_text_and_never_run(tab, hostile, tmp_path):
    hostile.save(tmp_path / "m")
    with serving_in_thread(tmp_path / "m") as address, opened(tab, address) as page:
        for fragment in ("#/", "#/items", "#/map", "#/item/0", "#/try?r=0:5,1:1", "#/user/3"):
            page.goto("about:blank")  # else only the fragment changes
            go(page, address, fragment)
            wait_until_idle(page)
            page.wait_for_timeout(300)  # scripts and broken images run later
            assert page.evaluate("window.hacked") is None


def test_a_token_is_requested_and_stored_for_the_tab(browser, folder):
    with serving_in_thread(folder, AccessSettings(token="abc")) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Token", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not accepted")
        page.get_by_label("Token", exact=True).fill("abc")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("943 people")
        context.close()


def test_the_first_view_does_not_shift_while_it_loads(tab, address):
    with opened(tab, address) as page:
        page.reload()
        wait_until_idle(page)
        shift = page.evaluate(
            "new Promise(done => new PerformanceObserver(list => done(list.getEntries()"
            ".reduce((sum, entry) => sum + entry.value, 0)))"
            ".observe({type: 'layout-shift', buffered: true})"
            " || setTimeout(() => done(0), 500))"
        )
        assert shift < 0.1
