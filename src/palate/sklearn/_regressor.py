"""`PalateRegressor`: any solver of ratings as an estimator of scikit-learn."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from palate._native import score_pairs
from palate.data._ratings import Ratings
from palate.data._read_ratings import read_ratings
from palate.errors import DataError, SettingError
from palate.learned._learned import Learned
from palate.learned._lookup import require_same_type, rows_among
from palate.solvers import require_solver
from palate.solvers._protocol import Solver
from palate.solvers.gibbs._solver import Gibbs

_NESTED = "solver__"


class PalateRegressor(RegressorMixin, BaseEstimator):
    """Expected ratings as a regression on two columns of ids: the user and the item.

    A user who is unknown is predicted by the prior over users, that is as an average person; an
    item that is unknown by the prior over items, or in a point estimate by the mean item. A user
    whose ratings arrive after the fit is inferred from them by `partial_fit`. Mean ratings are
    learned of pairs that are repeated in a fit.

    Parameters
    ----------
    solver
        The solver of ratings; by default `Gibbs()`. The fields of a solver are nested parameters,
        such as ``solver__factors`` in a grid.

    Attributes
    ----------
    model_
        The fitted `Model`, without a choice model: it has all readings of ratings.
    n_features_in_
        2.
    feature_names_in_
        The names of the columns, if they had names.

    Examples
    --------
    >>> import palate
    >>> from palate.sklearn import PalateRegressor
    >>> frame = palate.movielens("100k").frame()
    >>> X, y = frame.select("user", "item"), frame["rating"]
    >>> regressor = PalateRegressor(palate.OneCycle()).fit(X, y)
    >>> regressor.predict([[196, 242], [-1, 242]]).round(1).tolist()
    [3.9, 4.0]
    """

    def __init__(self, solver: Solver | None = None) -> None:
        self.solver = solver

    def fit(self, X: Any, y: Any) -> "PalateRegressor":  # noqa: N803
        """Fit the solver to ratings.

        Parameters
        ----------
        X
            The ids of a user and an item in each row: a table or an array; shape (n, 2).
        y
            The ratings; shape (n,).

        Raises
        ------
        DataError
            If X has not two columns, the ids of one have different types, or the solver can't
            learn from these ratings.
        SettingError
            If `solver` is not a solver.
        """
        solver = require_solver(self._solver)
        self.model_ = solver.fit(self._ratings(X, y, reset=True))
        return self

    def partial_fit(self, X: Any, y: Any) -> "PalateRegressor":  # noqa: N803
        """Take in new ratings, also of new users, without a refit; see `Model.update`.

        The first call is a fit.

        Raises
        ------
        UnknownIdError
            If a point estimate does not know an item; fit again.
        DataError
            As in `fit`; or if a rating lies outside the scale of the fit.
        """
        if not hasattr(self, "model_"):
            return self.fit(X, y)
        self.model_ = self.model_.update(self._ratings(X, y, reset=False)).model
        return self

    def predict(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """Return the expected rating of each pair of a user and an item; shape (n,).

        Raises
        ------
        DataError
            If X has not two columns, or ids of another type than in the fit.
        """
        check_is_fitted(self, "model_")
        pairs = _pairs(validate_data(self, X, reset=False, dtype=None))
        learned = self.model_.learned
        # One more row each for those that are unknown.
        users = _with_row(learned.require_user_table(), learned.parameters.user_prior.mean)
        items = _with_row(learned.item_table, _unknown_item(learned))
        user = _rows("user", pairs["user"], learned.require_users().users["id"])
        item = _rows("item", pairs["item"], learned.items["id"])
        return learned.likelihood.rating(score_pairs(users, items, user, item))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, and those of the solver if `deep`."""
        parameters: dict[str, Any] = super().get_params(deep)
        return parameters | self._nested() if deep else parameters

    def set_params(self, **parameters: Any) -> "PalateRegressor":
        """Set parameters by name; those of the solver begin with ``solver__``.

        Raises
        ------
        SettingError
            If the solver has no such parameter, or a value is outside its range.
        """
        nested = {name: parameters.pop(name) for name in list(parameters) if _NESTED in name}
        super().set_params(**parameters)
        if unknown := nested.keys() - self._nested():
            raise SettingError(
                f"there is no parameter {min(unknown)!r}; there are {', '.join(self.get_params())}"
            )
        if nested:
            settings = {name.removeprefix(_NESTED): value for name, value in nested.items()}
            solver: Any = self._solver
            self.solver = replace(solver, **settings)
        return self

    @property
    def _solver(self) -> Solver:
        return Gibbs() if self.solver is None else self.solver

    def _nested(self) -> dict[str, Any]:
        """Return the fields of the solver; none if it is not a dataclass."""
        solver: Any = self._solver
        if not is_dataclass(solver) or isinstance(solver, type):
            return {}
        return {_NESTED + field.name: getattr(solver, field.name) for field in fields(solver)}

    def _ratings(self, X: Any, y: Any, *, reset: bool) -> Ratings:  # noqa: N803
        least = 2 if reset else 1  # there is nothing to learn from a single rating
        X, y = validate_data(  # noqa: N806
            self, X, y, reset=reset, dtype=None, y_numeric=True, ensure_min_samples=least
        )
        table = _pairs(X).with_columns(rating=pl.Series(y))
        return read_ratings(table, kind="ratings", duplicates="mean")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.string = True
        return tags


def _pairs(X: NDArray[Any]) -> pl.DataFrame:  # noqa: N803
    """Return the two columns as a table, with the types of their ids."""
    if X.shape[1] != 2:
        raise DataError(
            f"X has {X.shape[1]} feature(s); give two columns: the ids of users and of items"
        )
    return pl.DataFrame({"user": _ids("user", X[:, 0]), "item": _ids("item", X[:, 1])})


def _ids(role: str, column: NDArray[Any]) -> pl.Series:
    """Return ids; all whole numbers have one type, whatever it was in the array."""
    try:
        ids = pl.Series(role, column.tolist(), strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"the ids of {role}s have several types; let all be text or all whole numbers"
        ) from error
    whole = ids.dtype.is_float() and bool((ids == ids.round()).all())
    return ids.cast(pl.Int64, strict=False) if whole else ids


def _rows(kind: str, ids: pl.Series, known: pl.Series) -> NDArray[np.int32]:
    """Return the row of each id; for those that are unknown, the row after the last."""
    require_same_type(kind, ids, known)
    return rows_among(known, ids).fill_null(len(known)).cast(pl.Int32).to_numpy()


def _with_row(table: NDArray[np.float32], row: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    return np.vstack([table, row]).astype(np.float32)


def _unknown_item(learned: Learned) -> NDArray[np.floating[Any]]:
    """Return the factors and the bias of an item of which nothing is known; shape (k + 1,)."""
    prior = learned.parameters.item_prior
    row: NDArray[np.floating[Any]] = (
        learned.item_table.mean(axis=0) if prior is None else prior.coefficients[0]
    )
    return row
