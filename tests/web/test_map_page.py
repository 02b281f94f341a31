"""The map in a real browser, with a mouse, fingers and the keyboard; it draws without a library."""

import csv
import re
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE
from .test_page import (
    DRAWN,
    assert_accessible,
    assert_fits,
    in_each_size_and_scheme,
    opened,
    wait_until_idle,
)

RATED = "sessionStorage.setItem('palate-try', 'r=100:5,50:4,181:2')"
# The average red, green and blue of a square around a place of the canvas, in pixels of the page.
PIXELS = """([x, y]) => {
    const canvas = document.querySelector('.graph canvas');
    const ratio = canvas.width / canvas.clientWidth;
    const place = [(x - 2) * ratio, (y - 2) * ratio, 4 * ratio, 4 * ratio].map(Math.round);
    const { data } = canvas.getContext('2d').getImageData(...place);
    return [0, 1, 2].map(c => data.filter((_, i) => i % 4 === c)
        .reduce((sum, one) => sum + one) / (data.length / 4));
}"""


@pytest.fixture
def touched(browser, address):
    """Open a page on a phone; yield it with a function that touches places of it."""
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    page = context.new_page()
    page.goto(f"{address}/#/map")
    expect(heading(page)).to_contain_text("in view")
    session = context.new_cdp_session(page)

    def touch(*steps):
        """Put fingers down at the places of the first step, move them along, and lift them."""
        for number, places in enumerate(steps):
            points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
            kind = "touchMove" if number else "touchStart"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            page.evaluate("new Promise(requestAnimationFrame)")
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    yield page, touch
    context.close()


def heading(page):
    return page.locator('[data-list="map"] h2')


def in_view(page):
    return int(re.sub(r"\D", "", heading(page).inner_text()))


def shown(page, name):
    """Return the numbers of a parameter of the address: what is in view, or selected."""
    query = parse_qs(urlparse(urlparse(page.url).fragment).query)
    return [float(number) for number in query.get(name, [""])[0].split(",") if number]


def my_ratings(page):
    stored = parse_qs(page.evaluate("sessionStorage.getItem('palate-try')"))["r"][0]
    return {pair.split(":")[0]: float(pair.split(":")[1]) for pair in stored.split(",")}


def middle(page):
    box = page.locator(".graph").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def at_rest(page):
    """Wait until the address has the view and the list what is in it."""
    page.wait_for_url("**view=*")
    wait_until_idle(page)


def wait_for_another_view(page):
    before = shown(page, "view")
    page.wait_for_url(lambda _: shown(page, "view") != before)


def find(page, text):
    box = page.get_by_role("form").get_by_role("combobox", name="Find a title")
    box.fill(text)
    page.get_by_role("option").filter(visible=True).first.wait_for()
    box.press("Enter")
    page.wait_for_url("**find=*")
    at_rest(page)


def marker(page):
    """Return where the marked item is, in pixels of the canvas."""
    style = page.locator(".marker:not(.person)").evaluate("one => [one.style.left, one.style.top]")
    return [float(number.removesuffix("px")) for number in style]


def test_all_items_are_drawn_and_the_map_fits_the_window(tab, address, bayes):
    with opened(tab, address, "#/map") as page:
        expect(heading(page)).to_have_text("1,682 titles in view")
        assert page.locator(".plot").get_attribute("data-points") == str(bayes.map().height)
        box = page.locator(".plot").bounding_box()
        assert box["y"] + box["height"] <= DESKTOP[1]
        assert box["height"] > 0.55 * DESKTOP[1]
        scrolled = "document.documentElement.scrollHeight - innerHeight"
        assert page.evaluate(scrolled) <= 0
        # A point of the model is where its axes put it: dark blue, the colour of a high bias.
        find(page, "fargo")
        x, y = marker(page)
        red, _, blue = page.evaluate(PIXELS, [x, y])
        assert blue > red + 80
        assert not page.evaluate("'Plotly' in window")


def test_the_mouse_moves_zooms_and_opens_items(tab, address):
    with opened(tab, address, "#/map") as page:
        expect(heading(page)).to_contain_text("1,682")
        x, y = middle(page)
        page.mouse.move(x, y)
        page.mouse.wheel(0, -500)
        at_rest(page)
        zoomed, fewer = shown(page, "view"), in_view(page)
        assert fewer < 1682
        labels = page.locator(".name:visible").all_inner_texts()
        page.mouse.down()
        page.mouse.move(x + 120, y + 40, steps=4)
        page.mouse.up()
        wait_for_another_view(page)
        moved = shown(page, "view")
        assert moved[0] < zoomed[0]
        assert moved[3] > zoomed[3]
        np.testing.assert_allclose(moved[1] - moved[0], zoomed[1] - zoomed[0], rtol=1e-4)
        page.get_by_role("button", name="Zoom in").click()
        wait_for_another_view(page)
        assert set(page.locator(".name:visible").all_inner_texts()) - set(labels)
        link = page.url
        page.reload()
        expect(heading(page)).to_contain_text("in view")
        wait_until_idle(page)
        assert page.url == link
        page.get_by_role("button", name="Show all").click()
        expect(heading(page)).to_contain_text("1,682")
        assert "view=" not in page.url
        # Zooming out has an end, and points can't be lost.
        page.mouse.move(x, y)
        for _ in range(8):
            page.mouse.wheel(0, 2000)
        page.mouse.down()
        page.mouse.move(x + 3000, y, steps=3)
        page.mouse.up()
        at_rest(page)
        assert in_view(page) > 200


def test_a_click_opens_a_card_and_rates_in_place(tab, address):
    with opened(tab, address, "#/map?find=50") as page:
        card = page.get_by_role("group", name="Star Wars (1977)", exact=True)
        expect(card).to_contain_text(re.compile(r"Bias \+1\.\d\d, 583 ratings"))
        card.get_by_role("button", name="Close").click()
        expect(card).to_be_hidden()
        assert "find=" not in page.url
        page.get_by_role("link", name="Star Wars (1977)").hover()
        place = marker(page)
        box = page.locator(".graph").bounding_box()
        x, y = box["x"] + place[0], box["y"] + place[1]
        page.mouse.move(x + 1, y)
        expect(page.locator(".tooltip")).to_contain_text("Star Wars (1977)")
        expect(page.locator(".tooltip")).to_contain_text("583 ratings")
        page.mouse.click(x, y)
        expect(card).to_be_visible()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
            "Star Wars (1977)"
        )
        assert "find=50" in page.url
        expect(page.get_by_text("You", exact=True)).to_be_hidden()
        card.get_by_role("radio", name="5 of 5").check(force=True)
        expect(page.get_by_text("You", exact=True)).to_be_visible()
        assert my_ratings(page) == {"50": 5}
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        page.mouse.click(x, y)
        card.get_by_role("link", name="All about it").click()
        page.get_by_role("heading", name="Star Wars (1977)", level=1).wait_for()


def test_the_keyboard_moves_zooms_and_opens(tab, address):
    with opened(tab, address, "#/map") as page:
        expect(heading(page)).to_contain_text("1,682")
        graph = page.get_by_role("application")
        graph.focus()
        page.keyboard.press("+")
        at_rest(page)
        before = shown(page, "view")
        page.keyboard.press("ArrowRight")
        wait_for_another_view(page)
        assert shown(page, "view")[0] > before[0]
        page.keyboard.press("Enter")
        card = page.locator(".map-card")
        expect(card).to_be_visible()
        title = card.locator("strong").inner_text()
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        graph.focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".tooltip")).to_be_visible()
        page.keyboard.press("0")
        expect(heading(page)).to_contain_text("1,682")
        assert title


def test_labels_do_not_overlap(tab, address):
    with opened(tab, address, "#/map?find=100") as page:
        wait_until_idle(page)
        boxes = [name.bounding_box() for name in page.locator(".name:visible").all()]
        assert len(boxes) > 20
        expect(page.locator(".name.marked")).to_have_text("Fargo (1996)")
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                apart = (
                    a["x"] + a["width"] <= b["x"] + 1
                    or b["x"] + b["width"] <= a["x"] + 1
                    or a["y"] + a["height"] <= b["y"] + 1
                    or b["y"] + b["height"] <= a["y"] + 1
                )
                assert apart, (a, b)


def test_a_selection_says_what_it_shares_and_can_be_taken_along(tab, address, bayes):
    with opened(tab, address, "#/map?x=year&y=bias") as page:
        expect(heading(page)).to_contain_text("in view")
        page.get_by_role("button", name="Box").click()
        box = page.locator(".graph").bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] - 40, steps=5)
        page.mouse.up()
        expect(heading(page)).to_contain_text("selected")
        wait_until_idle(page)
        count, corners = in_view(page), np.array(shown(page, "select")).reshape(-1, 2)
        table = bayes.map("year", "bias")
        years, biases = table["x"].to_numpy(), table["y"].to_numpy()
        low, high = corners.min(axis=0), corners.max(axis=0)
        inside = (years > low[0]) & (years < high[0]) & (biases > low[1]) & (biases < high[1])
        assert count == inside.sum()
        common = page.get_by_role("list", name="What they have in common")
        expect(common).to_contain_text("Year")
        mean = biases[inside].mean()
        expect(common).to_contain_text(f"Bias {mean:+.2f}".replace("-", "\N{MINUS SIGN}"))
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        with download.value.path().open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert sorted(int(row["id"]) for row in rows) == sorted(table["id"].to_numpy()[inside])
        first = table.filter(id=int(rows[0]["id"])).row(0, named=True)
        assert rows[0]["item"] == first["item"]
        assert float(rows[0]["year"]) == first["x"]
        assert float(rows[0]["bias"]) == pytest.approx(first["y"], abs=1e-3)
        page.get_by_role("button", name="Rate these").click()
        listed = page.locator('[data-list="map"] li[data-item]').first
        listed.get_by_role("radio", name="4 of 5").check(force=True)
        identity = listed.get_attribute("data-item")
        assert my_ratings(page) == {identity: 4}
        # The link shows the same selection.
        page.reload()
        expect(heading(page)).to_have_text(f"{count:,} titles selected")
        link = page.get_by_role("link", name="in Items")
        expect(link).to_have_text(
            "Show in Items" if count <= 200 else "Show the 200 most rated in Items"
        )
        href = link.get_attribute("href")
        assert f"id={identity}" in href
        page.get_by_role("button", name="Clear the selection").click()
        expect(heading(page)).to_contain_text("in view")
        assert "select=" not in page.url


def test_you_are_on_the_map_and_move_with_each_answer(tab, address, bayes):
    with opened(tab, address, "#/map") as page:
        expect(page.get_by_text("Where are you?")).to_be_visible()
        page.evaluate(RATED)
        page.reload()
        person = page.locator(".marker.person")
        expect(page.get_by_text("You", exact=True)).to_be_visible()
        expect(page.locator(".map-legend").last).to_contain_text("standard deviations")
        page.evaluate(DRAWN)
        place = "one => [one.style.left, one.style.top].map(parseFloat)"
        before = person.evaluate(place)
        # The standing of the person, in units of the spread of the items.
        axes = bayes.profile({100: 5, 50: 4, 181: 2}).describe().axes
        spread = [np.sqrt(np.mean(bayes.map(f"axis {n}")["x"].to_numpy() ** 2)) for n in (1, 2)]
        expected = [axes["position"][i] * spread[i] for i in (0, 1)]
        assert before == pytest.approx(pixels(page, bayes, *expected), abs=1.5)
        # What is rated has a ring; what is not has none.
        ring = page.evaluate(RINGED, ring_place(page, bayes, 50))
        assert ring != page.evaluate(RINGED, ring_place(page, bayes, 313))
        find(page, "titanic (1997)")
        page.get_by_role("group", name="Titanic (1997)", exact=True).get_by_role(
            "radio", name="1 of 5"
        ).check(force=True)
        page.get_by_role("button", name="Show all").click()
        expect(heading(page)).to_contain_text("1,682")
        style = re.compile(rf"left: {before[0]:.3f}")
        expect(person).not_to_have_attribute("style", style)
        # On a coordinate that is no axis, a line shows where they are on the other.
        page.get_by_label("Vertical").select_option("bias")
        expect(page.locator(".marker.person.line b")).to_be_visible()
        page.get_by_label("Horizontal").select_option("year")
        expect(page.get_by_text("You", exact=True)).to_be_hidden()


RINGED = """([x, y]) => [...document.querySelector('.graph canvas').getContext('2d')
    .getImageData(Math.round(x), Math.round(y), 1, 1).data].join()"""


def ranges(bayes):
    """Return the full ranges of the first two axes on the map, as the page computes them."""
    found = []
    for axis in (1, 2):
        values = bayes.map(f"axis {axis}")["x"].to_numpy()
        found.append((values.min() - 0.04 * np.ptp(values), values.max() + 0.04 * np.ptp(values)))
    return found


def pixels(page, bayes, x, y):
    """Return where the plot shows a place: its margins are 46, 14, 14 and 30 pixels."""
    box = page.locator(".graph").bounding_box()
    width, height = box["width"] - 60, box["height"] - 44
    (left, right), (bottom, top) = ranges(bayes)
    return [46 + (x - left) / (right - left) * width, 14 + (top - y) / (top - bottom) * height]


def ring_place(page, bayes, identity):
    """Return the place of the canvas just above a point, where its ring is if it has one."""
    table = bayes.map()
    row = table.filter(id=identity).row(0, named=True)
    radius = (4 + 14 * np.sqrt(row["ratings"] / table["ratings"].max())) / 2
    x, y = pixels(page, bayes, row["x"], row["y"])
    return [x, y - radius - 3]


def test_items_are_coloured_by_my_expected_rating(tab, address):
    with opened(tab, address, "#/map") as page:
        expect(heading(page)).to_contain_text("1,682")
        page.evaluate(RATED)
        with page.expect_response("**/api/predictions"):
            page.get_by_label("Colour", exact=True).select_option("My expected rating")
        page.wait_for_url("**colour=expected*")
        legend = page.locator(".map-legend").first
        expect(legend).to_contain_text("My expected rating")
        before = legend.inner_text()
        find(page, "titanic (1997)")
        stars = page.get_by_role("group", name="Titanic (1997)", exact=True)
        with page.expect_response("**/api/predictions"):
            stars.get_by_role("radio", name="1 of 5").check(force=True)
        expect(legend).not_to_have_text(before)
        page.go_back()
        expect(page.get_by_label("Colour", exact=True)).to_have_value("bias")
        expect(legend).to_contain_text("Bias")


def test_one_finger_scrolls_the_page_and_two_move_the_map(touched):
    page, touch = touched
    box = page.locator(".graph").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 150
    touch(*[[(x, y - 20 * step)] for step in range(9)])
    expect(page.locator(".plot-hint")).to_be_visible()
    assert page.evaluate("scrollY") > 50
    assert "view=" not in page.url
    expect(page.locator(".map-hint")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    page.locator(".graph").scroll_into_view_if_needed()
    x, y = middle(page)
    scrolled = page.evaluate("scrollY")
    steps = [[(x - 30 - 6 * i, y), (x + 30 + 6 * i, y)] for i in range(9)]
    touch(*steps)
    at_rest(page)
    assert 100 < in_view(page) < 1682  # a pinch zooms, and points stay in view
    zoomed = shown(page, "view")
    touch(*[[(x - 30 + 8 * i, y), (x + 30 + 8 * i, y)] for i in range(9)])
    wait_for_another_view(page)
    moved = shown(page, "view")
    assert moved[0] < zoomed[0]
    np.testing.assert_allclose(moved[1] - moved[0], zoomed[1] - zoomed[0], rtol=1e-3)
    touch(*[[(x - 90 + 6 * i, y), (x + 90 - 6 * i, y)] for i in range(12)])
    touch(*[[(x - 90 + 6 * i, y), (x + 90 - 6 * i, y)] for i in range(12)])
    touch(*[[(x - 90 + 6 * i, y), (x + 90 - 6 * i, y)] for i in range(12)])
    wait_for_another_view(page)
    wait_until_idle(page)
    assert in_view(page) > 200
    assert page.evaluate("scrollY") == scrolled
    assert page.evaluate("visualViewport.scale") == 1


def test_fingers_select_and_a_tap_opens_a_card(touched):
    page, touch = touched
    page.get_by_role("button", name="Lasso").click()
    page.locator(".graph").scroll_into_view_if_needed()
    x, y = middle(page)
    around = [(0, -80), (60, -50), (80, 0), (50, 60), (0, 80), (-60, 50), (-80, 0), (-50, -60)]
    scrolled = page.evaluate("scrollY")
    touch(*[[(x + dx, y + dy)] for dx, dy in around])
    expect(heading(page)).to_contain_text("selected")
    assert page.evaluate("scrollY") == scrolled
    page.get_by_role("button", name="Clear the selection").click()
    page.get_by_role("button", name="Move").click()
    page.locator(".graph").scroll_into_view_if_needed()
    x, y = middle(page)
    page.touchscreen.tap(x, y)
    card = page.locator(".map-card")
    expect(card).to_be_visible()
    frame, inner = page.locator(".plot").bounding_box(), card.bounding_box()
    assert inner["x"] >= frame["x"]
    assert inner["x"] + inner["width"] <= frame["x"] + frame["width"]
    assert inner["y"] + inner["height"] <= frame["y"] + frame["height"]


def test_without_motion_the_view_changes_at_once(tab, address):
    tab.emulate_media(reduced_motion="reduce")
    try:
        with opened(tab, address, "#/map") as page:
            expect(heading(page)).to_contain_text("1,682")
            frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            page.get_by_role("button", name="Zoom in").click()
            page.evaluate(frames)
            first = page.locator(".name:visible").first.evaluate("one => one.style.transform")
            page.evaluate(frames)
            last = page.locator(".name:visible").first.evaluate("one => one.style.transform")
            assert first == last
    finally:
        tab.emulate_media(reduced_motion="no-preference")


def test_the_map_with_a_card_and_a_selection_fits_and_is_accessible(tab, address):
    fragment = "#/map?find=50&select=-0.2,0.4,0.2,0.4,0.2,-0.1,-0.2,-0.1"
    with opened(tab, address, fragment, PHONE) as page:
        page.evaluate(RATED)
        page.reload()
        expect(heading(page)).to_contain_text("selected")
        wait_until_idle(page)
        page.get_by_role("button", name="Rate these").click()
        for where in in_each_size_and_scheme(page, (PHONE, DESKTOP)):
            # The canvas has the colours of the scheme.
            corner = page.evaluate(PIXELS, [4, 4])
            assert (np.mean(corner) < 60) == (where[1] == "dark"), where
            assert_fits(page, where)
            assert_accessible(page, where)
