"""Users and a user in a real browser: sorting, histories, similar users, what-ifs and code."""

import polars as pl
from playwright.sync_api import expect

from .test_items_page import copied, downloaded, run_curl, run_python
from .test_page import go, opened, recommendations, wait_until_idle


def test_users_are_sorted_searched_and_paged(tab, address, bayes):
    table = bayes.user_biases()
    with opened(tab, address, "#/users") as page:
        links = page.locator("tbody tr a")
        most = table.sort("ratings", descending=True)["user"][0]
        expect(links.first).to_have_text(f"User {most}")
        page.get_by_role("button", name="Rating habit").click()
        page.wait_for_url("**sort=bias*")
        expect(links.first).to_have_text(f"User {table.sort('bias')['user'][-1]}")
        page.get_by_role("button", name="Typically off by").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**sort=spread&descending=false")
        expect(links.first).to_have_text(f"User {table.sort('spread')['user'][0]}")
        expect(page.get_by_role("button", name="Typically off by")).to_be_focused()
        page.go_back()
        expect(links.first).to_have_text(f"User {table.sort('bias')['user'][-1]}")
        page.get_by_label("User id begins with").fill("19")
        expect(page.locator("[data-total]")).to_have_text("11 users")
        go(page, address, "#/users?page=99")
        expect(page.locator(".pager")).to_contain_text("Page 19 of 19")
        page.get_by_label("User id begins with").fill("none")
        expect(page.locator(".results")).to_contain_text("id begins with")


def test_a_user_has_a_whole_history_and_similar_users(tab, address, bayes):
    with opened(tab, address, "#/user/196") as page:
        history = page.locator('[data-list="history"]')
        rows = history.locator("tbody tr")
        expect(rows).to_have_count(25)
        expect(history.locator("[data-total]")).to_have_text("39 ratings")
        history.get_by_role("link", name="Next").click()
        expect(rows).to_have_count(14)
        listed = recommendations(page)
        page.get_by_role("button", name="Why?").first.click()
        expect(page.get_by_role("heading", name="How they would like it")).to_be_visible()
        page.get_by_role("link", name="Most surprising").click()
        page.wait_for_url("**sort=surprise")
        first = bayes.user(196).describe(1).surprises.row(0, named=True)
        expect(rows.first).to_contain_text(first["item"])
        expect(rows.first).to_contain_text(f"{first['expected']:.2f}")
        page.get_by_role("button", name="Difference").click()
        page.wait_for_url("**sort=residual*")
        expect(history.locator("th[aria-sort=descending]")).to_contain_text("Difference")
        assert recommendations(page) == listed  # they are not asked for again
        page.go_back()
        expect(rows.first).to_contain_text(first["item"])
        similar = bayes.similar_users(196)
        links = page.locator('[data-section="similar"] tbody a')
        expect(links).to_have_text([f"User {user}" for user in similar["user"]])
        counts = page.locator("table.rating-counts tbody tr td:nth-child(3)").all_inner_texts()
        assert sum(int(n) for n in counts) == 39
        links.first.click()
        expect(page.locator("h1")).to_have_text(f"User {similar['user'][0]}")


def test_a_history_is_taken_into_try_it(tab, address):
    with opened(tab, address, "#/user/196") as page:
        before = recommendations(page)
        page.get_by_role("button", name="Open in Try it").click()
        page.wait_for_url("**#/try?r=*")
        expect(page.locator('[data-list="rated"] li')).to_have_count(39)
        wait_until_idle(page)
        assert len(set(before) & set(recommendations(page))) >= 6  # age and sex are not known there
        go(page, address, "#/user/405")
        expect(page.get_by_text("up to 200 of their ratings")).to_be_visible()
        page.get_by_role("button", name="Open in Try it").click()
        page.wait_for_url("**#/try?r=*")
        expect(page.locator('[data-list="rated"] li')).to_have_count(200)


def test_a_history_is_exported_and_copied_as_code(tab, address, folder, bayes, tmp_path, capsys):
    with opened(tab, address, "#/user/196?sort=time") as page:
        name, rows = downloaded(page)
        assert (name, len(rows)) == ("user-196.csv", 39)
        frame = bayes.ratings.frame().filter(pl.col("user") == 196)
        assert {int(row["id"]) for row in rows} == set(frame["item"])
        found = run_curl(copied(page, "Copy as curl"))["recommendations"]
        assert [one["item"] for one in found] == list(recommendations(page))
        printed = run_python(copied(page, "Copy as Python"), folder, tmp_path, capsys)
        assert str(bayes.user(196).describe()) in printed
        assert "similarity" in printed


def test_a_user_of_a_model_of_events(tab, events_address, events_folder, tmp_path, capsys):
    with opened(tab, events_address, "#/user/196") as page:
        history = page.locator('[data-list="history"]')
        expect(history.get_by_role("columnheader")).to_have_text(["Item", "When"])
        expect(page.get_by_role("heading", name="People with similar tastes")).to_have_count(0)
        printed = run_python(copied(page, "Copy as Python"), events_folder, tmp_path, capsys)
        assert "Because" in printed or "reason" in printed
        expect(page.locator("main")).to_contain_text("What if they had picked something else?")
        page.get_by_role("button", name="Open in Try it").click()
        expect(page.locator('[data-list="rated"] li')).to_have_count(39)
        go(page, events_address, "#/users")
        expect(page.get_by_role("columnheader")).to_have_text(["User", "Items"])
