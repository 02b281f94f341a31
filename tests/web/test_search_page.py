"""The search: what the service finds, and fields with suggestions in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import PHONE
from .test_page import assert_accessible, assert_fits, go, in_each_size_and_scheme, opened


@pytest.mark.parametrize(
    ("search", "first"),
    [
        ("the godfahter", "Godfather, The (1972)"),
        ("alien", "Alien (1979)"),
        ("starwars", "Star Wars (1977)"),
        ("l.a. confidental", "L.A. Confidential (1997)"),
    ],
)
def test_the_best_match_comes_first(client, search, first):
    found = client.get("/api/items", params={"search": search, "size": 8}).json()["items"]
    assert first in found[0]["item"]


def test_an_order_applies_to_what_is_found(client, both_client, events_client):
    query = {"search": "star", "sort": "ratings", "descending": False}
    found = client.get("/api/items", params=query).json()
    ratings = [item["ratings"] for item in found["items"]]
    assert len(ratings) == found["total"] > 10
    assert ratings == sorted(ratings)
    for other in (both_client, events_client):
        assert other.get("/api/items", params={"search": "star"}).json()["total"] == len(ratings)
    assert client.get("/api/items", params={"search": "zzxq"}).json()["total"] == 0


def finder(page):
    return page.get_by_role("banner").get_by_role("combobox", name="Find a title")


def at_item(page, item):
    page.get_by_role("heading", name=item, level=1).wait_for()
    expect(finder(page)).to_have_value("")


def test_enter_waits_for_the_suggestions_of_the_text_as_it_is(tab, address):
    with opened(tab, address) as page:
        field = finder(page)
        field.focus()
        page.keyboard.type("sta")
        expect(page.get_by_role("option").first).to_have_text(re.compile("^Star Wars"))
        page.keyboard.type("rship troopers")
        page.keyboard.press("Enter")
        at_item(page, "Starship Troopers (1997)")

        field.focus()  # before any suggestion is there, and with arrows
        page.keyboard.type("alien")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        at_item(page, "Aliens (1986)")

        field.focus()  # nothing is taken that was not asked for
        page.keyboard.type("star")
        expect(page.get_by_role("option").first).to_be_visible()
        page.keyboard.type("zzq")
        page.keyboard.press("Enter")
        expect(page.get_by_role("option")).to_have_text(["No title like “starzzq”"])
        page.keyboard.press("Enter")
        assert page.url.endswith("#/item/176")


def test_answers_that_come_late_change_nothing(tab, address):
    """The first search is answered after the second, and another after the text was cleared."""
    with opened(tab, address) as page:
        held = []

        def hold(route):
            held.append(route)

        page.route(re.compile(r"/api/items\?search=(fargo|heat)&"), hold)
        field = finder(page)
        field.fill("fargo")
        expect(page.locator(".find .combobox")).to_have_attribute("aria-busy", "true")
        wait_until(page, lambda: len(held) == 1)
        field.fill("titanic")
        expect(page.get_by_role("option").first).to_contain_text("Titanic (1997)")
        held[0].continue_()
        field.fill("heat")
        wait_until(page, lambda: len(held) == 2)
        page.get_by_role("button", name="Clear the text").click()
        expect(field).to_be_focused()
        held[1].continue_()
        expect(page.get_by_role("option")).to_have_count(0)
        expect(page.locator(".find [aria-busy]")).to_have_count(0)
        page.unroute_all()
        field.fill("heat")
        page.keyboard.press("Enter")
        at_item(page, "Heat (1995)")


def wait_until(page, condition):
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError


def test_the_list_by_keyboard_and_mouse_and_its_states(tab, address):
    with opened(tab, address, "#/users") as page:
        page.keyboard.press("/")
        field = finder(page)
        expect(field).to_be_focused()
        page.keyboard.type("the godfahter/")  # a slash that is typed is text
        expect(field).to_have_value("the godfahter/")
        option = page.get_by_role("option")
        expect(option).to_have_count(2)
        page.keyboard.press("ArrowUp")
        expect(option.nth(1)).to_have_attribute("aria-selected", "true")
        shown = field.get_attribute("aria-activedescendant")
        assert shown == option.nth(1).get_attribute("id")
        page.keyboard.press("Escape")
        expect(field).to_have_attribute("aria-expanded", "false")
        expect(field).to_have_value("the godfahter/")
        field.click()
        option.nth(1).click()
        at_item(page, "Godfather: Part II, The (1974)")

        page.keyboard.press("/")
        page.keyboard.type("no such title")
        expect(option).to_have_text(["No title like “no such title”"])
        expect(option).to_have_attribute("aria-disabled", "true")
        expect(page.locator("#announcement")).to_have_text("No title like “no such title”")
        expect(field).to_have_attribute("aria-expanded", "true")
        for where in in_each_size_and_scheme(page, (PHONE,)):
            assert_fits(page, where)
            assert_accessible(page, where)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(field).to_have_value("")


def test_the_filter_of_the_items_forgives_too(tab, address):
    with opened(tab, address, "#/items?search=godfahter") as page:
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.locator('[data-chart="items"] .plot')).to_have_attribute("data-points", "2")
        go(page, address, "#/items?search=the")  # the plot has those of all pages
        matching = page.request.get(f"{address}/api/items?search=the").json()["total"]
        assert matching > 30
        plot = page.locator('[data-chart="items"] .plot')
        expect(plot).to_have_attribute("data-points", str(matching))
        go(page, address, "#/items?search=starwars")
        expect(page.locator("tbody tr")).to_contain_text(["Star Wars (1977)"])


def test_a_suggestion_is_taken_by_a_finger(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(address)
    finder(page).tap()
    page.keyboard.type("casabl")
    page.get_by_role("option", name=re.compile("Casablanca")).tap()
    at_item(page, "Casablanca (1942)")
    context.close()
