"""The view "Try it" in a real browser: nothing given is lost, and the list is the library's."""

import csv
import json
import re
import subprocess

import numpy as np
import pytest
from playwright.sync_api import expect

import palate

from .conftest import DESKTOP, PHONE, serving_in_thread
from .test_page import (
    assert_accessible,
    assert_fits,
    go,
    in_each_size_and_scheme,
    opened,
    wait_until_idle,
)

TITLES = '[data-list="recommendations"] > ol > li .what > a'
ROWS = '[data-list="recommendations"] > ol > li'
CARDS = '[data-list="questions"] li[data-item]'
BUSY = {"status": 503, "json": {"detail": "the service is busy; try again"}}


@pytest.fixture
def own_page(browser):
    """Return a page of its own, where failures may be logged."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def listed(page):
    return page.locator(TITLES)


def cards(page):
    return page.locator(CARDS).locator("strong").all_inner_texts()


def card(page, title):
    return page.locator(CARDS).filter(has=page.get_by_text(title, exact=True))


def copied(page, name):
    """Return what a button copies."""
    button = page.get_by_role("button", name=name).element_handle()
    button.click()
    page.wait_for_function("button => button.textContent === 'Copied'", arg=button)
    return page.evaluate("navigator.clipboard.readText()")


def test_ratings_are_looked_up_in_one_call_and_only_unknown_ones_are_left_out(
    tab, both_address, both
):
    asked = []
    note_request = lambda request: asked.append(request.url)  # noqa: E731  (it is removed)
    tab.on("request", note_request)
    with opened(tab, both_address, "#/try?r=100:5,nope:4,50:4,181:9,121:3,1:4") as page:
        rated = page.locator('[data-list="rated"]')
        expect(rated.locator("li")).to_have_count(5)
        left_out = page.locator('[data-list="left-out"]')
        expect(left_out).to_contain_text("does not know this item: nope")
        expect(left_out).to_contain_text("from 1 to 5")
        expect(left_out).to_be_in_viewport()  # without it, a list for nobody looks like mine
        me = both.profile({100: 5, 50: 4, 121: 3, 1: 4})
        expect(listed(page)).to_have_text(me.recommend(10)["item"].to_list())
        expect(page.get_by_role("heading", name="For you", exact=True)).to_be_visible()
        assert len([url for url in asked if "/api/items" in url]) == 1
        page.get_by_role("button", name="Remove from the address").click()
        page.wait_for_url("**r=100:5,50:4,121:3,1:4")
        expect(rated.locator("li")).to_have_count(4)
        expect(left_out).to_be_empty()
    tab.remove_listener("request", note_request)


def test_a_failure_drops_no_rating_and_can_be_tried_again(own_page, both_address, both):
    page = own_page
    page.route("**/api/items?id=*", lambda route: route.fulfill(**BUSY))
    page.goto(f"{both_address}/#/try?r=100:5,50:4")
    rated = page.locator('[data-list="rated"]')
    expect(rated.get_by_role("alert")).to_contain_text("busy")
    expect(rated.locator("li")).to_have_count(2)
    expect(page.get_by_role("heading", name="For you", exact=True)).to_be_visible()
    best = both.profile({100: 5, 50: 4}).recommend(10)["item"].to_list()
    expect(listed(page)).to_have_text(best)
    assert page.url.endswith("r=100:5,50:4")
    page.unroute("**/api/items?id=*")
    rated.get_by_role("button", name="Try again").click()
    expect(rated.get_by_role("alert")).to_have_count(0)
    expect(rated.locator("li").first).to_contain_text("Star Wars (1977)")

    page.route("**/api/recommendations", lambda route: route.fulfill(**BUSY))
    rated.get_by_role("radio", name="1 of 5").first.click()
    page.wait_for_url("**50:1")
    failed = page.locator('[data-list="recommendations"]')
    expect(failed.get_by_role("alert")).to_contain_text("busy")
    page.unroute("**/api/recommendations")
    failed.get_by_role("button", name="Try again").click()
    best = both.profile({100: 5, 50: 1}).recommend(10)["item"].to_list()
    expect(listed(page)).to_have_text(best)


def test_what_is_loading_does_not_look_computed(tab, both_address):
    held = []
    tab.route("**/api/items?id=*", lambda route: held.append(route))  # noqa: PLW0108
    with opened(tab, both_address, "#/try?r=100:5,50:4") as page:
        expect(page.get_by_role("heading", name="Recommendations")).to_be_visible()
        while not held:
            page.wait_for_timeout(20)
        for box in ("recommendations", "questions", "rated"):
            loading = page.locator(f'[data-list="{box}"]')
            expect(loading).to_have_attribute("aria-busy", "true")
            expect(loading).to_be_visible()
            expect(loading).to_have_text("")
            expect(loading.locator("li[data-item]")).to_have_count(0)
        assert page.get_by_role("heading", name="For you", exact=True).count() == 0
        assert page.locator(".axis-line").count() == 0
        held[0].continue_()
        expect(page.get_by_role("heading", name="For you", exact=True)).to_be_visible()
        wait_until_idle(page)
        expect(page.locator('[data-view="try"] .placeholder')).to_have_count(0)
        expect(page.locator(".axis-line").first).to_be_visible()
    tab.unroute("**/api/items?id=*")


def test_not_seen_and_not_interested_are_two_things_and_can_be_undone(tab, both_address, both):
    with opened(tab, both_address, "#/try?r=100:5,50:4") as page:
        me = both.profile({100: 5, 50: 4})
        best = me.recommend(10)["item"].to_list()
        expect(listed(page)).to_have_text(best)
        page.get_by_role("combobox", name="Add a title").fill(best[0][:12])
        page.get_by_role("option", name=best[0]).click()
        expect(page.locator(CARDS).first).to_contain_text(best[0])
        expect(card(page, best[0]).get_by_role("radio").first).to_be_focused()
        page.get_by_role("button", name=f"Do not know it: {best[0]}").click()
        undo = page.get_by_role("button", name=f"{best[0]}: undo “Skipped”")
        expect(undo).to_be_visible()
        expect(card(page, best[0])).to_have_count(0)
        expect(listed(page)).to_have_text(best)  # still recommended

        page.get_by_role("button", name=f"Not interested: {best[0]}").click()
        kept = me.recommend(10, exclude=[best[0]])["item"].to_list()
        expect(listed(page)).to_have_text(kept)
        expect(page.get_by_role("button", name=f"Not interested: {kept[0]}")).to_be_focused()
        shared = page.url
        page.get_by_role("button", name=f"{best[0]}: undo “Not interested”").click()
        expect(listed(page)).to_have_text(best)
        undo.click()
        page.wait_for_url("**#/try?r=100:5,50:4")
        expect(undo).to_have_count(0)
        go(page, both_address, f"#{shared.partition('#')[2]}")
        expect(listed(page)).to_have_text(kept)


def test_one_answer_changes_one_card_and_brings_the_goal_nearer(tab, both_address, both):
    with opened(tab, both_address, "#/try") as page:
        expect(page.locator(CARDS)).to_have_count(8)
        expect(page.locator(".clarity")).to_contain_text("Rate what you know")
        before = cards(page)
        shown = page.locator(CARDS).evaluate_all("nodes => nodes.map(node => +node.dataset.item)")
        counts = both.learned.item_counts
        assert counts[both.learned.item_index.rows(shown)].min() > np.quantile(counts, 0.9)
        third = page.locator(CARDS).nth(2)
        third.get_by_role("radio", name="1 of 5").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert "r=" not in page.url  # what lies between is no rating
        page.keyboard.press("Enter")
        page.wait_for_url("**r=*:4")
        expect(page.locator('[data-list="rated"] li')).to_have_count(1)
        wait_until_idle(page)
        after = cards(page)
        assert [k for k in range(8) if before[k] != after[k]] == [2]
        expect(page.locator(CARDS).nth(2).get_by_role("radio").first).to_be_focused()
        for _ in range(30):
            wait_until_idle(page)
            text = page.locator(".clarity strong").inner_text()
            if text == "Your tastes are clear":
                break
            given = page.locator('[data-list="rated"] li').count()
            page.locator(CARDS).first.get_by_role("radio", name="4 of 5").click()
            expect(page.locator('[data-list="rated"] li')).to_have_count(given + 1)
        assert 4 <= page.locator('[data-list="rated"] li').count() <= 14
        ids = dict(re.findall(r"(\d+):(\d)", page.url.partition("r=")[2]))
        clear = both.profile({int(one): int(value) for one, value in ids.items()}).clarity()
        assert clear.explained >= 0.5
        assert f"{clear.explained:.0%}" in page.locator(".clarity").inner_text()


def test_the_sliders_are_the_library_s_balance_and_diversity(tab, both_address, both):
    me = both.profile({100: 5, 50: 4})
    with opened(tab, both_address, "#/try?r=100:5,50:4") as page:
        balance = page.get_by_role("slider", name="From what people like you pick")
        variety = page.get_by_role("slider", name="From the best to a varied list")
        expect(listed(page)).to_have_text(me.recommend(10)["item"].to_list())
        balance.focus()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        page.wait_for_url("**balance=0.8")
        expect(listed(page)).to_have_text(me.recommend(10, balance=0.8)["item"].to_list())
        expect(page.get_by_role("button", pressed=True)).to_have_count(0)
        expect(balance).to_be_focused()
        variety.fill("0.4")
        page.wait_for_url("**variety=0.4")
        both_ways = me.recommend(10, balance=0.8, diversity=0.4)["item"].to_list()
        expect(listed(page)).to_have_text(both_ways)
        page.go_back()
        page.go_back()
        expect(balance).to_have_value("0.5")
        expect(listed(page)).to_have_text(me.recommend(10)["item"].to_list())
        go(page, both_address, "#/try?r=100:5,50:4&balance=0.8&variety=0.4")
        expect(listed(page)).to_have_text(both_ways)
        expect(variety).to_have_value("0.4")
        balance.focus()
        page.keyboard.press("End")
        page.wait_for_url("**by=rating&variety=0.4")
        expect(page.get_by_role("button", pressed=True)).to_have_text("Would like")


def test_a_rating_in_the_list_keeps_the_place(tab, both_address, both):
    with opened(tab, both_address, "#/try?r=100:5,50:4") as page:
        titles = both.profile({100: 5, 50: 4}).recommend(10)["item"].to_list()
        expect(listed(page)).to_have_text(titles)
        row = page.locator(ROWS).nth(4)
        row.get_by_role("radio", name="5 of 5").focus()
        page.keyboard.press("Space")
        page.wait_for_url(re.compile(r"50:4,\d+:5"))
        expect(page.locator(TITLES).filter(has_text=titles[4])).to_have_count(0)
        wait_until_idle(page)
        expect(page.locator(ROWS).nth(4).get_by_role("radio").first).to_be_focused()
        scrolled = page.evaluate("scrollY")
        assert scrolled > 0
        page.locator(ROWS).nth(4).get_by_role("radio", name="2 of 5").click()
        page.wait_for_url(re.compile(r":5,\d+:2"))
        wait_until_idle(page)
        assert page.evaluate("scrollY") == scrolled
        clear = page.get_by_role("button", name=f"Clear the rating of {titles[4]}")
        clear.click()
        expect(clear).to_have_count(0)
        assert page.locator('[data-list="rated"] li').count() == 3


def test_snippets_run_as_they_are_and_the_list_is_downloaded(
    browser, both_address, both_folder, both, tmp_path, monkeypatch
):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{both_address}/#/try?r=100:5,50:4&not=181&balance=0.7&variety=0.3")
    me = both.profile({100: 5, 50: 4})
    best = me.recommend(10, exclude=[181], balance=0.7, diversity=0.3)
    expect(listed(page)).to_have_text(best["item"].to_list())

    (tmp_path / "model").symlink_to(both_folder)
    monkeypatch.chdir(tmp_path)
    program, printed = copied(page, "Copy as Python"), []
    assert "# Fargo (1996)" in program
    exec(program, {"print": printed.append})
    assert printed[0]["id"].equals(best["id"])

    shell = subprocess.run(
        ["bash", "-c", copied(page, "Copy as curl")], capture_output=True, check=True
    )
    answer = json.loads(shell.stdout)["recommendations"]
    assert [one["id"] for one in answer] == best["id"].to_list()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == best["item"].to_list()
    assert [int(row["rank"]) for row in rows] == list(range(1, 11))
    assert copied(page, "Copy the link") == page.url
    context.close()


def test_snippets_survive_titles_and_ids_of_any_kind(browser, tmp_path, monkeypatch):
    names = ['it\'s "a"; \\n', "$(touch hacked) `x`", "two\nlines\r\n\u2028print(1)", "a,b:c%"]
    table = {"user": [1, 1, 2, 2, 3, 3], "item": [names[k] for k in (0, 1, 1, 2, 3, 0)]}
    palate.fit(palate.read_ratings(table)).save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    with serving_in_thread(tmp_path / "model") as address:
        page.goto(f"{address}/#/try")
        for name in names[:3]:
            page.locator(CARDS).filter(has_text=name.split()[0]).get_by_text("Pick").click()
            wait_until_idle(page)
        expect(page.locator('[data-list="rated"] li')).to_have_count(3)
        expect(listed(page)).to_have_text([names[3]])
        printed = []
        exec(copied(page, "Copy as Python"), {"print": printed.append})
        assert [frame["item"].to_list() for frame in printed] == [[names[3]]]
        command = copied(page, "Copy as curl")
        shell = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
        assert [one["item"] for one in json.loads(shell.stdout)["recommendations"]] == [names[3]]
    context.close()
    assert not (tmp_path / "hacked").exists()


def test_on_a_phone_the_best_match_stays_in_view_and_titles_are_tapped(browser, both_address, both):
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(f"{both_address}/#/try")
    strip = page.locator(".best-match")
    best = both.profile({}).recommend(1)["item"][0]
    expect(strip).to_contain_text(best)
    wait_until_idle(page)  # the titles to tap come by a request of their own
    for value in (5, 2):
        star = page.locator(CARDS).nth(1).get_by_role("radio", name=f"{value} of 5")
        box = star.bounding_box()
        assert min(box["width"], box["height"]) >= 24
        star.tap()
        page.wait_for_url(re.compile(rf":{value}$"))
        wait_until_idle(page)
    given = dict(re.findall(r"(\d+):(\d)", page.url.partition("r=")[2]))
    me = both.profile({int(one): int(value) for one, value in given.items()})
    expect(strip).to_contain_text(me.recommend(1)["item"][0])
    expect(strip).to_contain_text("more until your tastes are clear")
    for place in (0, 600, 2000, 10_000):
        page.evaluate(f"scrollTo(0, {place})")
        box = strip.bounding_box()
        assert box["y"] + box["height"] == pytest.approx(PHONE[1], abs=1)
    strip.get_by_role("button").tap()
    heading = page.get_by_role("heading", name="For you", exact=True)
    expect(heading).to_be_in_viewport()
    header = page.locator("header.top").bounding_box()
    assert heading.bounding_box()["y"] >= header["y"] + header["height"]
    heights = {
        name: page.locator(f'[data-section="{name}"]').bounding_box()["y"]
        for name in ("questions", "recommendations", "rated", "portrait")
    }
    assert list(heights) == sorted(heights, key=heights.get)
    context.close()


def test_a_wide_page_has_no_strip(tab, both_address):
    with opened(tab, both_address, "#/try?r=100:5") as page:
        wait_until_idle(page)
        expect(page.locator(".best-match")).to_be_hidden()


def test_picks_are_made_in_place_and_set_aside_too(tab, events_address, events):
    with opened(tab, events_address, "#/try?r=100:1") as page:
        first, second = events.profile([100]).recommend(2)["item"]
        page.get_by_role("button", name=f"I know this: {first}").click()
        picked = events.profile([100, first])
        expect(listed(page)).to_have_text(picked.recommend(10)["item"].to_list())
        wait_until_idle(page)
        expect(page.locator(ROWS).first.get_by_role("button", name="Not inter")).to_be_focused()
        page.get_by_role("button", name=f"Not interested: {second}").click()
        left = picked.recommend(10, exclude=[second])["item"].to_list()
        expect(listed(page)).to_have_text(left)
        expect(page.get_by_role("slider", name="From the best")).to_be_visible()
        assert page.get_by_role("slider").count() == 1
        assert page.get_by_text("tastes are clear").count() == 0


def test_it_fits_and_is_accessible_with_everything_shown(tab, both_address):
    fragment = "#/try?r=100:5,50:4,nope:1&unseen=181,172&not=121,1&balance=0.3&variety=0.2"
    with opened(tab, both_address, fragment, PHONE) as page:
        wait_until_idle(page)
        for where in in_each_size_and_scheme(page, (PHONE, DESKTOP)):
            assert_fits(page, where)
            assert_accessible(page, where)
