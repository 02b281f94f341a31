"""The page of a model of both questions, and of one of events alone, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

import palate

from .conftest import DESKTOP, PHONE, TABLET, serving_in_thread
from .test_page import (
    assert_accessible,
    assert_fits,
    go,
    in_each_size_and_scheme,
    opened,
    wait_until_idle,
)

SIZES = (PHONE, TABLET, DESKTOP)
EVENT_VIEWS = {
    "overview": "#/",
    "items": "#/items?where=genres=Comedy&min_ratings=20",
    "item": "#/item/50",
    "map": "#/map",
    "try": "#/try?r=100:1,50:1",
    "nothing picked": "#/try",
    "users": "#/users",
    "user": "#/user/196",
}
BOTH_VIEWS = {"try": "#/try?r=100:5,50:4&by=choice", "user": "#/user/196", "item": "#/item/50"}


TITLES = '[data-list="recommendations"] > ol > li .what > a'


def expect_titles(page, titles):
    expect(page.locator(TITLES)).to_have_text(titles)


def test_the_switch_changes_the_list_and_the_link(tab, both_address, both):
    me = both.profile({100: 5, 50: 4})
    with opened(tab, both_address, "#/try?r=100:5,50:4") as page:
        switch = page.get_by_role("group", name="What the list is ranked by")
        expect(switch.get_by_role("button", pressed=True)).to_have_text("Both")
        expect_titles(page, me.recommend(10)["item"].to_list())
        safer = page.get_by_text("Safer choices first")
        expect(safer).to_be_hidden()
        for name, by in (("Would pick", "choice"), ("Would like", "rating"), ("Both", "both")):
            switch.get_by_role("button", name=name).click()
            expect(switch.get_by_role("button", pressed=True)).to_have_text(name)
            expect_titles(page, me.recommend(10, by=by)["item"].to_list())
            assert (f"by={by}" in page.url) == (by != "both")
            expect(safer).to_be_visible(visible=by == "rating")
        assert "r=100:5,50:4" in page.url
        go(page, both_address, "#/try?r=100:5&by=choice")
        expect(switch.get_by_role("button", pressed=True)).to_have_text("Would pick")


def test_both_reasons_are_shown_and_explained(tab, both_address):
    with opened(tab, both_address, "#/try?r=100:5,50:4") as page:
        first = page.locator('[data-list="recommendations"] li').first
        expect(first).to_contain_text("Because you picked")
        expect(first).to_contain_text("you gave")
        first.get_by_role("button", name=re.compile("^Why")).click()
        expect(first.get_by_role("heading", name="Why you would pick it")).to_be_visible()
        expect(first.get_by_role("heading", name="How you would like it")).to_be_visible()
        table = first.get_by_role("table", name="By item of the history")
        shares = [int(text[:-1]) for text in table.locator("td.number").all_inner_texts()]
        assert sum(shares) == pytest.approx(100, abs=1)


def test_safer_choices_are_by_rating(tab, both_address, both):
    safer = both.profile({100: 5}).recommend(10, cautious=0.1)["item"].to_list()
    with opened(tab, both_address, "#/try?r=100:5&by=rating") as page:
        page.get_by_label("Safer choices first").check()
        page.wait_for_url("**cautious=1*")
        expect_titles(page, safer)
        page.get_by_role("button", name="Would pick").click()
        page.wait_for_url(lambda url: "cautious" not in url)
        expect(page.locator(TITLES)).not_to_have_text(safer)
        go(page, both_address, "#/try?r=100:5&cautious=1")  # a link from before there was a switch
        expect_titles(page, safer)


def test_the_switch_works_from_the_keyboard_and_keeps_the_focus(tab, both_address, both):
    with opened(tab, both_address, "#/user/196") as page:
        page.get_by_role("button", name="Both").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**by=choice*")
        expect_titles(page, both.user(196).recommend(10, by="choice")["item"].to_list())
        expect(page.get_by_role("button", name="Would pick")).to_be_focused()


def test_a_model_of_ratings_alone_has_no_switch(tab, address):
    with opened(tab, address, "#/try?r=100:5") as page:
        page.wait_for_selector('[data-list="recommendations"] li')
        assert page.get_by_role("button", name="Would pick").count() == 0
        expect(page.get_by_text("Safer choices first")).to_be_visible()


def test_an_item_shows_what_the_same_people_pick(tab, both_address, both):
    with opened(tab, both_address, "#/item/50") as page:
        section = page.get_by_role("region", name="Picked by the same people")
        first = both.profile({50: 5}).recommend(1, by="choice")["item"][0]
        expect(section.get_by_role("link").first).to_have_text(first)


def test_people_pick_items_in_a_model_of_events(tab, events_address, events):
    with opened(tab, events_address, "#/try") as page:
        expect(page.get_by_role("heading", name="For the average person, so far")).to_be_visible()
        expect(page.locator('[data-list="recommendations"]')).to_contain_text("it is popular")
        button = page.locator('[data-list="questions"]').get_by_role("button", name="Pick").first
        picked = button.get_attribute("aria-label").removeprefix("Pick ")
        button.click()
        expect(page.get_by_role("heading", name="For you")).to_be_visible()
        expect_titles(page, events.profile([picked]).recommend(10)["item"].to_list())
        page.get_by_role("combobox", name="Pick a title").fill("fargo")
        page.wait_for_selector("[role=option] >> visible=true")
        expect(page.get_by_role("option").first).to_contain_text("508 people")
        page.keyboard.press("Enter")
        expect(page.locator('[data-list="rated"] li')).to_have_count(2)
        expected = events.profile([picked, "Fargo (1996)"]).recommend(10)["item"].to_list()
        expect_titles(page, expected)
        page.get_by_role("button", name=f"Remove {picked}").click()
        expect(page.locator('[data-list="rated"] li')).to_have_count(1)
        expect_titles(page, events.profile([100]).recommend(10)["item"].to_list())
        wait_until_idle(page)  # so that the question read here is the one that is skipped
        skip = page.locator('[data-list="questions"]').get_by_role("button", name="Skip").first
        skipped = skip.get_attribute("aria-label").removeprefix("Skip: ")
        page.get_by_role("button", name=f"Skip: {skipped}", exact=True).click()
        wait_until_idle(page)
        expect(page.locator('[data-list="questions"]')).not_to_contain_text(skipped)


def test_the_views_of_events_leave_out_what_needs_ratings(tab, events_address):
    with opened(tab, events_address) as page:
        expect(page.locator("h1")).to_contain_text("943 people pick")
        expect(page.get_by_text("knows what people pick, not how they like it")).to_be_visible()
        expect(page.get_by_role("link", name="Map")).to_be_hidden()
        assert page.get_by_role("heading", name="Picked often").count() == 0
        page.get_by_role("button", name="Measure it").click()
        page.get_by_text("This model").first.wait_for(timeout=60_000)
        assert page.locator('[data-measure="rmse"]').count() == 0
        go(page, events_address, "#/map")
        expect(page.get_by_text("knows what people pick, not how they like it")).to_be_visible()
        go(page, events_address, "#/items")
        expect(page.locator("tbody tr").first).to_contain_text("583")
        go(page, events_address, "#/items?sort=gap")  # a link of a model of ratings
        expect(page.locator("tbody tr").first).to_contain_text("583")
        page.get_by_role("button", name="Item").click()
        page.wait_for_url("**sort=item*")
        wait_until_idle(page)
        go(page, events_address, "#/item/50")
        expect(page.locator(".lead")).to_have_text("583 people picked it.")
        page.get_by_role("button", name="Pick Star Wars").click()
        page.get_by_role("link", name="See what suits you").click()
        expect(page.locator('[data-list="rated"] li')).to_contain_text("Star Wars")
        go(page, events_address, "#/user/196")
        expect(page.get_by_role("heading", name="Their history")).to_be_visible()
        expect(page.locator('[data-list="history"] tbody tr')).to_have_count(25)
        expect(page.locator('[data-list="history"] [data-total]')).to_have_text("39 items")
        assert page.get_by_role("heading", name="Portrait").count() == 0


@pytest.mark.parametrize("view", EVENT_VIEWS)
def test_every_view_of_events_fits_and_is_accessible(tab, events_address, view):
    check(tab, events_address, EVENT_VIEWS[view])


@pytest.mark.parametrize("view", BOTH_VIEWS)
def test_every_view_of_both_fits_and_is_accessible(tab, both_address, view):
    check(tab, both_address, BOTH_VIEWS[view])


def check(tab, address, fragment):
    with opened(tab, address, fragment, SIZES[0]) as page:
        wait_until_idle(page)
        for why in page.get_by_role("button", name=re.compile("^Why")).all()[:1]:
            why.click()
            wait_until_idle(page)
        for where in in_each_size_and_scheme(page, SIZES):
            assert_fits(page, where)
            assert_header_fits(page, where)
            assert_accessible(page, where)


def assert_header_fits(page, where):
    """No link of the header lies under the search field."""
    field = page.locator(".find").bounding_box()
    links = [link.bounding_box() for link in page.locator(".top nav a:visible").all()]
    if page.viewport_size["width"] > 760:
        assert max(box["x"] + box["width"] for box in links) <= field["x"], where


def test_counts_say_how_often(tab, tmp_path):
    table = {"user": [1, 1, 2, 2, 3, 3], "item": list("abbcca"), "count": [40, 2, 3, 1, 9, 70]}
    palate.fit(palate.read_ratings(table, kind="counts")).save(tmp_path / "m")
    with serving_in_thread(tmp_path / "m") as address, opened(tab, address, "#/user/1") as page:
        history = page.locator('[data-list="history"]')
        expect(history.get_by_role("columnheader", name="Times")).to_be_visible()
        expect(history.locator("tbody tr").first).to_contain_text("40")
        expect_titles(page, ["c"])


def test_titles_of_events_are_shown_as_text_and_never_run(tab, hostile, tmp_path):
    frame = hostile.ratings.frame().select("user", "item")
    items = hostile.items.rename({"id": "item", "item": "title"})
    palate.fit(palate.read_ratings(frame.head(150), items=items)).save(tmp_path / "m")
    with serving_in_thread(tmp_path / "m") as address, opened(tab, address) as page:
        for fragment in ("#/", "#/items", "#/item/0", "#/try?r=0:1,1:1", "#/user/3"):
            page.goto("about:blank")  # else only the fragment changes
            go(page, address, fragment)
            wait_until_idle(page)
            page.wait_for_timeout(300)  # scripts and broken images run later
            assert page.evaluate("window.hacked") is None
