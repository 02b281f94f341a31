"""Scores of all items for people, by the question that they answer."""

from threading import local
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _arguments
from palate._linear_algebra import in_threads, multiply_by_panels
from palate._native import best_items, weigh_by_logistic
from palate._threads import thread_count
from palate.data._ratings import RELEVANT, Csr
from palate.errors import SettingError
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned
from palate.learned._likelihood import Likelihood

By = Literal["both", "choice", "rating"]
# A question, or a number between 0 and 1: the balance of both.
Ranking = By | float
_QUESTIONS = ("both", "choice", "rating")
# Maximum number of scores of the people whose choice scores are computed together, 1 GB; and of a
# block that is small enough for the cache, of which each thread holds several arrays.
_MAX_SCORES, _MAX_CACHED = 1 << 28, 1 << 20
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
    learned: Learned,
    histories: Csr,
    user_table: NDArray[np.float32] | None,
    by: Ranking,
    threads: int,
) -> ListScores:
    """Return the scores of every item for each person.

    By "rating" this is the score of the rating model, and by "choice" that of `ChoiceModel`, s. By
    "both" it is s h^beta, with the probability of a high rating h and the power beta that the fit
    has found best. By a balance b it is a weighted geometric mean::

        s^(1 - 2b) (s h^beta)^(2b)           of choice and both, if b <= 1/2
        (s h^beta)^(2 - 2b) h^(2b - 1)       of both and the rating, if b >= 1/2

    A negative s keeps its sign: what a history speaks against is ranked last.

    Parameters
    ----------
    learned
        The data behind the model.
    histories
        The ratings, events or counts of each person.
    user_table
        Each person's factors, then the bias; shape (people, k + 1). None for events.
    by
        The question, or the balance of both.
    threads
        The number of threads.
    """
    if by == "rating":
        assert user_table is not None
        return ListScores(rating_scores(learned.item_table, user_table, threads), None)
    choice_scores = learned.require_choice().scores(histories, threads)
    return _with_choice(learned, choice_scores, user_table, by=by, threads=threads)


def _with_choice(
    learned: Learned,
    choice_scores: NDArray[np.float32],
    user_table: NDArray[np.float32] | None,
    *,
    by: Ranking,
    threads: int,
    buffer: NDArray[np.float32] | None = None,
) -> ListScores:
    """Return the scores of every item for each person, by choice or by both.

    They are computed in `buffer`, if that is given.
    """
    of_choice, power = _powers(learned.require_choice().rating_power, by)
    if power == 0:
        return ListScores(choice_scores, choice_scores)
    assert user_table is not None
    rating = rating_scores(learned.item_table, user_table, threads, buffer)
    # The power of `chance_of_high_rating`; `mu` is 0 unless the likelihood is linear.
    likelihood = learned.likelihood
    scores = rating if likelihood.linear else likelihood.unclipped(rating)
    slope = _LOGISTIC / likelihood.noise_sd
    shift = slope * (likelihood.mu - _lowest_high(likelihood))
    weighed = choice_scores
    if of_choice < 1:
        weighed = np.copysign(np.abs(choice_scores) ** np.float32(of_choice), choice_scores)
    weigh_by_logistic(weighed, scores, slope, shift, power, threads)
    return ListScores(scores, choice_scores)


def _powers(beta: float, by: Ranking) -> tuple[float, float]:
    """Return the powers of the choice score and of the probability of a high rating."""
    if isinstance(by, str):
        return 1.0, beta if by == "both" else 0.0
    of_both = min(1.0, 2 - 2 * by)
    return of_both, min(1.0, 2 * by) * of_both * beta + 1 - of_both


def rating_scores(
    item_table: NDArray[np.float32],
    user_table: NDArray[np.float32],
    threads: int,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the score of every item for each person by the rating model; shape (people, items).

    They are written to `out`, if that is given.
    """
    people = user_table.copy()
    people[:, -1] = 1  # times the biases of the items
    # For one person, there is no need to limit the threads of BLAS, which is not free.
    if len(people) == 1:
        scores = np.matmul(people, item_table.T, out=out)
    else:
        scores = multiply_by_panels(people, item_table, threads, out=out)
    scores += user_table[:, -1:]
    return scores


def chance_of_high_rating(
    likelihood: Likelihood, score: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the probability of a rating in the top quarter of the scale; shape of `score`."""
    above = likelihood.unclipped(score) - np.float32(_lowest_high(likelihood))
    z = above / np.float32(likelihood.noise_sd)
    chance: NDArray[np.float32] = 1 / (1 + np.exp(np.float32(-_LOGISTIC) * z))
    return chance


def _lowest_high(likelihood: Likelihood) -> float:
    """Return where the top quarter of the scale begins."""
    return likelihood.low + RELEVANT * (likelihood.high - likelihood.low)


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


class Choices(NamedTuple):
    """The items that the lists of some people are chosen from.

    Attributes
    ----------
    eligible
        Whether each item can be in a list; shape (items,).
    left_out
        Further items of each person that can't be in their list, grouped by person.
    only
        The only items that can be in the list of each person, grouped by person; None for all.
    """

    eligible: NDArray[np.bool_]
    left_out: Csr
    only: Csr | None = None

    def take(self, people: NDArray[np.integer[Any]]) -> "Choices":
        """Return the choices of some of the people, in that order."""
        only = None if self.only is None else self.only.take(people)
        return Choices(self.eligible, self.left_out.take(people), only)

    def of_one(self) -> NDArray[np.bool_]:
        """Return which items can be in the list of the only person; shape (items,)."""
        mask = self.eligible.copy()
        if self.only is not None:
            mask[:] = False
            mask[self.only.partner] = self.eligible[self.only.partner]
        mask[self.left_out.partner] = False
        return mask


def top_items(
    learned: Learned,
    histories: Csr,
    posteriors: UserPosteriors | None,
    n: int,
    choices: Choices,
    *,
    by: Ranking,
    chances: bool = False,
    threads: int | None = None,
    workspace: "Workspace | None" = None,
) -> Lists:
    """Return the best items for each person.

    Parameters
    ----------
    learned, histories, by, threads
        As of `list_scores`.
    posteriors
        The posteriors of the people; None for events.
    n
        Maximum number of items.
    choices
        The items to choose from.
    chances
        Whether to return the chances.
    workspace
        Keeps its memory from one call to the next.

    Raises
    ------
    SettingError
        If `n` or `threads` is out of range.
    """
    n, threads = min(_arguments.integer("n", n, 1), len(choices.eligible)), thread_count(threads)
    if by == "rating" and choices.only is None:
        assert posteriors is not None
        return Lists(*posteriors.top_items(n, *choices[:2], threads=threads), None)
    table = None if posteriors is None else posteriors.table
    workspace = workspace or Workspace()
    found: list[Lists] = []
    for people in _blocks(len(histories.starts) - 1, len(choices.eligible), _MAX_SCORES):
        rows = np.arange(people.start, people.stop)
        own, block = histories.take(rows), None if table is None else table[people]
        scores = None
        if by != "rating":
            out = workspace.table(len(rows), len(choices.eligible))
            scores = learned.require_choice().scores(own, threads, out)
        those = choices.take(rows)
        found += _in_cache(
            learned, scores, own, block, those, n=n, by=by, chances=chances, threads=threads
        )
    return Lists(
        np.concatenate([best.rows for best in found]),
        np.concatenate([best.scores for best in found]),
        np.concatenate([best.chances for best in found if best.chances is not None])
        if chances and by != "rating"
        else None,
    )


class Workspace:
    """Memory for scores: to get it anew for each block would take as long as to compute them."""

    def __init__(self) -> None:
        self._memory = np.zeros(0, dtype=np.float32)

    def table(self, rows: int, columns: int) -> NDArray[np.float32]:
        """Return a table in this memory, which grows if it must; its content is undefined."""
        if self._memory.size < rows * columns:
            self._memory = np.zeros(0, dtype=np.float32)  # the memory of one is enough
            self._memory = np.empty(rows * columns, dtype=np.float32)
        return self._memory[: rows * columns].reshape(rows, columns)


def _in_cache(
    learned: Learned,
    choice_scores: NDArray[np.float32] | None,
    histories: Csr,
    table: NDArray[np.float32] | None,
    choices: Choices,
    *,
    n: int,
    by: Ranking,
    chances: bool,
    threads: int,
) -> list[Lists]:
    """Return the best items for people with these choice scores, in blocks that fit into the cache.

    Choice scores of many people at once are several times faster than block by block; so they are
    given. They are None by rating.
    """
    blocks = _blocks(len(histories.starts) - 1, len(choices.eligible), _MAX_CACHED)
    workspaces = local()  # each thread has one

    def best_of(people: slice, threads: int) -> Lists:
        block = None if table is None else table[people]
        rows = np.arange(people.start, people.stop)
        if not hasattr(workspaces, "own"):
            workspaces.own = Workspace()
        buffer = workspaces.own.table(len(rows), len(choices.eligible))
        if choice_scores is not None:
            scores = _with_choice(
                learned, choice_scores[people], block, by=by, threads=threads, buffer=buffer
            )
        else:
            assert block is not None
            of_ratings = rating_scores(learned.item_table, block, threads, buffer)
            scores = ListScores(of_ratings, None)
        own, those = histories.take(rows), choices.take(rows)
        return _best(learned, scores, own, n, those, chances=chances, threads=threads)

    if threads == 1 or len(blocks) == 1:
        return [best_of(people, threads) for people in blocks]
    # A thread for each block: most of the time goes into functions that use a single one.
    return in_threads(lambda people: best_of(people, 1), blocks, threads)


def _best(
    learned: Learned,
    scores: ListScores,
    histories: Csr,
    n: int,
    choices: Choices,
    *,
    chances: bool,
    threads: int,
) -> Lists:
    """Return the best items for people with these scores."""
    ranked = scores.scores
    if choices.only is not None:
        ranked = np.full_like(ranked, -np.inf)
        pairs = choices.only.row, choices.only.partner
        ranked[pairs] = scores.scores[pairs]
    starts, partner, _ = choices.left_out
    rows, best = best_items(ranked, starts, partner, choices.eligible, n, threads)
    if not chances or scores.choice is None:
        return Lists(rows, best, None)
    found = learned.require_choice().chances(rows, scores.choice, histories, threads)
    return Lists(rows, best, found)


def _blocks(people: int, items: int, scores: int) -> list[slice]:
    """Return people in even blocks of at most this number of scores; at least one block."""
    count = -(-people // max(1, scores // items))
    step = max(1, -(-people // max(1, count)))
    return [slice(k, min(k + step, people)) for k in range(0, max(people, 1), step)]
