"""The examples in docstrings run, and every reading has one."""

import doctest
import inspect

import pytest

import palate
from palate import plots
from palate.solvers import fit

EXPLAINED = [
    *(getattr(palate.Model, name) for name in ("biases", "user_biases", "axes", "similar")),
    *(getattr(palate.Model, name) for name in ("similar_users", "map", "vectors")),
    *(getattr(palate.Profile, name) for name in ("explain", "explain_choice")),
    *(getattr(palate.Profile, name) for name in ("describe", "next_questions")),
    *(getattr(plots, name) for name in plots.__all__),
]


@pytest.mark.parametrize("function", EXPLAINED, ids=lambda function: function.__qualname__)
def test_examples(function, ml100k, default, monkeypatch, tmp_path):
    """The default model, which nearly all of them fit, is fitted once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(palate, "movielens", lambda name: ml100k)

    def fit_unless_known(ratings, solver=None):
        assert ratings is ml100k
        return default if solver is None else fit(ratings, solver)

    monkeypatch.setattr(palate, "fit", fit_unless_known)
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner()
    examples = 0
    for test in finder.find(inspect.unwrap(function), function.__qualname__, globs={}):
        examples += len(test.examples)
        assert runner.run(test).failed == 0
    assert examples > 0
