"""Figures from sums over groups of people: those of all people at once."""

from functools import partial

import numpy as np
import pytest

import palate
from palate.evaluation import _measure, _significance
from palate.evaluation._baselines import BASELINES
from palate.evaluation._evaluate import _measured
from palate.evaluation._figure_sums import Answers, Figures, HeldOut, sums_of
from palate.evaluation._held_out_parts import Part
from palate.evaluation._item_neighbours import cosines
from palate.evaluation._relevance import relevant_pairs


def test_groups_of_people_add_up(ml100k):
    """The figures of the baselines, their standard errors and the numbers of people."""
    train, valid = palate.splits.random(ml100k.take(np.arange(9000)), 0.3)
    test = _measure.Test(Part(train, train, valid), train, threads=1)
    expected = _measured([test], {}, lambda message: None)
    baselines = [baseline.of(train) for baseline in BASELINES]
    total = {}
    for group in (np.arange(valid.users.height) % 3 == n for n in range(3)):
        given, own = train.take(group[train.user]), group[valid.user]
        relevant = relevant_pairs(train, valid.take(own))
        held_out = HeldOut(
            given.by_user(), valid.user[own], test.cold[own], relevant, test.genres,
            partial(cosines, train),
        )  # fmt: skip
        answers = []
        for baseline in baselines:
            guess = baseline.predict(given, valid.user[own], valid.item[own])
            error = None if guess is None else guess - valid.rating[own]
            top = baseline.top_items(given, test.eligible, _measure.N, threads=1)
            # The people of other groups have no lists here.
            top = None if top is None else np.where(group[:, None], top, -1)
            answers.append(Answers(baseline.name, error, top))
        sums = sums_of(answers, held_out, train.items.height)
        total = {name: total.get(name, 0) + values for name, values in sums.items()}
    figures = Figures([baseline.name for baseline in BASELINES], total, int(test.eligible.sum()))
    ours = _significance.results_from(
        {name: [figures.of(name, None)] for name in figures.names}, figures.error
    )
    assert figures.cold == test.cold.sum() > 0
    assert figures.people == _significance.people_compared(expected)
    for found, wanted in zip(ours, _significance.results_of(expected), strict=True):
        for figure in wanted.keys() - {"folds", "fit_seconds", "name"}:
            assert found[figure] == pytest.approx(wanted[figure], abs=1e-9), figure
