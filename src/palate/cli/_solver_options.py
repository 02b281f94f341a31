"""The options for solvers and their settings, generated from the solvers.

Importing the solvers takes half a second, so they are imported only for commands that fit.
"""

# ruff: noqa: PLC0415

import dataclasses
import functools
import inspect
import re
from enum import StrEnum
from typing import Any

import typer

from palate.cli._ratings_options import ReadingCommand

# Settings of every solver, for which the commands declare options.
_COMMON = {"seed"}
_META = "palate.solver_options"


class FitCommand(ReadingCommand):
    """A command with the option --solver, and an option for each setting of each solver."""

    several_solvers = False

    def get_params(self, ctx: Any) -> Any:
        """Return the declared parameters, then those of the solvers."""
        *declared, help_option = super().get_params(ctx)
        return [*declared, *_options(several_solvers=self.several_solvers), help_option]

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the values of the solver options are put into the context."""
        names = [option.name for option in _options(several_solvers=self.several_solvers)]
        ctx.meta[_META] = {name: ctx.params.pop(name) for name in names}
        return super().invoke(ctx)


class EvaluateCommand(FitCommand):
    """A command with the option --solver, which may be repeated."""

    several_solvers = True


def chosen_solver(context: typer.Context, seed: int) -> Any:
    """Return the solver that the options of a `FitCommand` describe; None without any.

    Raises
    ------
    SettingError
        If a setting is out of range, or belongs to another solver.
    """
    from palate.errors import SettingError
    from palate.solvers._registry import SOLVERS

    settings = {k: v for k, v in context.meta[_META].items() if v is not None}
    if not settings:
        return None
    chosen = settings.pop("solver", None)
    names = list(SOLVERS) if chosen is None else [str(chosen)]
    fitting = [name for name in names if set(settings) <= set(_settings_of(SOLVERS[name]))]
    if fitting:
        return SOLVERS[fitting[0]](seed=seed, **settings)
    wrong = next(name for name in settings if name not in _settings_of(SOLVERS[names[0]]))
    owners = [name for name, solver in SOLVERS.items() if wrong in _settings_of(solver)]
    raise SettingError(
        f"--{wrong.replace('_', '-')} is a setting of {owners[0]}, and not of {names[0]}"
    )


def chosen_solvers(context: typer.Context, seed: int) -> list[Any] | None:
    """Return the solvers that the options of an `EvaluateCommand` name; None without any."""
    from palate.solvers._registry import SOLVERS

    names = dict.fromkeys(map(str, context.meta[_META]["solver"] or ()))
    return [SOLVERS[name](seed=seed) for name in names] or None


def default_solver(ratings: Any, seed: int, *, events: bool = False) -> Any:
    """Return the solver of these ratings, events or counts where none is chosen.

    Without any they are in a cluster, and `events` says what they are.
    """
    import palate

    events = events or (ratings is not None and ratings.kind != "ratings")
    return palate.Choice(seed) if events else palate.Gibbs(seed=seed)


@functools.cache
def _options(*, several_solvers: bool) -> list[Any]:
    """Return the options, which typer generates from the signature of a function."""
    from palate.solvers._registry import SOLVERS

    options: dict[str, tuple[Any, str]]
    # A StrEnum, since not every version of typer converts the name that is given.
    choice: Any = StrEnum("Solver", dict(zip(SOLVERS, SOLVERS, strict=True)))  # type: ignore[misc]
    if several_solvers:
        help_text = (
            "Evaluate this solver; repeat the option for more. By default Palate's models, by both "
            "questions and by each alone, and one-cycle."
        )
        options = {"solver": (list[choice], help_text)}
    else:
        titles = "; ".join(f"{name}: {solver.title}" for name, solver in SOLVERS.items())
        help_text = (
            f"{titles}. By default {next(iter(SOLVERS))} for ratings, unless a setting of another "
            "is given, and choice for events and counts. What people pick is learned beside how "
            "they rate."
        )
        options = {"solver": (choice, help_text), **_setting_options()}
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=typer.Option(None, help=text),
            annotation=kind | None,
        )
        for name, (kind, text) in options.items()
    ]

    def carrier(**values: Any) -> None:
        pass

    carrier.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    carrier.__annotations__ = {p.name: p.annotation for p in parameters}
    carrier_app = typer.Typer(add_completion=False)
    carrier_app.command()(carrier)
    return list(typer.main.get_command(carrier_app).params)


def _setting_options() -> dict[str, tuple[Any, str]]:
    """Return the type and the help of the option for each setting of any solver."""
    from palate.solvers._registry import SOLVERS

    options: dict[str, tuple[Any, str]] = {}
    for name, solver in SOLVERS.items():
        descriptions = _described_parameters(solver)
        for setting, field in _settings_of(solver).items():
            shown = f"{field.default:g}" if isinstance(field.default, float) else field.default
            default = "" if shown is None else f"; by default {shown}"
            text = f"{name}: {descriptions[setting]}{default}."
            known = options.get(setting)
            options[setting] = (field.type, text if known is None else f"{known[1]} {text}")
    return options


def _settings_of(solver: type) -> dict[str, Any]:
    """Return the fields of a solver except for the common settings."""
    return {f.name: f for f in dataclasses.fields(solver) if f.name not in _COMMON}


def _described_parameters(solver: type) -> dict[str, str]:
    """Return the first sentence about each parameter in a numpydoc docstring."""
    doc = inspect.getdoc(solver) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?:\n\n\w+\n-+\n|\Z)", doc, re.S | re.M)
    entries = re.findall(r"^(\w+)\n((?:    .*\n?)+)", section[1] if section else "", re.M)
    sentences = {name: re.split(r"\.(?:\s|$)", " ".join(text.split()))[0] for name, text in entries}
    return {name: sentence[:1].lower() + sentence[1:] for name, sentence in sentences.items()}
