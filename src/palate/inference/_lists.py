"""Scores of all items for people, by the question that they answer."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from palate import _arguments
from palate._linear_algebra import multiply_by_panels
from palate._native import best_items
from palate._threads import thread_count
from palate.data._ratings import RELEVANT, Csr
from palate.errors import SettingError
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._choice import ChoiceModel
from palate.learned._learned import Learned
from palate.learned._likelihood import Likelihood

By = Literal["both", "choice", "rating"]
_QUESTIONS = ("both", "choice", "rating")
# Maximum number of scores that are held at a time.
_MAX_SCORES = 1 << 23
# The logistic function of this multiple is within 0.01 of the normal distribution function
# (Johnson, Kotz and Balakrishnan, "Continuous univariate distributions", 1995, section 23.1).
_LOGISTIC = 1.702


def question(learned: Learned, by: By | None) -> By:
    """Return the question that lists answer: by default both, where the model has both parts.

    Raises
    ------
    SettingError
        If there is no such question, or the model can't answer it.
    """
    if by is None:
        both = learned.choice is not None and learned.has_ratings
        return "both" if both else "rating" if learned.has_ratings else "choice"
    if by not in _QUESTIONS:
        raise SettingError(f"by is {by!r}; choose one of {', '.join(_QUESTIONS)}")
    if by != "rating":
        learned.require_choice()
    if by != "choice":
        learned.require_rating_model()
    return by


def list_scores(
    learned: Learned, histories: Csr, user_table: NDArray[np.float32] | None, by: By, threads: int
) -> NDArray[np.float32]:
    """Return the score of every item for each person; shape (people, items).

    By "rating" this is the score of the rating model, and by "choice" that of `ChoiceModel`. By
    "both" the latter is multiplied by the probability of a high rating to the power that the fit
    has found best.

    Parameters
    ----------
    learned
        The data behind the model.
    histories
        The ratings, events or counts of each person.
    user_table
        Each person's factors, then the bias; shape (people, k + 1). None for events.
    by
        The question.
    threads
        The number of threads.
    """
    if by == "rating":
        assert user_table is not None
        return rating_scores(learned.item_table, user_table, threads)
    choice = learned.require_choice()
    scores = choice.scores(histories, threads)
    if by == "both" and choice.rating_power > 0:
        assert user_table is not None
        rating = rating_scores(learned.item_table, user_table, threads)
        scores *= _tilt(learned, choice, rating)
    return scores


def rating_scores(
    item_table: NDArray[np.float32], user_table: NDArray[np.float32], threads: int
) -> NDArray[np.float32]:
    """Return the score of every item for each person by the rating model; shape (people, items)."""
    factors = np.ascontiguousarray(item_table[:, :-1])
    people = np.ascontiguousarray(user_table[:, :-1])
    # For one person, there is no need to limit the threads of BLAS, which is not free.
    single = len(people) == 1
    scores = people @ factors.T if single else multiply_by_panels(people, factors, threads)
    scores += item_table[:, -1]
    scores += user_table[:, -1:]
    return scores


def chance_of_high_rating(
    likelihood: Likelihood, score: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the probability of a rating in the top quarter of the scale; shape of `score`."""
    lowest = likelihood.low + RELEVANT * (likelihood.high - likelihood.low)
    z = (likelihood.unclipped(score) - np.float32(lowest)) / np.float32(likelihood.noise_sd)
    chance: NDArray[np.float32] = 1 / (1 + np.exp(np.float32(-_LOGISTIC) * z))
    return chance


def pick_chances(
    learned: Learned,
    by: By,
    scores: NDArray[np.float32],
    rating_scores: NDArray[np.float32] | None,
    sizes: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the probability that an item is the next that a person picks; see `ChanceCurve`.

    Parameters
    ----------
    learned
        The data behind the model.
    by
        The question that the scores answer: "choice" or "both".
    scores
        The scores of `list_scores` for some items, each for a person; shape (n,).
    rating_scores
        Those of the rating model; needed by "both".
    sizes
        The number of entries in the history of that person; shape (n,).
    """
    choice = learned.require_choice()
    if by == "both" and rating_scores is not None:
        scores = scores / _tilt(learned, choice, rating_scores)
    return choice.chances(scores, sizes)


def _tilt(
    learned: Learned, choice: ChoiceModel, rating_scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the factors of the choice scores in lists by both questions."""
    tilt: NDArray[np.float32] = (
        chance_of_high_rating(learned.likelihood, rating_scores) ** choice.rating_power
    )
    return tilt


def top_items(
    learned: Learned,
    histories: Csr,
    posteriors: UserPosteriors | None,
    n: int,
    eligible: NDArray[np.bool_],
    *,
    by: By,
    seen: bool = False,
    threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the rows of the best items for each person, and their scores; shapes (people, n).

    Missing items have the row -1. Items of a person's history are included only if `seen`.

    Parameters
    ----------
    learned, histories, by, threads
        As of `list_scores`.
    posteriors
        The posteriors of the people; None for events.
    n
        Maximum number of items.
    eligible
        The items to choose from; shape (items,).
    seen
        Whether to include items of the history.

    Raises
    ------
    SettingError
        If `n` or `threads` is out of range.
    """
    if by == "rating":
        assert posteriors is not None
        return posteriors.top_items(n, eligible, seen=seen, threads=threads)
    n, threads = min(_arguments.integer("n", n, 1), len(eligible)), thread_count(threads)
    rows = [np.empty((0, n), dtype=np.int32)]
    scores = [np.empty((0, n), dtype=np.float32)]
    for people in _blocks(len(histories.starts) - 1, len(eligible)):
        block = histories.take(people)
        table = None if posteriors is None else posteriors.table[people]
        found = list_scores(learned, block, table, by, threads)
        starts, partner = block.starts, block.partner
        if seen:
            starts, partner = np.zeros_like(starts), partner[:0]
        best = best_items(found, starts, partner, eligible, n, threads)
        rows.append(best[0])
        scores.append(best[1])
    return np.concatenate(rows), np.concatenate(scores)


def _blocks(people: int, items: int) -> Iterator[NDArray[np.integer[Any]]]:
    step = max(1, _MAX_SCORES // items)
    for first in range(0, people, step):
        yield np.arange(first, min(first + step, people))
