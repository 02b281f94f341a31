"""The report of a model of both questions, and of one of events or counts alone."""

import re

import pytest

import palate
import palate.plots
from palate.solvers._combined import Combined

from .test_report import SCREENS, opened, prose

COURSE = "Course of the fit by step"
NEEDS_RATINGS = "knows what people pick, not how they like it"


@pytest.fixture(scope="module")
def of_events(events, folder):
    return palate.plots.report(events, folder / "events.html", user=196)


def rows_of(path, caption):
    """Return the first cells of the table below a heading."""
    section = path.read_text().partition(f">{caption}</h3>")[2]
    table = section.partition("</table>")[0]
    return [re.sub(r"<small>.*", "", cell) for cell in re.findall(r"<tr><td>(.*?)</td>", table)]


def shown(titles):
    return [title.replace("&", "&amp;").replace("'", "&#x27;") for title in titles]


def test_the_list_of_both_has_both_reasons(both, written_both):
    me, text = both.user(196), prose(written_both)
    best = me.recommend(10, explain=True)
    assert rows_of(written_both, "Recommendations") == shown(best["item"])
    by_rating = me.recommend(2000, by="rating", explain=True)
    reasons = dict(by_rating.select("id", "reason").iter_rows())
    for item, reason in best.select("id", "reason").iter_rows():
        assert f"B{reason[1:]}" in text
        liked = reasons[item][0].upper() + reasons[item][1:]
        assert liked.replace("(-", "(\N{MINUS SIGN}") in text
    assert me.explain_choice(best["id"][0]).sentence in text
    assert me.explain(best["id"][0]).sentence.split(":")[0] in text
    assert "Beside it, a choice model was fitted" in text
    assert "weighted by the chance of a high rating to the power 0.5" in text
    assert "Because they picked" in text
    expected = f"{best['prediction'][0]:.2f} \N{PLUS-MINUS SIGN} {best['sd'][0]:.2f}"
    assert f"{best['chance'][0]:.1%} {expected}" in text


@pytest.mark.parametrize(
    ("by", "summary"),
    [("choice", "Show what they would pick, liked or not"),
     ("rating", "Show what they would like, picked or not")],
)  # fmt: skip
def test_the_lists_of_each_question_alone_are_folded(both, written_both, tab, by, summary):
    best = both.user(196).recommend(10, by=by, explain=True)
    with opened(tab, written_both) as page:
        details = page.locator("details", has_text=summary)
        rows = details.locator("tbody tr")
        assert not rows.first.is_visible()
        details.locator("summary").click()
        assert rows.first.is_visible()
        shown = rows.locator("td:first-child").all_inner_texts()
        for text, item, reason in zip(shown, best["item"], best["reason"], strict=True):
            assert text.splitlines()[0] == " ".join(item.split())
            assert reason[1:].replace("(-", "(\N{MINUS SIGN}") in text
            assert ("ecause they picked" in text) == (by == "choice")


def test_the_report_of_a_model_of_ratings_has_no_reasons_of_choice(written_196):
    text = prose(written_196)
    assert "ecause they picked" not in text
    assert "choice model" not in text


def test_the_report_of_events(of_events, events, tab):
    text = prose(of_events)
    assert text.count(NEEDS_RATINGS) == 1
    assert "What people pick" in text
    for part in ("100,000", "943", "1,682", "User 196 picked 39 items"):
        assert part in text
    assert "rating points" not in text
    best = events.user(196).recommend(10, explain=True)
    assert rows_of(of_events, "Recommendations") == shown(best["item"])
    assert f"B{best['reason'][0][1:]}" in text
    also = events.profile([50]).recommend(5)["item"]
    assert all(title in text for title in also)
    with opened(tab, of_events) as page:
        assert page.locator("section").count() == 5
        titles = page.locator(".figure .gtitle").all_text_contents()
        assert titles == ["Number of people per item", "Number of items per user", COURSE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SCREENS, ids=[str(width) for width, _ in SCREENS])
def test_the_report_of_events_fits(of_events, tab, size, scheme):
    with opened(tab, of_events, size, scheme) as page:
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size[0]


def test_the_history_of_the_choice_model_is_the_quality_of_its_lists(events):
    figure = palate.plots.history(events)
    assert [trace.name for trace in figure.data] == ["ndcg_10"]
    assert "nDCG@10" in figure.layout.yaxis.title.text


@pytest.mark.parametrize("draw", ["biases", "gap", "axes", "map"])
def test_figures_that_need_ratings_say_so(events, draw):
    with pytest.raises(palate.SettingError, match=NEEDS_RATINGS):
        getattr(palate.plots, draw)(events)


def test_an_evaluation_shows_the_lists_of_each_question(both, ml100k, tmp_path):
    few = ml100k.take(ml100k.user < 150)
    solver = palate.Gibbs(factors=4, sweeps=20, burn_in=5)
    evaluation = palate.evaluate(few, [Combined(solver)], split="random")
    path = palate.plots.report(both, tmp_path / "evaluated.html", evaluation=evaluation)
    text, page = prose(path), path.read_text()
    assert page.count('<tr class="own"><td>Palate</td>') == 1
    for part in ("The choice model", "Gibbs sampling", "Item neighbours"):
        assert f"<td>{part}</td>" in page
    assert evaluation.sentence in text
    assert f"{evaluation.results[0]['ndcg_10']:.3f}" in text


def test_an_evaluation_of_events_has_no_columns_of_ratings(events, tmp_path):
    few = events.ratings.take(events.ratings.user < 150)
    evaluation = palate.evaluate(few, split="random")
    path = palate.plots.report(events, tmp_path / "evaluated.html", evaluation=evaluation)
    assert "RMSE" not in prose(path)
    assert '<tr class="own"><td>Palate</td>' in path.read_text()
    assert evaluation.sentence in prose(path)


def test_counts_and_models_without_users(events, tmp_path):
    table = {"user": [1, 1, 2, 2, 3, 3], "item": list("abbcca"), "count": [40, 2, 3, 1, 9, 70]}
    model = palate.fit(palate.read_ratings(table, kind="counts"))
    text = prose(palate.plots.report(model, tmp_path / "counts.html", user=1))
    assert "The counts" in text
    assert "a 40" in text
    events.save(tmp_path / "m", users=False)
    path = palate.plots.report(palate.load(tmp_path / "m"), tmp_path / "alone.html")
    assert "model.profile({title: 1})" in prose(path)


def test_the_choice_model_of_ratings_has_a_report(choice, tmp_path):
    text = prose(palate.plots.report(choice, tmp_path / "choice.html", user=196))
    assert "The ratings" in text
    assert text.count(NEEDS_RATINGS) == 1
