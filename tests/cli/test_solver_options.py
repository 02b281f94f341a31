"""Options for the settings of solvers: made of the solvers, complete, and described."""

import dataclasses
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

import palate
from palate.cli._solver_options import (
    EvaluateCommand,
    FitCommand,
    chosen_solver,
    chosen_solvers,
    default_solver,
)
from palate.solvers._registry import SOLVERS

SETTINGS = [
    (solver, field)
    for solver in SOLVERS.values()
    for field in dataclasses.fields(solver)
    if field.name != "seed"
]


def run(command, choose, *arguments):
    """Run a command with solver options; return what it chose and what it printed."""
    app, chosen = typer.Typer(), []

    @app.command(cls=command)
    def choose_solver(context: typer.Context) -> None:
        chosen.append(choose(context, 7))

    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    if isinstance(result.exception, palate.PalateError):
        raise result.exception
    return (chosen or [None])[0], result


def chosen(*arguments):
    return run(FitCommand, chosen_solver, *arguments)[0]


@pytest.fixture(scope="module")
def help_texts():
    """Return the help of each option by its name, without line breaks."""
    app = typer.Typer()

    @app.command(cls=FitCommand)
    def choose_solver(context: typer.Context) -> None:
        pass

    command = typer.main.get_command(app)
    parameters = command.get_params(typer.Context(command))
    return {option: one.help for one in parameters for option in one.opts}


@pytest.mark.parametrize(
    ("solver", "field"), SETTINGS, ids=[f"{solver.name} {field.name}" for solver, field in SETTINGS]
)
def test_every_setting_has_an_option_with_its_description_and_default(solver, field, help_texts):
    text = help_texts[f"--{field.name.replace('_', '-')}"]
    assert f"{solver.name}: " in text
    own = text.partition(f"{solver.name}: ")[2]
    description = own.split("; by default ")[0].split(". ")[0]
    assert len(description.split()) >= 3
    if field.default is not None:
        shown = f"{field.default:g}" if isinstance(field.default, float) else field.default
        assert own.startswith(f"{description}; by default {shown}.")


def test_the_default_solver_is_that_of_the_ratings_with_the_given_seed(small):
    assert chosen() is None
    assert default_solver(small, 7) == palate.Gibbs(seed=7)
    assert default_solver(replace(small, kind="events"), 7) == palate.Choice(seed=7)


def test_settings_reach_the_solver():
    assert chosen("--sweeps", "9", "--burn-in", "3") == palate.Gibbs(sweeps=9, burn_in=3, seed=7)
    arguments = ["--solver", "one-cycle", "--factors", "4", "--y-range", "-1", "6"]
    assert chosen(*arguments) == palate.OneCycle(factors=4, y_range=(-1, 6), seed=7)


def test_a_setting_of_one_solver_alone_chooses_that_solver():
    assert chosen("--wd", "0.2") == palate.OneCycle(wd=0.2, seed=7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solver", "gibbs", "--lr-max", "1"], "--lr-max is a setting of one-cycle, and not of"),
        (["--solver", "one-cycle", "--burn-in", "2"], "--burn-in is a setting of gibbs, and not"),
        (["--sweeps", "9", "--epochs", "2"], "--epochs is a setting of one-cycle, and not of gibb"),
        (["--factors", "0"], "factors is 0; it must be at least 1"),
    ],
)
def test_an_option_of_another_solver_or_a_bad_value_is_refused(arguments, message):
    with pytest.raises(palate.SettingError, match=message):
        chosen(*arguments)


def test_an_unknown_solver_is_wrong_usage():
    found, result = run(FitCommand, chosen_solver, "--solver", "svd")
    assert found is None
    assert result.exit_code == 2
    assert "svd" in result.output


def test_an_evaluation_takes_several_solvers_or_all_and_no_settings():
    def all_chosen(*arguments):
        return run(EvaluateCommand, chosen_solvers, *arguments)

    assert all_chosen()[0] is None  # palate.evaluate chooses
    twice = ["--solver", "one-cycle", "--solver", "gibbs", "--solver", "one-cycle"]
    assert all_chosen(*twice)[0] == [palate.OneCycle(seed=7), palate.Gibbs(seed=7)]
    assert all_chosen("--factors", "3")[1].exit_code == 2
