"""Two models measured beside each other, where there are no ratings that neither was fitted to."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import permutation
from palate.data._duplicates import pair_numbers
from palate.data._ratings import Ratings
from palate.errors import DataError
from palate.evaluation._alignment import over, united
from palate.evaluation._compare import Comparison, compare
from palate.evaluation._titles import model_title
from palate.model._model import Model
from palate.solvers._combined import Combined
from palate.solvers._protocol import Solver
from palate.solvers._registry import solver_by_name

# The share of the common ratings that is held out, as in `palate.evaluate`.
_SHARE = 0.2


def compare_refitted(models: Mapping[str, Model], threads: int | None = None) -> Comparison:
    """Fit the solvers of models again without some of the ratings that all have, and compare them.

    A random fifth of the ratings that all models were fitted to, or updated with, and that have
    the same value in all, is held out. The solver of each model is fitted to its own ratings
    without these. So the models are compared in what they were fitted to, too, such as the ratings
    of one more month.

    Parameters
    ----------
    models
        Two or more models with users, whose ids have the same types.
    threads
        The number of threads, by default all that this process may use.

    Raises
    ------
    DataError
        If they have no ratings in common, or fewer than five.
    UnknownIdError
        If a model was saved without its users.
    SettingError
        If a model was fitted by a solver that Palate does not have.
    """
    fitted = {name: model.learned.require_users() for name, model in models.items()}
    solvers = {name: solver_of(model) for name, model in models.items()}
    held_out = dict(zip(models, _held_out(list(fitted.values())), strict=True))
    first = next(iter(models))
    on = fitted[first].take(held_out[first])
    if not len(on):
        names = " and ".join(model_title(name) for name in models)
        raise DataError(
            f"{names} have no {on.kind} in common, or too few to hold a fifth of them out of both"
        )
    refitted = {
        name: solvers[name].fit(fitted[name].take(~held_out[name]), threads=threads)
        for name in models
    }
    source = f"a random fifth of the {on.kind} that all were fitted to"
    return compare(refitted, on=replace(on, source=source), threads=threads)


def solver_of(model: Model) -> Solver:
    """Return the solver that fits a model like this one, with the choice model if this has one.

    Raises
    ------
    SettingError
        If the model was fitted by a solver that Palate does not have.
    """
    learned = model.learned
    solver = solver_by_name(learned.fit.solver, learned.fit.settings)
    return Combined(solver) if learned.has_ratings and learned.choice is not None else solver


def _held_out(tables: list[Ratings]) -> list[NDArray[np.bool_]]:
    """Return for each table which of its ratings are held out: a fifth of those that are in all."""
    users = united([one.users for one in tables])
    items = united([one.items for one in tables])
    pairs = [pair_numbers(over(one, users, items)) for one in tables]
    keys = [
        pl.DataFrame({"pair": pair, "rating": one.rating})
        for pair, one in zip(pairs, tables, strict=True)
    ]
    common = keys[0]
    for key in keys[1:]:
        common = common.join(key, on=["pair", "rating"], how="semi", maintain_order="left")
    order = permutation(0, _random_streams.SPLIT, common.height)[: int(_SHARE * common.height)]
    drawn = common["pair"].to_numpy()[order]
    return [np.isin(pair, drawn) for pair in pairs]
