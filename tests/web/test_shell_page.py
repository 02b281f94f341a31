"""What surrounds the views: colours, keys, loading, a replaced model, a service that is away."""

import re

import polars as pl
from playwright.sync_api import expect

import palate

from .conftest import PHONE, holder_of, serving_in_thread
from .test_page import (
    SHOWN,
    assert_accessible,
    assert_fits,
    in_each_size_and_scheme,
    opened,
    wait_until_idle,
)

PAGE = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(251, 250, 247)", "rgb(20, 22, 26)"
# Whether the page was ever drawn in light colours, and how often colours changed.
WATCH = """
    window.drawn = new Set(); window.changes = 0;
    document.addEventListener('themechange', () => { window.changes += 1; });
    requestAnimationFrame(function look() {
        if (document.body) window.drawn.add(getComputedStyle(document.body).backgroundColor);
        requestAnimationFrame(look);
    });
"""


def test_colours_are_chosen_kept_and_never_flash(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(SHOWN)
    button = page.get_by_role("button", name=re.compile("^Colours"))
    for name, shown in (("light", LIGHT), ("dark", DARK)):
        button.click()
        expect(button).to_have_accessible_name(f"Colours: {name}")
        assert page.evaluate(PAGE) == shown
    page.add_init_script(WATCH)
    page.reload()
    page.wait_for_selector(SHOWN)
    assert page.evaluate("[...drawn]") == [DARK]
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    before = page.evaluate("changes")
    button.click()
    assert page.evaluate("changes") == before + 1
    assert page.evaluate(PAGE) == LIGHT  # that of the device
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(PAGE) == DARK
    context.close()


def test_a_slash_is_a_key_only_where_nobody_types(tab, address):
    with opened(tab, address, "#/items") as page:
        field = page.get_by_role("banner").get_by_role("combobox", name="Find a title")
        page.get_by_label("Search titles").focus()
        page.keyboard.press("/")
        expect(page.get_by_label("Search titles")).to_have_value("/")
        page.get_by_label("Search titles").fill("")
        page.locator("h1").focus()
        page.keyboard.press("Control+/")
        expect(field).not_to_be_focused()
        page.keyboard.press("/")
        expect(field).to_be_focused()
        expect(field).to_have_value("")
        expect(field).to_have_attribute("aria-keyshortcuts", "/")


def test_a_view_that_loads_slowly_has_a_skeleton_of_its_own(tab, address):
    with opened(tab, address) as page:
        held = []

        def hold(route):
            held.append(route)

        page.route("**/api/items/50", hold)
        page.evaluate("location.hash = '#/item/50'")
        expect(page.locator('[data-skeleton="item"]')).to_be_visible()
        expect(page.locator("main")).to_have_attribute("aria-busy", "true")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert_fits(page, PHONE)
        held[0].continue_()
        page.get_by_role("heading", name="Star Wars (1977)", level=1).wait_for()
        expect(page.locator(".skeleton")).to_have_count(0)
        page.unroute_all()


def test_a_replaced_model_is_noticed_and_nothing_of_the_visitor_is_lost(tab, bayes, tmp_path):
    folder = tmp_path / "m"
    bayes.save(folder)
    with (
        serving_in_thread(folder) as address,
        opened(tab, address, "#/try?r=100:5,50:4") as page,
    ):
        rated = page.locator('[data-list="rated"] li')
        expect(rated).to_have_count(2)
        page.evaluate("window.isSamePage = true")
        table = {"user": [9999, 9999], "item": [50, 100], "rating": [5, 1], "timestamp": [1, 1]}
        update(bayes, table).save(folder)
        assert holder_of(folder).reload_if_changed()
        page.get_by_role("link", name="Users").click()
        expect(page.get_by_text("The model has been updated.")).to_be_visible()
        expect(page.locator(".lead")).to_contain_text("944 people")
        page.get_by_role("link", name="Try it").click()
        expect(rated).to_have_count(2)
        assert page.evaluate("isSamePage")
        wait_until_idle(page)
        for where in in_each_size_and_scheme(page, (PHONE,)):
            assert_accessible(page, where)


def update(model, table):
    return model.update(palate.read_ratings(pl.DataFrame(table))).model


def test_a_service_that_is_away_is_waited_for(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/#/users")
    page.wait_for_selector(SHOWN)
    context.set_offline(True)
    page.evaluate("location.hash = '#/item/50'")
    page.get_by_role("heading", name="Palate does not respond").wait_for()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="Palate does not respond").wait_for()
    for where in in_each_size_and_scheme(page, (PHONE,)):
        assert_fits(page, where)
        assert_accessible(page, where)
    context.set_offline(False)
    page.get_by_role("heading", name="Star Wars (1977)", level=1).wait_for()  # by itself
    context.close()
