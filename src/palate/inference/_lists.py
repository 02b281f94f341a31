"""Scores of all items for people, by the question that they answer."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _arguments
from palate._linear_algebra import multiply_by_panels
from palate._native import best_items
from palate._threads import thread_count
from palate.data._ratings import RELEVANT, Csr
from palate.errors import SettingError
from palate.inference._user_posteriors import UserPosteriors
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


class ListScores(NamedTuple):
    """The scores of every item for each person; shapes (people, items).

    Attributes
    ----------
    scores
        The scores that lists are ranked by.
    choice
        The scores of `ChoiceModel`; None by rating.
    """

    scores: NDArray[np.float32]
    choice: NDArray[np.float32] | None


def list_scores(
    learned: Learned, histories: Csr, user_table: NDArray[np.float32] | None, by: By, threads: int
) -> ListScores:
    """Return the scores of every item for each person.

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
        return ListScores(rating_scores(learned.item_table, user_table, threads), None)
    choice = learned.require_choice()
    scores = choice.scores(histories, threads)
    if by == "choice" or choice.rating_power == 0:
        return ListScores(scores, scores)
    assert user_table is not None
    rating = rating_scores(learned.item_table, user_table, threads)
    tilt = chance_of_high_rating(learned.likelihood, rating) ** choice.rating_power
    return ListScores(scores * tilt, scores)


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


class Lists(NamedTuple):
    """The best items for each person; shapes (people, n).

    Attributes
    ----------
    rows
        The rows of the items; -1 for missing ones.
    scores
        Their scores.
    chances
        The probability that each is the next that the person picks; NaN where it is not known. None
        where it was not asked for, and by rating.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    chances: NDArray[np.float32] | None

    def at(self, places: NDArray[np.intp]) -> "Lists":
        """Return the items at some places of each list; shape (people, m)."""
        return Lists(
            np.take_along_axis(self.rows, places, axis=1),
            np.take_along_axis(self.scores, places, axis=1),
            None if self.chances is None else np.take_along_axis(self.chances, places, axis=1),
        )


def top_items(
    learned: Learned,
    histories: Csr,
    posteriors: UserPosteriors | None,
    n: int,
    eligible: NDArray[np.bool_],
    *,
    by: By,
    seen: bool = False,
    chances: bool = False,
    threads: int | None = None,
) -> Lists:
    """Return the best items for each person.

    Items of a person's history are included only if `seen`.

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
    chances
        Whether to return the chances.

    Raises
    ------
    SettingError
        If `n` or `threads` is out of range.
    """
    if by == "rating":
        assert posteriors is not None
        return Lists(*posteriors.top_items(n, eligible, seen=seen, threads=threads), None)
    n, threads = min(_arguments.integer("n", n, 1), len(eligible)), thread_count(threads)
    found = []
    for people in _blocks(len(histories.starts) - 1, len(eligible)):
        block = histories.take(people)
        table = None if posteriors is None else posteriors.table[people]
        scores = list_scores(learned, block, table, by, threads)
        starts, partner = block.starts, block.partner
        if seen:
            starts, partner = np.zeros_like(starts), partner[:0]
        best = Lists(*best_items(scores.scores, starts, partner, eligible, n, threads), None)
        if chances:
            assert scores.choice is not None
            of_items = learned.require_choice().chances(scores.choice, block)
            best = best._replace(chances=np.take_along_axis(of_items, best.rows, axis=1))
        found.append(best)
    return Lists(
        np.concatenate([best.rows for best in found]),
        np.concatenate([best.scores for best in found]),
        np.concatenate([best.chances for best in found]) if chances else None,
    )


def _blocks(people: int, items: int) -> Iterator[NDArray[np.integer[Any]]]:
    """Yield people in blocks whose scores fit into memory together; at least one block."""
    step = max(1, _MAX_SCORES // items)
    for first in range(0, max(people, 1), step):
        yield np.arange(first, min(first + step, people))
