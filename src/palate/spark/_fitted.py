"""A fit in a cluster, from checked ratings to a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from palate._log import log
from palate.data._ratings import Kind, how_many
from palate.errors import DataError, SettingError
from palate.learned._learned import FitRecord, Learned
from palate.model._model import Model
from palate.solvers._progress import Progress, Report, reporter
from palate.solvers.choice._solver import Choice
from palate.solvers.gibbs._chain import Chain
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checkpoint import Checkpoint
from palate.spark._checks import Columns
from palate.spark._choice import choice_model, histories_in, with_choice
from palate.spark._known_users import KnownUsers, known_users
from palate.spark._numbering import Items, numbered_items
from palate.spark._packing import Plan
from palate.spark._people import Placed, SparkPeople
from palate.spark._placing import Placing
from palate.spark._preparation import placing_in, plan_of
from palate.spark._saved_users import save_with_users


class Fitted(NamedTuple):
    """A model, and the packed ratings that it was fitted to.

    Attributes
    ----------
    model
        The model.
    items, known
        The items, and what is known of the users.
    placing, plan
        Where the packed ratings are.
    """

    model: Model
    items: Items
    known: KnownUsers
    placing: Placing
    plan: Plan

    def save(self, path: Path, *, users: bool) -> None:
        """Save the model in a folder, with or without its users."""
        if not users:
            self.model.save(path)
            return
        people, packed = self.known.of(self.placing.users()), self.placing.by_user()
        save_with_users(self.model.learned, path, people, packed, self.plan)


class Settings(NamedTuple):
    """The arguments of `fit` that say how to fit."""

    solver: Gibbs | Choice
    items: Any
    users: Any
    blocks: int | None
    checkpoint: str | Path | None
    progress: Progress


@contextmanager
def fitted(
    ratings: DataFrame, kind: Kind, columns: Columns, settings: Settings, *, choice: bool = True
) -> Iterator[Fitted]:
    """Yield what is fitted to the ratings that are not null; their files last as long as the block.

    Parameters
    ----------
    ratings, kind
        Columns user, item and rating, null for pairs whose users and items are in the fit, but not
        with these ratings; and what they are.
    columns
        What they were called.
    settings
        How to fit.
    choice
        Whether what people pick is learned beside how they rate.
    """
    solver = settings.solver
    with placing_in(ratings.sparkSession, settings.checkpoint) as placing:
        found = numbered_items(ratings, settings.items, columns.item)
        known = known_users(ratings, settings.users, columns.user)
        plan = plan_of(placing, ratings, found, known, solver=solver, blocks=settings.blocks)
        source = "; ".join(filter(None, (columns.source, found.source, known.source)))
        report = reporter(settings.progress)
        with _placed(placing, plan, found) as placed:
            histories = histories_in(placing.spark.sparkContext, placed.by_user, plan, kind)
            if isinstance(solver, Choice):
                model = choice_model(histories, solver, found, source, report)
            else:
                with _people(placing, plan, placed, found, known, seed=solver.seed) as people:
                    model = _rating_model(
                        people, placing, solver, found, source=source, report=report
                    )
                model = with_choice(model, histories, solver.seed) if choice else model
        rows = how_many(kind, int(found.counts.sum()))
        log.info("fitted %r to %s in a cluster", model, rows)
        yield Fitted(model, found, known, placing, plan)


@contextmanager
def _placed(placing: Placing, plan: Plan, items: Items) -> Iterator[Placed]:
    """Yield the packed ratings in the executors, for as long as the block lasts."""
    placed = placing.placed(plan, items.counts)
    try:
        yield placed
    finally:
        placed.close()


@contextmanager
def _people(
    placing: Placing, plan: Plan, placed: Placed, items: Items, known: KnownUsers, *, seed: int
) -> Iterator[SparkPeople]:
    """Yield the users in the executors, for as long as the block lasts."""
    people = SparkPeople(
        placing.spark.sparkContext, plan, placed, items.table, known=known.features, seed=seed
    )
    try:
        yield people
    finally:
        people.close()


def _sampled(people: SparkPeople, checkpoint: Checkpoint, solver: Gibbs, report: Report) -> Chain:
    """Return a chain that has done all its sweeps."""
    chain = solver.chain(people)
    checkpoint.resume(chain, people)
    while not solver.is_enough(chain):
        report(chain.sweep(len(chain.history)))
        checkpoint.save_if_due(chain, people)
    return chain


def require_solver(solver: Gibbs | Choice | None, kind: Kind) -> Gibbs | Choice:
    """Return the solver, by default the one for rows of this kind; another one is refused."""
    if solver is None:
        return Gibbs() if kind == "ratings" else Choice()
    if not isinstance(solver, Gibbs | Choice):
        raise SettingError(
            f"palate.spark fits by palate.Gibbs() and palate.Choice(), not by {solver.name}"
        )
    if isinstance(solver, Gibbs) and kind != "ratings":
        raise DataError(
            f"these are {kind}, not ratings: Gibbs learns from ratings; use palate.Choice()"
        )
    if isinstance(solver, Gibbs) and solver.device != "cpu":
        raise SettingError(
            f"device is {solver.device!r}, and palate.spark draws rows on the processors of the "
            "executors; use Gibbs() without a device"
        )
    return solver


def require_session(frame: DataFrame) -> SparkSession:
    """Return the session of a DataFrame, which can't be of Spark Connect."""
    if not isinstance(frame, DataFrame):
        raise DataError(f"a {type(frame).__name__} is not a Spark DataFrame")
    spark = frame.sparkSession
    if not isinstance(spark, SparkSession) or not hasattr(spark, "_jsparkSession"):
        raise SettingError(
            "palate.spark.fit needs a session of its own driver, not Spark Connect: submit the "
            "program to the cluster with spark-submit"
        )
    return spark


def _rating_model(
    people: SparkPeople,
    placing: Placing,
    solver: Gibbs,
    items: Items,
    *,
    source: str,
    report: Report,
) -> Model:
    """Return the model of a chain, of which nothing else stays in memory."""
    chain = _sampled(people, Checkpoint(placing), solver, report)
    result = chain.calibrated()
    settings = {**solver.settings, "sweeps": len(chain.history)}
    return Model(
        Learned(
            items=items.table,
            rating_parameters=result.parameters,
            item_counts=items.counts,
            item_means=items.means,
            ratings=None,
            user_table=None,
            fit=FitRecord(solver.name, settings, source, chain.history),
        )
    )
