"""The examples in docstrings run, and every reading has one."""

import doctest
import functools
import inspect

import pytest

import palate
from palate import plots
from palate.solvers import fit

EXPLAINED = [
    *(getattr(palate.Model, name) for name in ("biases", "user_biases", "axes", "similar")),
    *(getattr(palate.Model, name) for name in ("similar_users", "map")),
    *(getattr(palate.Profile, name) for name in ("explain", "explain_choice")),
    *(getattr(palate.Profile, name) for name in ("describe", "next_questions")),
    *(getattr(plots, name) for name in plots.__all__),
]


@pytest.mark.parametrize("function", EXPLAINED, ids=lambda function: function.__qualname__)
def test_examples(function, ml100k, monkeypatch, tmp_path):
    """The models that they fit are fitted once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(palate, "movielens", lambda name: ml100k)
    monkeypatch.setattr(palate, "fit", _fit)
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner()
    examples = 0
    for test in finder.find(inspect.unwrap(function), function.__qualname__, globs={}):
        examples += len(test.examples)
        assert runner.run(test).failed == 0
    assert examples > 0


@functools.cache
def _fit(ratings, solver=None):
    return fit(ratings, solver)
