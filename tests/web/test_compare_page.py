"""The views that compare two models, two titles and two people, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, TABLET, serving_in_thread
from .test_page import (
    assert_accessible,
    assert_fits,
    go,
    in_each_size_and_scheme,
    opened,
    wait_until_idle,
)

VIEWS = {
    "models": "#/compare?r=50:5,100:4",
    "titles": "#/compare/items?a=50&b=100",
    "people": "#/compare/people?a=196&b=1",
    "one": "#/compare/items?a=50",
}
SIZES = (PHONE, TABLET, DESKTOP)


@pytest.fixture(scope="module")
def two(folder, point):
    with serving_in_thread(folder, other=point) as address:
        yield address


def titles_of(page, model):
    return page.locator(f'[data-model="{model}"] .what > a')


def test_two_lists_are_joined_where_they_have_a_title_in_common(tab, two, bayes, model):
    mine = {50: 5, 100: 4}
    lists = [one.profile(mine).recommend(10)["item"].to_list() for one in (bayes, model)]
    common = set(lists[0]) & set(lists[1])
    assert 0 < len(common) < 10
    with opened(tab, two, "#/compare?r=50:5,100:4") as page:
        expect(page.get_by_role("heading", name="bayes beside point")).to_be_visible()
        for name, listed in zip(("bayes", "point"), lists, strict=True):
            expect(titles_of(page, name)).to_have_text(listed)
        expect(page.locator('[data-list="compared"] .sentence')).to_have_text(
            f"{len(common)} of 10 titles are in both lists."
        )
        expect(page.locator(".joins path")).to_have_count(len(common))
        title = next(one for one in lists[0] if one in common)
        rows = page.locator("li.common", has_text=title)
        expect(rows).to_have_count(2)
        ends = [row.locator(".place").bounding_box() for row in rows.all()]
        line = page.locator(f'.joins path[data-item="{rows.first.get_attribute("data-item")}"]')
        box = line.bounding_box()
        heights = sorted(end["y"] + end["height"] / 2 for end in ends)
        assert [box["y"], box["y"] + box["height"]] == pytest.approx(heights, abs=4)  # its width
        rows.first.get_by_role("link").focus()
        expect(line).to_have_class("lit")
        place = lists[1].index(title) + 1
        where = "at the same place" if lists[0].index(title) + 1 == place else f"at place {place}"
        expect(rows.first).to_contain_text(f"{where} in point")


def test_reasons_come_from_the_model_of_the_list(tab, two, model):
    with opened(tab, two, "#/compare?r=50:5,100:4") as page:
        first = page.locator('[data-model="point"] li').first
        before = page.locator(".joins path").last.get_attribute("d")
        first.get_by_role("button", name=re.compile("^Why")).press("Enter")
        sentence = model.profile({50: 5, 100: 4}).explain(
            titles_of(page, "point").first.inner_text()
        )
        expect(first.locator(".why .sentence").last).to_have_text(
            sentence.sentence.replace("(-", "(−")  # noqa: RUF001
        )
        expect(page.locator(".joins path").last).not_to_have_attribute("d", before)


def test_the_person_is_chosen_by_keyboard_and_is_in_the_address(tab, two, bayes):
    with opened(tab, two, "#/try?r=127:5") as page:
        wait_until_idle(page)
        page.get_by_role("link", name="Compare", exact=True).press("Enter")
        page.wait_for_url("**#/compare?r=127:5")
        expect(titles_of(page, "bayes")).to_have_text(
            bayes.profile({127: 5}).recommend(10)["item"].to_list()
        )
        page.get_by_role("combobox", name="Add a title they like").fill("fargo")
        page.get_by_role("option").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**r=127:5,100:5*")
        page.get_by_role("group", name="Rate Fargo (1996)").get_by_label("2 of 5").check(force=True)
        page.wait_for_url("**r=127:5,100:2*")
        expect(titles_of(page, "bayes")).to_have_text(
            bayes.profile({127: 5, 100: 2}).recommend(10)["item"].to_list()
        )
        page.get_by_role("combobox", name="Or a known user").fill("196")
        page.get_by_role("option").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**user=196*")
        expect(titles_of(page, "bayes")).to_have_text(
            bayes.user(196).recommend(10)["item"].to_list()
        )
        page.get_by_role("link", name="Me, with my 1 rating").press("Enter")
        expect(page.get_by_text("Somebody who rated 1 title")).to_be_visible()
        page.get_by_role("link", name="Somebody new").press("Enter")
        expect(page.get_by_text("Anybody: nothing is known of them")).to_be_visible()
        page.go_back()
        expect(page.get_by_text("Somebody who rated 1 title")).to_be_visible()


def test_the_models_are_compared_as_a_whole(tab, two, bayes, model):
    with opened(tab, two, "#/compare") as page:
        alike = page.get_by_role("region", name="How alike their lists are")
        expect(alike).to_contain_text(re.compile(r"On average \d+% of a list of 10 from bayes"))
        expect(alike).to_contain_text("all 943 whom both models know")
        liked = page.get_by_role("region", name="What one likes better")
        expect(liked.get_by_role("listitem")).to_have_count(20)
        accurate = page.get_by_role("region", name="Which is more accurate?")
        accurate.get_by_role("button", name="Measure it").press("Enter")
        expect(accurate).to_contain_text("Fitting both models again")
        expect(accurate.locator('[data-measure="rmse"]')).to_be_visible(timeout=60_000)
        expect(accurate).to_contain_text("model bayes predicts ratings best")
        expect(accurate.locator('[data-measure="rmse"] .ours')).to_contain_text("bayes")


def test_a_title_and_a_person_are_compared_from_their_pages(tab, two):
    with opened(tab, two, "#/item/50") as page:
        page.get_by_role("link", name="Compare with ...").click()
        expect(page.get_by_role("heading", name="Star Wars (1977) and ...")).to_be_visible()
        page.get_by_role("combobox", name="Compare it with").fill("fargo")
        page.get_by_role("option").first.click()
        page.get_by_role("heading", name="Star Wars (1977) and Fargo (1996)").wait_for()
        expect(page.get_by_text("394 people rated both; by chance it would")).to_be_visible()
        expect(page.get_by_text("People like Star Wars (1977) better")).to_be_visible()
        go(page, two, "#/user/196")
        page.get_by_role("link", name="Compare with ...").click()
        page.get_by_role("combobox", name="Compare with user").fill("1")
        page.get_by_role("option").first.click()
        page.get_by_role("heading", name="User 196 and user 1").wait_for()
        expect(page.get_by_text("Both rated 19 titles.")).to_be_visible()
        expect(
            page.get_by_role("region", name="Their tastes").locator(".tracks b")
        ).not_to_have_count(0)
        suggestions = page.get_by_role("region", name="What each could recommend")
        expect(suggestions.get_by_role("listitem")).to_have_count(16)


def test_on_a_phone_one_list_is_above_the_other(tab, two):
    with opened(tab, two, "#/compare?user=196", PHONE) as page:
        lists = page.locator("[data-model]")
        expect(lists).to_have_count(2)
        first, second = (one.bounding_box() for one in lists.all())
        assert second["y"] >= first["y"] + first["height"]
        expect(page.locator(".joins")).to_be_hidden()
        expect(lists.first).to_contain_text(re.compile(r"at (the same )?place( \d+)? in point"))


def test_one_model_has_no_view_of_models_but_those_of_pairs(tab, address):
    with opened(tab, address, "#/compare") as page:
        expect(page.get_by_text("There is one model here")).to_be_visible()
        expect(page.locator('[data-view="compare"]').first).to_be_hidden()
        page.get_by_role("link", name="two titles").click()
        expect(page.get_by_role("combobox", name="First title")).to_be_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_every_comparison_fits_and_is_accessible(tab, two, view):
    with opened(tab, two, VIEWS[view], SIZES[0]) as page:
        wait_until_idle(page)
        for where in in_each_size_and_scheme(page, SIZES):
            assert_fits(page, where)
            assert_accessible(page, where)


def test_titles_and_people_of_events(tab, events_address):
    with opened(tab, events_address, "#/compare/items?a=50&b=100") as page:
        expect(page.get_by_text("394 people picked both; by chance")).to_be_visible()
        assert page.get_by_role("region", name="Which is liked better").count() == 0
        go(page, events_address, "#/compare/people?a=196&b=1")
        expect(page.get_by_text("Both picked 19 titles.")).to_be_visible()
        assert page.get_by_role("region", name="Their tastes").count() == 0
        wait_until_idle(page)
        assert_accessible(page, "people of events")


def test_what_does_not_exist_is_said_and_something_else_can_be_chosen(tab, two):
    tab.goto(f"{two}/#/compare/items?a=50&b=nix")
    expect(tab.get_by_role("alert")).to_contain_text("There is no item 'nix'")
    expect(tab.get_by_role("combobox", name="Another second title")).to_be_visible()
    tab.goto(f"{two}/#/compare?user=nix")
    expect(tab.get_by_role("alert")).to_contain_text("Model bayes: there is no user 'nix'")
    expect(tab.get_by_role("combobox", name="Add a title they like")).to_be_visible()
    tab.goto("about:blank")
