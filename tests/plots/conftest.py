"""Fixtures: reports that several tests read."""

import pytest

import palate.plots


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return a folder for reports."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def written(bayes, folder):
    return palate.plots.report(bayes, folder / "bayes.html")


@pytest.fixture(scope="session")
def written_196(bayes, folder):
    """Return the report that portrays user 196."""
    return palate.plots.report(bayes, folder / "user.html", user=196)


@pytest.fixture(scope="session")
def written_point(model, folder):
    """Return the report of a point estimate."""
    return palate.plots.report(model, folder / "point.html")


@pytest.fixture(scope="session")
def written_both(both, folder):
    """Return the report of both questions that portrays user 196."""
    return palate.plots.report(both, folder / "both.html", user=196)
