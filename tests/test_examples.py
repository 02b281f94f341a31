"""The examples in docstrings run, and every reading has one."""

import doctest
import inspect

import pytest

import palate
from palate import plots

EXPLAINED = [
    *(getattr(palate.Model, name) for name in ("biases", "user_biases", "axes", "similar")),
    *(getattr(palate.Model, name) for name in ("similar_users", "map", "vectors")),
    *(getattr(palate.Profile, name) for name in ("explain", "explain_choice")),
    *(getattr(palate.Profile, name) for name in ("describe", "next_questions")),
    *(getattr(plots, name) for name in plots.__all__),
]


@pytest.mark.usefixtures("fit_default_once")
@pytest.mark.parametrize("function", EXPLAINED, ids=lambda function: function.__qualname__)
def test_examples(function, monkeypatch, tmp_path):
    """The default model, which nearly all of them fit, is fitted once."""
    monkeypatch.chdir(tmp_path)
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner()
    examples = 0
    for test in finder.find(inspect.unwrap(function), function.__qualname__, globs={}):
        examples += len(test.examples)
        assert runner.run(test).failed == 0
    assert examples > 0
