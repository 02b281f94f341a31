"""Items and an item in a real browser: pages, rating in place, counts of ratings, CSV and code."""

import contextlib
import csv
import io
import json
import re
import subprocess

import numpy as np
import pytest
from playwright.sync_api import expect

from .conftest import PHONE
from .test_page import assert_fits, go, opened, wait_until_idle


def copied(page, name):
    """Return what a button copies."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    buttons = page.locator(".copy > button")
    button = buttons.nth([text.strip() for text in buttons.all_inner_texts()].index(name))
    button.click()
    expect(button).to_have_text("Copied")
    return page.evaluate("navigator.clipboard.readText()")


def run_python(code, folder, tmp_path, capsys):
    """Run a program that loads the folder `model`, and return what it prints."""
    (tmp_path / "model").symlink_to(folder)
    with contextlib.chdir(tmp_path):
        capsys.readouterr()
        exec(compile(code, "copied", "exec"), {})
        return capsys.readouterr().out


def run_curl(command):
    return json.loads(
        subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    )


def downloaded(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    text = download.value.path().read_text(encoding="utf-8")
    return download.value.suggested_filename, list(csv.DictReader(io.StringIO(text)))


def test_a_page_beyond_the_end_is_the_last_one(tab, address):
    with opened(tab, address, "#/items?page=500") as page:
        expect(page.locator(".pager")).to_contain_text("Page 57 of 57")
        expect(page.locator("tbody tr")).to_have_count(2)
        assert page.url.endswith("page=57")
        assert page.get_by_text("No item matches").count() == 0
        page.get_by_role("link", name="Previous").click()
        expect(page.locator(".pager")).to_contain_text("Page 56 of 57")
        page.go_back()
        expect(page.locator(".pager")).to_contain_text("Page 57 of 57")
        go(page, address, "#/items?page=nonsense")
        expect(page.locator(".pager")).to_contain_text("Page 1 of 57")
        go(page, address, "#/items?search=no+such+title&page=3")
        expect(page.locator(".results")).to_have_text(re.compile("^No item matches"))


def test_chosen_items_are_listed_alone_with_a_way_back(tab, address):
    with opened(tab, address, "#/items?id=100&id=50&id=268&id=nonsense") as page:
        expect(page.locator("[data-total]")).to_have_text("3 chosen items")
        expect(page.locator("tbody th a")).to_have_text(
            ["Fargo (1996)", "Star Wars (1977)", "Chasing Amy (1997) [id 268]"]
        )
        expect(page.locator(".results .note")).to_have_text("Not known here: nonsense.")
        expect(page.locator(".plot")).to_have_attribute("data-points", "3")
        expect(page.get_by_label("Search titles")).to_be_hidden()
        page.get_by_role("link", name="Show all items").click()
        expect(page.locator("[data-total]")).to_have_text("1,682 items")
        expect(page.locator(".plot")).to_have_attribute("data-points", "1682")
        expect(page.get_by_label("Search titles")).to_be_visible()


def test_the_plot_shows_what_the_list_finds(tab, address):
    with opened(tab, address, "#/items?search=satr+wars") as page:
        total = page.locator("[data-total]")
        expect(total).not_to_have_attribute("data-total", "0")
        points = total.get_attribute("data-total")
        expect(page.locator(".plot")).to_have_attribute("data-points", points)


def test_chosen_items_are_named_sorted_exported_and_left(tab, address, folder, tmp_path, capsys):
    with opened(tab, address, "#/items?id=50&id=100&id=181") as page:
        rows = page.locator("tbody tr")
        expect(page.locator(".count-line")).to_contain_text("3 chosen items")
        page.get_by_role("button", name="Ratings").click()
        expect(rows).to_contain_text(["Star Wars", "Fargo", "Return of the Jedi"])
        page.get_by_role("button", name="Ratings").click()
        expect(rows).to_contain_text(["Return of the Jedi", "Fargo", "Star Wars"])
        _, exported = downloaded(page)
        assert [row["id"] for row in exported] == ["181", "100", "50"]
        printed = run_python(copied(page, "Copy as Python"), folder, tmp_path, capsys)
        assert "shape: (3," in printed
        page.get_by_role("link", name="Show all items").click()
        expect(page.locator(".count-line")).to_contain_text("1,682 items")


def test_why_mean_and_bias_differ_is_said_only_if_they_do(tab, address):
    def comparison(page):
        return page.get_by_role("region", name="Where its mean comes from").locator("p").first

    with opened(tab, address, "#/item/181") as page:
        expect(comparison(page)).to_contain_text("what the model does not explain")
        response = page.request.get(f"{address}/api/items/181").json()
        alike = {"mean": response["mu"] + response["bias"], "raters_bias": 0.01}
        alike |= {"raters_interaction": -0.01, "residual": 0.0}
        page.route("**/api/items/181", lambda route: route.fulfill(json=response | alike))
        go(page, address, "#/items")
        go(page, address, "#/item/181")
        expect(comparison(page)).to_contain_text("They are much the same")
        page.unroute_all()


def test_items_are_rated_in_the_list_by_keyboard_and_on_their_pages(tab, address):
    with opened(tab, address, "#/items?search=star+wars") as page:
        row = page.locator('tr[data-item="50"]')
        group = row.get_by_role("group", name="Rate Star Wars (1977)")
        group.get_by_role("radio", name="3 of 5").focus()
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text="You have rated")).to_contain_text(
            "1 title"
        )
        row.get_by_role("link").click()
        expect(page.locator("h1")).to_have_text("Star Wars (1977)")
        expect(page.get_by_role("radio", name="4 of 5")).to_be_checked()
        page.get_by_role("radio", name="2 of 5").check()
        page.go_back()
        expect(group.get_by_role("radio", name="2 of 5")).to_be_checked()
        page.get_by_role("link", name="See what suits you").click()
        page.wait_for_url("**#/try?r=50:2*")
        expect(page.locator("h1")).to_have_text("Try it")
        wait_until_idle(page)
        page.go_back()
        expect(page.locator("h1")).to_have_text("Items")
        group.get_by_role("button", name="Clear").click()
        expect(page.get_by_text("You have rated")).to_have_count(0)


def test_the_list_is_exported_and_copied_as_code(
    tab, address, folder, bayes, tmp_path, capsys, monkeypatch
):
    fragment = "#/items?sort=gap&descending=false&where=genres=Comedy&search=the&min_ratings=20"
    with opened(tab, address, fragment) as page:
        shown = page.locator("tbody tr a")
        total = int(page.locator(".results [data-total]").get_attribute("data-total"))
        titles = shown.all_inner_texts()
        name, rows = downloaded(page)
        assert (name, len(rows)) == ("items.csv", total)
        assert [row["item"] for row in rows][: len(titles)] == titles
        found = run_curl(copied(page, "Copy as curl"))
        assert [one["item"] for one in found["items"]] == titles
        wait_until_idle(page)
        monkeypatch.setenv("POLARS_FMT_STR_LEN", "100")
        printed = run_python(copied(page, "Copy as Python"), folder, tmp_path, capsys)
        assert f"shape: ({total}, " in printed
        assert titles[0].split()[0] in printed


def test_an_item_has_counts_beside_expectations_and_code_that_runs(
    tab, address, folder, bayes, tmp_path, capsys
):
    with opened(tab, address, "#/item/50") as page:
        table = page.locator("table.rating-counts")
        own = bayes.ratings.rating[bayes.ratings.item == 49].astype(int)
        counts = np.bincount(own, minlength=6)[:0:-1]
        expect(table.locator("tbody tr")).to_have_count(5)
        given = table.locator("tbody tr td:nth-child(3)").all_inner_texts()
        assert given == [str(n) for n in counts]
        expected = [int(x) for x in table.locator("tbody tr td:nth-child(4)").all_inner_texts()]
        assert sum(expected) == pytest.approx(len(own), abs=2)
        assert run_curl(copied(page, "Copy as curl"))["item"] == "Star Wars (1977)"
        printed = run_python(copied(page, "Copy as Python"), folder, tmp_path, capsys)
        assert "Star Wars (1977)" in printed
        assert "Empire" in printed


def test_the_code_of_a_model_of_events_runs(tab, events_address, events_folder, tmp_path, capsys):
    with opened(tab, events_address, "#/item/50") as page:
        assert page.get_by_role("heading", name="How it is rated").count() == 0
        assert run_curl(copied(page, "Copy as curl"))["ratings"] == 583
        first = page.locator('[data-section="also-picked"] li a').first.inner_text()
        printed = run_python(copied(page, "Copy as Python"), events_folder, tmp_path, capsys)
        assert first[:20] in printed
        go(page, events_address, "#/items?search=fargo")
        _, rows = downloaded(page)
        assert [(row["item"], row["ratings"]) for row in rows] == [("Fargo (1996)", "508")]
        page.get_by_role("button", name="Pick Fargo").click()
        expect(page.get_by_role("button", name="Pick Fargo")).to_have_attribute(
            "aria-pressed", "true"
        )


def test_a_touch_rates_in_the_dark_on_a_phone(browser, address):
    width, height = PHONE
    context = browser.new_context(
        has_touch=True, color_scheme="dark", viewport={"width": width, "height": height}
    )
    page = context.new_page()
    try:
        go(page, address, "#/items?sort=ratings")
        star = page.locator('tr[data-item="50"]').get_by_role("radio", name="5 of 5")
        assert star.bounding_box()["height"] >= 34
        star.tap()
        expect(page.get_by_role("status").filter(has_text="You have rated")).to_be_visible()
        assert_fits(page, "items")
        page.locator('tr[data-item="50"] a').tap()
        expect(page.locator("h1")).to_have_text("Star Wars (1977)")
        expect(page.get_by_role("radio", name="5 of 5")).to_be_checked()
        wait_until_idle(page)
        assert_fits(page, "item")
        go(page, address, "#/user/405")
        wait_until_idle(page)
        assert_fits(page, "user")
        page.get_by_role("link", name="Most surprising").tap()
        page.wait_for_url("**sort=surprise*")
    finally:
        context.close()


def test_one_noise_is_shown_and_the_fit_is_told_in_words(tab, address, bayes):
    typical = f"{bayes.user(196).describe().predictability['noise_sd']:.2f}"
    with opened(tab, address) as page:
        counts = page.locator('[data-section="counts"]')
        expect(counts).to_contain_text(re.compile(rf"Typically off by\s*{typical}"))
        expect(page.locator('[data-section="evaluation"]')).to_contain_text(typical)
        fit = page.locator('[data-section="fit"]')
        fit.get_by_text("Solver, settings").click()
        expect(fit).to_contain_text(typical)
        assert "oise" not in fit.inner_text()
        expect(page.get_by_role("navigation", name="Start here").get_by_role("link")).to_have_count(
            4
        )
