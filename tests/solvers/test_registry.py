"""The registry of solvers: by name, with their settings, titles and descriptions."""

import pytest

import palate
from palate.solvers._registry import (
    SOLVERS,
    solver_by_name,
    solver_description,
    solver_title,
)

OTHERS = {
    "gibbs": palate.Gibbs(factors=3, sweeps=9, burn_in=2, seed=5),
    "choice": palate.Choice(seed=5),
    "one-cycle": palate.OneCycle(factors=3, epochs=2, wd=0.2, y_range=(0, 6), seed=5),
}


def test_the_default_solver_comes_first(small):
    assert list(SOLVERS) == ["gibbs", "one-cycle", "choice"]
    assert palate.fit(small).fit.solver == "gibbs"


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_is_restored_from_its_name_and_settings(name):
    solver = OTHERS[name]
    assert solver_by_name(name, solver.settings) == solver
    assert solver != SOLVERS[name]()


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_has_a_title_and_a_description(name):
    assert solver_title(name) == SOLVERS[name].title != name
    assert solver_description(name) == SOLVERS[name].description
    assert solver_description(name).endswith(".")


def test_a_solver_of_somebody_else_has_its_name_but_cannot_be_made():
    assert solver_title("mine") == "mine"
    assert "fitted to the ratings" in solver_description("mine")
    with pytest.raises(palate.SettingError, match="no solver 'mine'; choose one of gibbs"):
        solver_by_name("mine", {})
