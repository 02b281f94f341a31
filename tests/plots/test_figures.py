"""Figures: they show the values of the model's tables, and text stays text."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
import palate.plots

FIGURES = {
    "biases": palate.plots.biases,
    "gap": palate.plots.gap,
    "popularity": palate.plots.popularity,
    "axes": palate.plots.axes,
    "map": palate.plots.map,
    "components": lambda model, **settings: palate.plots.map(
        model, "component 1", "component 3", **settings
    ),
    "by ratings": lambda model, **settings: palate.plots.map(
        model, "ratings", "mean", colour="ratings", **settings
    ),
    "history": palate.plots.history,
    "neighbours": lambda model, **settings: palate.plots.neighbours(model, 50, **settings),
    "explanation": lambda model, **settings: palate.plots.explanation(
        model.user(196).explain(50), **settings
    ),
    "portrait": lambda model, **settings: palate.plots.portrait(
        model.user(196).describe(), **settings
    ),
}


@pytest.fixture(params=["model", "bayes"])
def either(request):
    return request.getfixturevalue(request.param)


def axis_pairs(figure):
    """Return the pairs of axes that the traces of a figure are on."""
    names = {(trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data}
    return [
        tuple(figure.layout[f"{name[0]}axis{name[1:]}"] for name in pair) for pair in sorted(names)
    ]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_a_title_and_axes_with_units(either, draw):
    figure = draw(either)
    assert figure.layout.title.text
    assert figure.layout.width == 920
    for x, y in axis_pairs(figure):
        assert x.title.text
        assert y.title.text or len(y.ticktext)
    if draw is not palate.plots.history:
        assert "(" in figure.layout.xaxis.title.text


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_only_the_layout_depends_on_the_width(bayes, draw):
    wide, narrow = draw(bayes), draw(bayes, width=358)
    assert narrow.layout.width == 358
    assert [trace.to_json() for trace in wide.data] == [trace.to_json() for trace in narrow.data]


def test_biases_agree_with_the_table(bayes, model):
    highest, lowest = palate.plots.biases(bayes, 4).data
    table = bayes.biases()
    np.testing.assert_allclose(highest.x, table["bias"][:4])
    np.testing.assert_allclose(np.add(highest.x, highest.error_x.array), table["upper"][:4])
    np.testing.assert_allclose(
        np.subtract(lowest.x, lowest.error_x.arrayminus), table["lower"][-4:].reverse()
    )
    assert "90%" in highest.hovertext[0]
    highest, _ = palate.plots.biases(model, 4).data
    assert highest.error_x.array is None
    assert "90%" not in highest.hovertext[0]


def test_a_small_model_has_no_item_on_both_lists(small):
    tiny = palate.OneCycle(factors=2, epochs=1).fit(small)
    highest, lowest = palate.plots.biases(tiny).data
    assert len(highest.x) == len(lowest.x) == 2


def test_the_gap_has_reasons(bayes):
    figure = palate.plots.gap(bayes, labels=6)
    others, better, worse = figure.data
    table = bayes.biases("gap")
    assert len(others.x) + 6 == table.height
    assert len(better.x) == (table["gap"][:6] > 0).sum()
    assert len(better.x) + len(worse.x) == 6
    reason = table["reason"][0].split(" (")[0]
    assert any(reason in text for text in [*better.hovertext, *worse.hovertext])
    assert 0 < len(figure.layout.annotations) <= 6
    fewer = palate.plots.gap(bayes, labels=6, most_rated=10).data[0]
    assert len(fewer.x) == 10
    assert "Star Wars (1977)" in fewer.hovertext[0]


def test_an_axis_has_its_exemplars_and_associations(bayes):
    row = bayes.axes(3).row(0, named=True)
    items, links = palate.plots.axes(bayes, 1, exemplars=3).data
    ends = [*row["high"], *row["low"][::-1]]
    np.testing.assert_allclose(items.x, [item["position"] for item in ends])
    assert links.x[0] == pytest.approx(row["along"][0]["association"])


def test_the_map_of_the_book_in_one_call(either):
    figure = palate.plots.map(either, "component 1", "component 3")
    assert sum(len(trace.x) for trace in figure.data) == 1000
    assert len(figure.layout.annotations) >= 20
    assert "score" in figure.layout.xaxis.title.text or "rating" in figure.layout.xaxis.title.text


def test_the_map_is_coloured_by_columns_bias_or_number_of_ratings(bayes, small):
    kinds = [trace.name for trace in palate.plots.map(bayes).data]
    assert {"Drama", "Comedy", "other"} < set(kinds)
    assert len(kinds) == 9
    (points,) = palate.plots.map(palate.OneCycle(factors=2).fit(small)).data
    assert points.marker.cmin == -points.marker.cmax
    (points,) = palate.plots.map(bayes, colour="year").data
    assert points.marker.color.max() == 1998
    (points,) = palate.plots.map(bayes, colour="ratings", most_rated=None).data
    assert points.marker.color.max() == pytest.approx(np.log10(583))
    assert len(points.x) == 1682


def test_flags_and_missing_categories_have_colours(small, altered):
    columns = pl.DataFrame(
        {"drink": [0, 1, 0, 1], "kind": ["a", None, "b", "a"], "same": [1.0] * 4}
    )
    fitted = palate.OneCycle(factors=2, epochs=1).fit(small)
    described = altered(fitted, items=fitted.items.hstack(columns))
    flags = palate.plots.map(described, colour="drink").data
    assert {trace.name for trace in flags} == {"drink", "not drink"}
    assert [t.name for t in palate.plots.map(described, colour="kind").data] == ["other", "a", "b"]
    with pytest.raises(palate.SettingError, match="'same' does not distinguish items"):
        palate.plots.map(described, colour="same")


def test_the_map_has_titles_and_intervals_on_hover(bayes):
    figure = palate.plots.map(bayes, "bias", "ratings", most_rated=1)
    (text,) = figure.data[0].hovertext
    assert text.startswith("Star Wars (1977)<br>bias: +")
    assert "90%" in text
    assert figure.layout.yaxis.type == "log"


def test_the_history_has_the_recorded_columns(model, bayes):
    assert [line.name for line in palate.plots.history(model).data] == ["train_loss"]
    figure = palate.plots.history(bayes)
    assert [line.name for line in figure.data] == ["noise_sd", "train_rmse"]
    assert figure.layout.shapes[0].x0 == 20
    np.testing.assert_allclose(figure.data[0].y, bayes.history["noise_sd"])


def test_both_waterfalls_end_at_the_score(either):
    why = either.user(196).explain("Heat (1995)")
    bars = palate.plots.explanation(why).data
    for waterfall, total in (bars[:2], bars[2:]):
        assert waterfall.base[-1] + waterfall.x[-1] == pytest.approx(why.score)
        assert total.x[0] == pytest.approx(why.score)
        starts = np.array(waterfall.base, dtype=float)
        np.testing.assert_allclose(starts[1:], np.cumsum(waterfall.x)[:-1], atol=1e-9)


def test_popularity_agrees_with_the_table(either):
    figure = palate.plots.popularity(either, 4)
    others, often, rarely, line = figure.data
    table = either.popularity()
    for drawn, contrast in (
        (often, table.filter(contrast="picked often, liked little").head(4)),
        (rarely, table.filter(contrast="picked rarely, well liked").tail(4).reverse()),
    ):
        assert drawn.name == contrast["contrast"][0]
        np.testing.assert_allclose(drawn.x, contrast["bias"])
        np.testing.assert_allclose(drawn.y, contrast["ratings"])
        assert contrast["item"][0] in drawn.hovertext[0]
    assert len(others.x) == table.height - 8
    labels = {note.text for note in figure.layout.annotations}
    for drawn in (often, rarely):
        assert labels & {text.split("<br>")[0] for text in drawn.hovertext}
    # On the line an item is picked as often as others that are liked as well.
    slope, level = np.polyfit(table["bias"], np.log(table["ratings"]), 1)
    np.testing.assert_allclose(line.y, np.exp(level + slope * np.array(line.x)), rtol=1e-6)
    assert len(palate.plots.popularity(either, 4, most_rated=7).data[0].x) == 7


def test_popularity_needs_ratings_and_enough_of_them(model, events):
    with pytest.raises(palate.SettingError, match="lower min_ratings"):
        palate.plots.popularity(model, min_ratings=10**6)
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        palate.plots.popularity(events)


def test_a_portrait_has_percentiles(bayes):
    portrait = bayes.user(196).describe()
    (dots,) = palate.plots.portrait(portrait, 3).data
    expected = [*portrait.axes["percentile"][:3], portrait.generosity["percentile"]]
    np.testing.assert_allclose(dots.x, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: palate.plots.biases(model, 0), "n is 0; it must be at least 1"),
        (lambda model: palate.plots.axes(model, 99), "there is no axis 99; this model has"),
        (lambda model: palate.plots.gap(model, width=10), "width is 10"),
        (lambda model: palate.plots.gap(model, min_ratings=10**6), "lower min_ratings"),
        (lambda model: palate.plots.map(model, "axis 99"), "there is no 'axis 99'"),
        (lambda model: palate.plots.map(model, colour="taste"), "there is no colour 'taste'"),
        (lambda model: palate.plots.map(model, labels=-1), "labels is -1"),
        (lambda model: palate.plots.map(model, most_rated=0), "most_rated is 0"),
        (lambda model: palate.plots.gap(model, most_rated=0), "most_rated is 0"),
        (lambda model: palate.plots.popularity(model, -1), "n is -1"),
        (lambda model: palate.plots.popularity(model, most_rated=0), "most_rated is 0"),
        (lambda model: palate.plots.neighbours(model, "Heat (1995)", 0), "n is 0"),
        (lambda _: palate.plots.explanation("why"), "must be the result of Profile.explain"),
        (lambda _: palate.plots.portrait("who"), "must be the result of Profile.describe"),
    ],
)
def test_invalid_arguments_are_rejected(model, call, message):
    with pytest.raises(palate.SettingError, match=message):
        call(model)


def test_a_model_without_history_is_refused(model, altered):
    with pytest.raises(palate.SettingError, match="has no history of its fit"):
        palate.plots.history(altered(model, fit=replace(model.fit, history=[])))


def test_without_plotly_the_error_names_the_extra():
    code = "import sys; sys.modules['plotly'] = None\nimport palate.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("MissingExtraError: figures and reports need an extra: "
                         "pip install 'palate[plots]'")  # fmt: skip


def test_plots_are_an_attribute_of_palate():
    code = "import palate; print(callable(palate.plots.report))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_titles_stay_text_in_figures(hostile):
    plots = palate.plots
    for draw in (plots.biases, plots.map, plots.axes, plots.gap, plots.popularity):
        text = "".join(part for part in strings(draw(hostile).to_dict()))
        for tag in ("<script", "</script", "<img", "<a href", "<i>", "<b>bold", "$"):
            assert tag not in text


def strings(part):
    """Return all text in nested dictionaries and lists."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from strings(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from strings(value)
