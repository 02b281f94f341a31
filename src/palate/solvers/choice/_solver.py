"""The solver `Choice`: which items people pick."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from palate import _arguments
from palate._native import Cancelled, CancelToken
from palate._threads import thread_count
from palate.data._ratings import Ratings
from palate.learned._choice import ChoiceModel
from palate.learned._learned import FitRecord, Learned
from palate.model._model import Model
from palate.solvers._interrupt import interruptible
from palate.solvers._log import log_fit
from palate.solvers._progress import Progress, Report, reporter
from palate.solvers._validation import require_histories
from palate.solvers.choice._people import LocalPeople, People
from palate.solvers.choice._search import Search
from palate.solvers.choice._settings_text import chosen_settings


@dataclass(frozen=True)
class Choice:
    """The choice model: which items people pick, from histories alone.

    It is a Gaussian Markov random field over items (Steck, "Embarrassingly shallow autoencoders for
    sparse data", WWW 2019, section 3, with weights and a ridge of our own). With the histories X
    (see `HistoryWeighting`), weights of users W and the diagonal D of G = X' W X, with the mean d::

        w_u = n_u^-1/2,    P = (G + lambda (d D)^1/2)^-1,    B_ij = -P_ij / P_jj

    where n_u is the number of entries of a history and the w_u are scaled to a mean of 1 over all
    entries. The score of item j is a sum over the history, times a discount of popular items::

        s_uj = D_j^-q sum_i x_ui B_ij

    so that a new person needs no fit, and the terms are reasons. lambda, q and how much ratings
    matter in x are chosen by a hold-out: a fifth of the history of some 4,000 users is taken out of
    the model, in closed form, and ranked by what remains (nDCG at 10). There is nothing to tune.

    Up to 10,000 items P is computed by inversion. Beyond that it is computed from 128 eigenvectors
    and lists of neighbours (see `LowRankGraph`).

    Parameters
    ----------
    seed
        Chooses what is held out virtually, and starts the search for eigenvectors.

    Raises
    ------
    SettingError
        If `seed` is out of range.
    """

    seed: int = 0

    name = "choice"
    title = "the choice model"
    description = (
        "The choice model learns which items are picked by the same people. How strongly it "
        "generalises, and how much popular items are held back, is chosen by how well it finds "
        "what is taken out of some histories; ndcg_10 is the quality of these lists."
    )

    def __post_init__(self) -> None:
        _arguments.set_frozen(self, seed=_arguments.seed(self.seed))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)

    def fit(
        self,
        ratings: Ratings,
        valid: Ratings | None = None,
        *,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Model:
        """Learn what the people of `ratings` pick.

        Parameters
        ----------
        ratings
            Events, counts, or ratings, which weight the histories.
        valid
            Not used: the settings are chosen without held-out ratings.
        threads
            The number of threads; by default one per available CPU.
        progress
            True prints a table of the settings that are tried; a function is called with each row.

        Raises
        ------
        DataError
            If there is nothing to learn from.
        KeyboardInterrupt
            If Ctrl-C was pressed.
        """
        require_histories(ratings)
        with interruptible() as token:
            choice, history = learn_choice(
                ratings, self.seed, thread_count(threads), token, report=reporter(progress)
            )
        fit = FitRecord(self.name, self.settings, ratings.source, history)
        return Model(Learned.of_fit(ratings, None, None, fit, choice))


def learn_choice(
    ratings: Ratings,
    seed: int,
    threads: int,
    cancel: CancelToken,
    *,
    report: Report,
    rating_model: Learned | None = None,
) -> tuple[ChoiceModel, list[dict[str, Any]]]:
    """Return the choice model of `ratings`, and the settings that were tried.

    Parameters
    ----------
    ratings
        The training ratings, events or counts.
    seed, threads
        As of `Choice`.
    cancel
        Ends the fit early.
    report
        Is called with each setting that was tried.
    rating_model
        The rating model of the same ratings: the fit finds by which power of the probability of a
        high rating lists are best.

    Raises
    ------
    KeyboardInterrupt
        If the fit was cancelled.
    """
    start, people = time.perf_counter(), LocalPeople(ratings)
    try:
        found = choice_of(people, seed, threads, cancel, report=report, rating_model=rating_model)
    except Cancelled:
        raise KeyboardInterrupt("before the choice model was complete") from None
    notes = [chosen_settings(found[0], has_ratings=rating_model is not None)]
    log_fit(Choice.name, ratings, start, notes)
    return found


def choice_of(
    people: People,
    seed: int,
    threads: int,
    cancel: CancelToken,
    *,
    report: Report,
    rating_model: Learned | None = None,
) -> tuple[ChoiceModel, list[dict[str, Any]]]:
    """Return the choice model of these people, and the settings that were tried.

    The other parameters are those of `learn_choice`. A cancelled fit raises `Cancelled`.
    """
    search = Search(people, seed, threads, cancel, report=report)
    settings = search.best()
    power = 0.0 if rating_model is None else search.rating_power(settings, rating_model)
    chance = search.chance(settings)
    weights, popularity = search.final(settings)
    with np.errstate(divide="ignore"):
        discount = np.where(popularity > 0, popularity**-settings.exponent, 0)
    model = ChoiceModel(
        weighting=search.weighting(settings.strength),
        weights=weights,
        popularity=popularity,
        discount=discount.astype(np.float32),
        rating_power=power,
        chance=chance,
        settings=settings._asdict(),
    )
    return model, search.history
