"""Reasons: both decompositions sum to the prediction, and each part equals its definition."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference._user_posterior import infer
from palate.learned._ratings_input import history_of_person


def someone(model, rng):
    """Return a known user, or a new profile of up to 40 ratings (none now and then)."""
    if rng.random() < 0.5:
        return model.user(int(rng.integers(1, 944)))
    items = rng.choice(np.arange(1, 1683), int(rng.integers(0, 41)), replace=False).tolist()
    titles = [item for item in items if model.learned.item_counts[item - 1]]
    return model.profile({item: int(rng.integers(1, 6)) for item in titles})


def test_both_decompositions_sum_to_the_score(either):
    """For 1,000 pairs of a person and an item."""
    rng = np.random.default_rng(0)
    for _ in range(250):
        profile = someone(either, rng)
        for item in rng.integers(1, 1683, 4).tolist():
            why = profile.explain(item, int(rng.integers(1, 60)) if item % 2 else None)
            table = profile.row.astype(float), either.learned.item_table[item - 1].astype(float)
            score = (
                table[0][:-1] @ table[1][:-1]
                + table[0][-1]
                + table[1][-1]
                + either.learned.likelihood.mu
            )
            assert why.score == pytest.approx(score, abs=1e-5)
            assert why.parts["contribution"].sum() == pytest.approx(why.score, abs=1e-5)
            assert why.ratings["contribution"].sum() == pytest.approx(why.score, abs=1e-5)
            predicted = profile.predict(item)["prediction"][0]
            assert why.prediction == pytest.approx(predicted, abs=1e-5)
            linear = np.float32([why.score - either.learned.likelihood.mu])
            assert float(either.learned.likelihood.rating(linear)[0]) == pytest.approx(
                predicted, abs=1e-5
            )


def score_at(model, given, item, variance):
    """Return the score of an item for a person whose ratings have a given relative variance."""
    history, _ = history_of_person(model.learned, given, "error")
    one = infer(history, model.learned.parameters, 1, variance=np.array([variance]))
    row = model.learned.item_table[model.learned.item_index.row(item)]
    mean = one.mean[0].astype(float)
    return model.learned.likelihood.mu + float(row[:-1] @ mean[:-1] + row[-1] + mean[-1])


def test_the_contribution_of_a_rating_is_lost_if_it_is_as_expected(bayes):
    """A rating of mu + b_j, which has no information, contributes nothing by its value."""
    given = {"Fargo (1996)": 5, "Titanic (1997)": 2, "Heat (1995)": 4}
    profile = bayes.profile(given)
    why = profile.explain("Star Wars (1977)", None)
    contributions = dict(why.ratings.iter_rows())
    row = bayes.learned.item_index.row("Titanic (1997)")
    nothing = float(bayes.learned.likelihood.mu + bayes.item_biases[row])
    variance = profile.rating_posterior.variance
    other = score_at(bayes, given | {"Titanic (1997)": nothing}, "Star Wars (1977)", variance)
    lost = why.score - other
    assert lost == pytest.approx(contributions["you gave Titanic (1997) 2"], abs=1e-5)


def test_what_an_item_adds_by_being_rated_is_the_change_of_the_prior_mean(bayes):
    """Beside the definition: the features without the item's loadings, and n as it is."""
    given = {"Fargo (1996)": 5, "Titanic (1997)": 2, "Heat (1995)": 4}
    profile = bayes.profile(given)
    why = profile.explain("Star Wars (1977)", None)
    learned, user = bayes.learned, profile.rating_posterior
    prior, titanic = learned.parameters.user_prior, learned.item_index.row("Titanic (1997)")
    features = prior.features
    without = replace(features, loadings=np.where(
        np.arange(bayes.items.height)[:, None] == titanic, 0, features.loadings
    ))  # fmt: skip
    change = (features.of(user.history, 1) - without.of(user.history, 1))[0]
    change = change @ prior.coefficients[: features.count]
    z = np.append(bayes.item_factors[learned.item_index.row("Star Wars (1977)")], 1)
    expected = z @ user.covariance.astype(float) @ prior.precision @ change / user.variance
    found = dict(why.ratings.iter_rows())["that you rated Titanic (1997) at all"]
    assert found == pytest.approx(expected, abs=1e-5)
    assert abs(found) > 1e-3


def test_a_rating_that_matters_by_its_existence_is_said_to(bayes):
    """Its value and its existence are two contributions; a sentence names the larger one."""
    kinds = set()
    for item in range(1, 60):
        profile = bayes.profile({item: 3})
        why = profile.explain("Heat (1995)", None)
        title = bayes.items["item"][item - 1]
        by_value, by_existence = f"you gave {title} 3", f"that you rated {title} at all"
        values = dict(why.ratings.iter_rows())
        said = max((by_value, by_existence), key=lambda name: abs(values[name]))
        if abs(values[said]) >= 0.005:
            kinds.add(said == by_value)
            verb = "raises" if values[said] > 0 else "lowers"
            cause = f"Your 3 for {title}" if said == by_value else f"That you rated {title} at all"
            assert why.sentence.endswith(f" {cause} {verb} it most ({values[said]:+.2f}).")
    assert kinds == {True, False}


def test_the_counterfactual_equals_a_profile_with_the_changed_rating(bayes):
    """The relative variance of the person's ratings stays as it is."""
    rng = np.random.default_rng(1)
    given = {int(i): int(rng.integers(1, 6)) for i in rng.choice(np.arange(1, 400), 15, False)}
    profile = bayes.profile(given)
    why = profile.explain("Star Wars (1977)")
    found = why.counterfactual
    moves = {}
    for item, rating in given.items():
        changed = given | {item: rating + (1 if rating < 5 else -1)}
        moves[item] = score_at(
            bayes, changed, "Star Wars (1977)", profile.rating_posterior.variance
        )
    most = max(moves, key=lambda item: abs(moves[item] - why.score))
    assert bayes.items["item"][most - 1] == found["item"]
    assert found["rating"] == given[most]
    assert found["changed_to"] == given[most] + (1 if given[most] < 5 else -1)
    assert found["score"] == pytest.approx(moves[most], abs=1e-4)


def test_a_counterfactual_of_a_sigmoid_holds_to_first_order(model):
    given = {"Fargo (1996)": 5, "Titanic (1997)": 2, "Heat (1995)": 4}
    found = model.profile(given).explain("Star Wars (1977)").counterfactual
    changed = model.profile(given | {found["item"]: found["changed_to"]}).explain(
        "Star Wars (1977)"
    )
    before = model.profile(given).explain("Star Wars (1977)").prediction
    assert found["prediction"] - before == pytest.approx(changed.prediction - before, rel=0.25)


def test_the_tables_list_the_largest_parts_and_sum_the_others(bayes):
    why = bayes.user(196).explain("Heat (1995)", 3)
    assert why.parts["name"].to_list()[:3] == ["average", "their bias", "its bias"]
    for *_, value in why.parts.rows()[:-1]:
        assert abs(value) >= 0.05
    kept = why.parts.height - 1
    folded = rf"{3 + bayes.factors - kept} (smaller|other) parts"
    assert re.fullmatch(folded, why.parts["name"][-1])
    full = bayes.user(196).explain("Heat (1995)", None)
    assert full.parts.height == 3 + bayes.factors
    assert full.ratings["name"][3] == "their age, gender and occupation"
    sizes = full.ratings["contribution"].abs().to_list()[4:]
    assert sizes == sorted(sizes, reverse=True)
    assert full.ratings.height == 4 + 39 + 39
    largest = why.ratings.filter(pl.col("name").str.contains("^(they gave|that they rated) "))
    assert largest.rows() == full.ratings.rows()[4:7]
    assert full.unit == "rating"
    assert str(full) == full.sentence
    assert full.sentence.startswith("They are expected to give Heat (1995) 3.")


def test_the_end_that_a_person_leans_to_follows_from_the_signs(bayes):
    profile = bayes.user(196)
    item = bayes.learned.item_index.row("Heat (1995)")
    for name, value in profile.explain("Heat (1995)", None).parts.iter_rows():
        if name.startswith("axis"):
            axis = int(name.split(":")[0].split()[1]) - 1
            user_position, item_position = profile.row[axis], bayes.item_factors[item, axis]
            assert (
                ("and so does this" in name) == (value > 0) == (user_position * item_position > 0)
            )
            assert f"they lean to {bayes.axis_names.leanings[axis][int(user_position > 0)]}" in name


def test_an_explanation_of_a_point_estimate_is_on_the_scale_of_the_score(model):
    why = model.user(196).explain("Heat (1995)")
    assert why.unit == "score"
    assert "as a score" in why.sentence
    whole = model.user(196).explain("Heat (1995)", None)
    assert "not explained by these ratings" in whole.ratings["name"].to_list()
    # An inferred profile rests on its ratings alone.
    new = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2}).explain("Heat (1995)", None)
    assert dict(new.ratings.iter_rows())["not explained by these ratings"] == pytest.approx(
        0, abs=1e-3
    )


def test_what_is_zero_as_it_is_printed_is_no_reason(bayes):
    whys = (bayes.profile({item: 4}).explain("Heat (1995)", 1) for item in bayes.items["id"])
    why = next(why for why in whys if " it most (" not in why.sentence)
    assert why.sentence.endswith("No single one of your ratings matters to it.")
    assert why.ratings["name"][-1].endswith(" smaller parts")


def test_recommendations_with_reasons(either):
    best = either.user(196).recommend(5, explain=True)
    assert best.drop("reason").equals(either.user(196).recommend(5))
    for reason, item in zip(best["reason"], best["id"], strict=True):
        why = either.user(196).explain(item, None).ratings
        own = why.filter(pl.col("name").str.contains("^(they gave|that they rated) "))
        name, value = own.sort("contribution", descending=True).row(0)
        assert f"{name} ({value:+.2f})" in reason.split("; ")
    alone = either.profile({}).recommend(2, explain=True)["reason"]
    assert alone[0].startswith("it is well liked (+")


def test_bad_requests_are_refused(bayes):
    with pytest.raises(palate.UnknownIdError, match="there is no item 'Nope'"):
        bayes.user(196).explain("Nope")
    with pytest.raises(palate.SettingError, match="n is 0"):
        bayes.user(196).explain("Heat (1995)", 0)


def test_an_explanation_without_ratings(either):
    why = either.profile({}).explain("Heat (1995)")
    assert why.counterfactual is None
    assert why.ratings["contribution"].sum() == pytest.approx(why.score, abs=1e-5)


def test_items_are_on_the_same_side_of_an_axis_as_on_the_map(model):
    side = dict(model.map().select("item", "x").iter_rows())
    low, high = model.axis_names.leanings[0]
    for title in ("Toy Story (1995)", "Fargo (1996)", "Heat (1995)", "Star Wars (1977)"):
        why = model.user(1).explain(title, None).parts["name"].to_list()
        name = next(line for line in why if line.startswith("axis 1:"))
        user_end = high if f"they lean to {high}" in name else low
        other_end = {low: high, high: low}[user_end]
        item_end = user_end if "and so does this" in name else other_end
        assert item_end == (high if side[title] > 0 else low)


@pytest.mark.parametrize(("low", "star"), [(0.0, 0.25), (-10.0, 1.0)])
def test_counterfactuals_stay_on_the_scale_of_the_ratings(low, star):
    """A rating changes by 1, or by a quarter of a short scale."""
    rng = np.random.default_rng(0)
    values = np.linspace(low, -low or 1, 5)
    rows = {(int(u), int(i)): values[(u + i) % 5] for u, i in rng.integers(0, 15, (150, 2))}
    table = {
        "user": [u for u, _ in rows],
        "item": [i for _, i in rows],
        "rating": list(rows.values()),
    }
    model = palate.Gibbs(factors=2, sweeps=30).fit(palate.read_ratings(table))
    for user in model.users["id"]:
        found = model.user(user).explain(0).counterfactual
        assert abs(found["changed_to"] - found["rating"]) == pytest.approx(star)
        assert values[0] <= found["changed_to"] <= values[-1]


def test_an_item_that_was_rated_is_explained_with_its_rating(bayes):
    text = str(bayes.user(196).explain("Men in Black (1997)"))
    assert text.startswith("They gave Men in Black (1997) 2; their expected rating is ")
