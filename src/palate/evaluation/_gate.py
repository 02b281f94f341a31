"""Whether a new fit may replace a model: both predict ratings that neither has seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments, _random_streams
from palate._native import permutation
from palate._words import counted
from palate.data._duplicates import pair_numbers
from palate.data._ratings import Ratings, how_many
from palate.errors import DataError
from palate.evaluation import _metric_formulas as formulas
from palate.evaluation._measure import Floats, rmse_influence
from palate.evaluation._relevance import relevant_pairs
from palate.evaluation._significance import MIN_PEOPLE, standard_error
from palate.learned._learned import Learned
from palate.learned._lookup import known_rows
from palate.learned._ratings_input import with_ids_as_known
from palate.model._model import Model

# The largest share of all ratings, and of those that the old model has not seen, to hold out.
_SHARE, _SHARE_OF_UNSEEN = 0.2, 0.5
_N = 10
# The smallest share of the model's ratings that must be in the new table: people delete theirs, and
# old ones are dropped, but not most of them between two fits.
_SHARE_OF_KNOWN = 0.5
_OTHER_KIND = (
    "these are {}, and the model that is there was fitted to {}, so they can't be compared"
)
_TOO_FEW = (
    "Too little is new to the model to tell which is better: {} could be held out, and at least {} "
    "people are needed."
)
_MISSING = (
    "Of the {} that the model knows, the new table has only {:.0%}, as if its export had broken "
    "off; at least {:.0%} are needed."
)


@dataclass(frozen=True)
class Gate:
    """The comparison of a new fit with the model that it would replace.

    Attributes
    ----------
    passed
        Whether the new fit may replace the model: it is not worse by more than one standard error.
    figure
        What is compared: "rmse", or "ndcg_10" where there are no ratings to predict. This and all
        the following are None if nothing was compared, because too little could be held out or
        most of what the model knows is missing from the new table.
    new, old
        The figure of the new fit and of the model.
    worse_by, standard_error
        By how much the new fit is worse (less than 0 if it is better), and the paired standard
        error over people; see `Evaluation`.
    sentence
        The outcome in words.
    """

    passed: bool
    figure: str | None
    new: float | None
    old: float | None
    worse_by: float | None
    standard_error: float | None
    sentence: str


def gate(old: Model, ratings: Ratings, fit: Callable[[Ratings], Model], *, seed: int = 0) -> Gate:
    """Compare a new fit with a model on held-out ratings, and decide whether to replace the model.

    Held out are ratings that the model was not fitted to, of items that it was fitted to: at random
    half of these, and at most a fifth of all. The new fit is to all other ratings. Both infer the
    people from these, as for people whom they have never seen, and predict the held-out ones or
    make lists of ten items. Ratings that were added to the model since its fit count as not seen:
    its items were learned without them, and the people are inferred anew.

    A table without half of what the model knows does not pass: with few ratings held out, a
    comparison can't tell that much was lost.

    Parameters
    ----------
    old
        The model.
    ratings
        All ratings that the new model is to be fitted to.
    fit
        A function from training ratings to the new model.
    seed
        The seed of the choice.

    Raises
    ------
    DataError
        If the ratings are of another kind than those of the model, or have other ids.
    UnknownIdError
        If the model was saved without users: it can't be told what it has seen.
    """
    known = old.learned.require_users()
    if ratings.kind != known.kind:
        raise DataError(_OTHER_KIND.format(ratings.kind, known.kind))
    ratings = with_ids_as_known(old.learned, ratings)
    pairs, known_pairs = _pairs(ratings, known)
    still = float(np.isin(known_pairs, pairs).mean())
    if still < _SHARE_OF_KNOWN:
        missing = _MISSING.format(how_many(known.kind, len(known)), still, _SHARE_OF_KNOWN)
        return _not_compared(missing)
    fitted = known_pairs[: len(known) - old.learned.added_ratings]
    train, valid = _held_out(old.learned, ratings, np.isin(pairs, fitted), seed)
    tested = np.bincount(valid.user, minlength=valid.users.height) > 0
    people = counted(int(tested.sum()), "person", "people")
    held_out = f"{how_many(ratings.kind, len(valid))} of {people}"
    if tested.sum() < MIN_PEOPLE:
        return _not_compared(_TOO_FEW.format(held_out, MIN_PEOPLE))
    new = fit(train)
    if new.fit.interrupted:  # an incomplete fit must not be taken for a complete one
        raise KeyboardInterrupt
    given, of_tested = train.of_users(tested), valid.of_users(tested)
    if old.learned.has_ratings and new.learned.has_ratings:
        mine, theirs = (_rmse(model, given, of_tested) for model in (new, old))
        return _verdict("rmse", mine, theirs, held_out)
    relevant = relevant_pairs(ratings, of_tested)
    if len(np.unique(relevant[0])) < MIN_PEOPLE:
        return _not_compared(_TOO_FEW.format(held_out, MIN_PEOPLE))
    eligible = _fitted_items(old.learned, ratings)
    eligible &= np.bincount(train.item, minlength=len(eligible)) > 0
    mine, theirs = (_ndcg(model, given, relevant, eligible) for model in (new, old))
    return _verdict("ndcg_10", mine, theirs, held_out)


def _not_compared(sentence: str) -> Gate:
    return Gate(False, None, None, None, None, None, sentence)


def _pairs(ratings: Ratings, known: Ratings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a number for the user and item of each rating, and of each one that the model knows.

    That of known ratings is -1 where the user or the item is not in the table any more.
    """
    user, item = (
        known_rows(now, before).astype(np.int64)[rows]
        for now, before, rows in (
            (ratings.users["id"], known.users["id"], known.user),
            (ratings.items["id"], known.items["id"], known.item),
        )
    )
    width = ratings.items.height
    before = np.where((user >= 0) & (item >= 0), user * width + item, -1)
    return pair_numbers(ratings), before


def _held_out(
    old: Learned, ratings: Ratings, seen: NDArray[np.bool_], seed: int
) -> tuple[Ratings, Ratings]:
    """Return the ratings for the new fit, and those that are held out; see `gate`.

    `seen` says which the model was fitted to.
    """
    unseen = np.flatnonzero(~seen & _fitted_items(old, ratings)[ratings.item])
    number = int(min(_SHARE * len(ratings), _SHARE_OF_UNSEEN * len(unseen)))
    order = permutation(_arguments.seed(seed), _random_streams.SPLIT, len(unseen))
    held_out = np.zeros(len(ratings), dtype=np.bool_)
    held_out[unseen[order[:number]]] = True
    return ratings.take(~held_out), ratings.take(held_out)


def _fitted_items(old: Learned, ratings: Ratings) -> NDArray[np.bool_]:
    """Return which items of the ratings the model was fitted to; shape (items,)."""
    n = old.items.height - old.added_items
    fitted = old.items["id"][:n].filter(pl.Series(old.rated[:n]))
    return ratings.items["id"].is_in(fitted.implode()).to_numpy()


def _rmse(model: Model, given: Ratings, valid: Ratings) -> tuple[float, Floats]:
    """Return the RMSE of a model's predictions, and the influence of each person on it."""
    likelihood = model.learned.likelihood
    inside = np.clip(given.rating, likelihood.low, likelihood.high).astype(np.float32)
    people = model.profiles(replace(given, rating=inside), unknown="skip").posteriors
    item = known_rows(model.items["id"], valid.items["id"])[valid.item]
    error = likelihood.rating(people.scores(valid.user, item)) - valid.rating
    rmse = formulas.rmse(error)
    assert rmse is not None
    return rmse, rmse_influence(error, valid.user, valid.users.height)


def _ndcg(
    model: Model,
    given: Ratings,
    relevant: tuple[NDArray[np.int32], NDArray[np.int32]],
    eligible: NDArray[np.bool_],
) -> tuple[float, Floats]:
    """Return the nDCG of a model's lists of eligible items, and the influence of each person."""
    rows = known_rows(model.items["id"], given.items["id"])
    own = np.zeros(model.items.height, dtype=np.bool_)
    own[rows[eligible]] = True
    user, item = relevant
    top = model.profiles(given, unknown="skip").top_items(_N, eligible=own)
    values = formulas.ndcg(formulas.Judged.of(top, user, rows[item]))
    mean = float(np.nanmean(values))
    return mean, (values - mean) / np.count_nonzero(np.isfinite(values))


def _verdict(
    figure: str, new: tuple[float, Floats], old: tuple[float, Floats], held_out: str
) -> Gate:
    sign, name = (1, "RMSE") if figure == "rmse" else (-1, "nDCG@10")
    worse_by = sign * (new[0] - old[0])
    error = standard_error(new[1], old[1])
    passed = error is not None and worse_by <= error
    sentence = (
        f"On {held_out}, which neither has seen, the {name} of the new fit is {new[0]:.4f}, and "
        f"that of the model {old[0]:.4f}: {'worse' if worse_by > 0 else 'better'} by "
        f"{abs(worse_by):.4f}, with a standard error of {error or 0:.4f}."
    )
    return Gate(passed, figure, new[0], old[0], worse_by, error, sentence)
