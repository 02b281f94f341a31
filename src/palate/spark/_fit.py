"""`fit`: the rating model of a Spark DataFrame, by the same chain as on one machine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from palate import _arguments
from palate._log import log
from palate._words import counted
from palate.errors import DataError, SettingError
from palate.learned._file_format import require_model_folder
from palate.learned._learned import FitRecord, Learned
from palate.model._model import Model
from palate.solvers._progress import Progress, Report, reporter
from palate.solvers.gibbs._chain import Chain
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checkpoint import Checkpoint, Note
from palate.spark._checks import Columns, checked_ratings
from palate.spark._known_users import KnownUsers, known_users
from palate.spark._numbering import Items, numbered_items
from palate.spark._packing import Plan
from palate.spark._people import SparkPeople
from palate.spark._placing import Placing
from palate.spark._saved_users import require_shared_folder, save_with_users

# By default a block has about so many ratings, and there are as many blocks as cores at least.
_RATINGS = 2_000_000


def fit(
    frame: DataFrame,
    user: str = "user",
    item: str = "item",
    rating: str = "rating",
    *,
    solver: Gibbs | None = None,
    items: Any = None,
    users: Any = None,
    blocks: int | None = None,
    checkpoint: str | Path | None = None,
    output: str | Path | None = None,
    save_users: bool = False,
    progress: Progress = None,
) -> Model:
    """Return the rating model of a Spark DataFrame of ratings, fitted in its cluster.

    It is the chain of `Gibbs`, with the same random numbers for the same users, who are numbered in
    the order of their ids, as by `read_ratings`: the model is that of `Gibbs.fit` on one machine,
    up to the order of sums in floating point. What people pick (`Choice`) is not learned. The model
    has no users: nothing of their number is collected; see `recommend` and `save_users`.

    Parameters
    ----------
    frame
        A row for each rating, in a session that is not Spark Connect.
    user, item, rating
        The columns of ids, which can be of any type, and of ratings.
    solver
        The settings; by default ``Gibbs()``.
    items
        A table of items, whose titles and other columns are joined by id; see `read_ratings`.
    users
        A Spark DataFrame of users, or a table as of items, whose columns become features of them.
    blocks
        The number of blocks of users, and of items; by default one for each two million ratings,
        but as many as there are cores at least. The same number gives the same bits.
    checkpoint
        A folder that all executors can write to, such as "hdfs:///tmp/palate", for the packed
        ratings and the state after every tenth sweep. A lost part is computed again from there, and
        a fit that was stopped goes on. Not needed if all executors are on this machine.
    output, save_users, progress
        The folder to save the model in; whether the executors, which must share it, write the users
        there, for `palate.load`; the progress as of `Gibbs.fit`.

    Raises
    ------
    DataError
        If the ratings can't be used; the message says how many, with examples.
    SettingError
        If a setting is out of range, or the cluster needs a `checkpoint`.
    """
    solver, spark = require_gibbs(solver), require_session(frame)
    _require_output(spark, output, save_users)
    ratings = checked_ratings(frame, columns := Columns(user, item, rating))
    settings = Settings(solver, items, users, blocks, checkpoint, progress)
    with fitted(ratings, columns, settings) as done:
        if output is not None:
            done.save(Path(output), users=save_users)
    return done.model


def _require_output(spark: SparkSession, output: str | Path | None, save_users: bool) -> None:
    if output is not None and save_users:
        require_shared_folder(spark, Path(output))
    elif output is not None:
        require_model_folder(Path(output))
    elif save_users:
        raise SettingError("save_users= needs output=, the folder to save them in")


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

    solver: Gibbs
    items: Any
    users: Any
    blocks: int | None
    checkpoint: str | Path | None
    progress: Progress


@contextmanager
def fitted(ratings: DataFrame, columns: Columns, settings: Settings) -> Iterator[Fitted]:
    """Yield what is fitted to the ratings that are not null; their files last as long as the block.

    Parameters
    ----------
    ratings
        Columns user, item and rating, null for pairs whose users and items are in the fit, but not
        with these ratings.
    columns
        What they were called.
    settings
        How to fit.
    """
    solver, items, users, blocks, checkpoint, progress = settings
    with _placing(ratings.sparkSession, checkpoint) as placing:
        found = numbered_items(ratings, items, columns.item)
        known = known_users(ratings, users, columns.user)
        plan = _plan(placing, ratings, found, known, solver=solver, blocks=blocks)
        with _people(placing, plan, found, known, solver.seed) as people:
            chain = _sampled(people, Checkpoint(placing), solver, reporter(progress))
            source = "; ".join(filter(None, (columns.source, found.source, known.source)))
            model = _model(chain, solver, found, source)
        yield Fitted(model, found, known, placing, plan)


@contextmanager
def _people(
    placing: Placing, plan: Plan, items: Items, known: KnownUsers, seed: int
) -> Iterator[SparkPeople]:
    """Yield the users in the executors, for as long as the block lasts."""
    placed = placing.placed(plan, items.counts)
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


def require_gibbs(solver: Gibbs | None) -> Gibbs:
    """Return the solver, by default `Gibbs`; another one is refused."""
    if solver is None:
        return Gibbs()
    if not isinstance(solver, Gibbs):
        raise SettingError(f"palate.spark fits by palate.Gibbs(); {solver!r} is another solver")
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


def _blocks(blocks: int | None, spark: SparkSession, ratings: int) -> int:
    if blocks is not None:
        return _arguments.count("blocks", blocks)
    return max(spark.sparkContext.defaultParallelism, -(-ratings // _RATINGS))


def _plan(
    placing: Placing,
    ratings: DataFrame,
    items: Items,
    known: KnownUsers,
    *,
    solver: Gibbs,
    blocks: int | None,
) -> Plan:
    """Return the plan of the blocks, whose packed ratings are in the folder: or are already there.

    They are there if the folder has a fit of the same ratings with the same settings, which may
    have been stopped; otherwise what it has is replaced.
    """
    spark, path = placing.spark, placing.path("plan")
    blocks = _blocks(blocks, spark, int(items.counts.sum()))
    values = F.xxhash64(*ratings.columns) % (1 << 31)
    (checksum,) = ratings.agg(F.sum(values)).first() or (0,)
    settings = {**solver.settings, "blocks": blocks, "ratings": int(items.counts.sum())}
    features = [list(feature) for feature in known.features.features]
    key = {"palate": version("palate"), "checksum": checksum, "users": features, **settings}
    note = Note.read(spark, path)
    if note is not None:
        same = note.text == key
        if same and placing.is_whole():
            return Plan(**note.arrays)
        what = "can't be read" if same else f"are of another fit ({_differing(note.text, key)})"
        log.warning("the files in %s %s; they are replaced", placing.folder, what)
    Checkpoint(placing).clear()
    plan = placing.write(ratings, items, known, blocks)
    _require_several(plan, items)
    Note(key, plan._asdict()).write(spark, path)
    return plan


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return in what the keys of two fits differ."""
    names = [name for name in other if one.get(name) != other[name]]
    if "checksum" in names:
        return "other ratings"
    if "users" in names:
        return "other features of users"
    return ", ".join(f"{name} {one.get(name)} instead of {other[name]}" for name in names)


def _require_several(plan: Plan, items: Items) -> None:
    for role, n in (("user", int(plan.users[-1])), ("item", len(items.counts))):
        if n == 1:
            raise DataError(
                f"all {int(plan.ratings[-1]):,} ratings are of one {role}; there is nothing to "
                "compare it with"
            )


@contextmanager
def _placing(spark: SparkSession, checkpoint: str | Path | None) -> Iterator[Placing]:
    """Yield where the files of a fit are: in a temporary folder where that is enough."""
    if checkpoint is not None:
        # A folder of its own, because what it has is replaced.
        yield Placing(spark, f"{str(checkpoint).rstrip('/')}/palate-fit")
    elif (spark.sparkContext.master or "").startswith("local"):
        with tempfile.TemporaryDirectory(prefix="palate-") as folder:
            yield Placing(spark, folder)
    else:
        raise SettingError(
            "on a cluster checkpoint= is needed: a folder that all executors can write to, such as "
            "hdfs:///tmp/palate"
        )


def _model(chain: Chain, solver: Gibbs, items: Items, source: str) -> Model:
    result = chain.calibrated()
    settings = {**solver.settings, "sweeps": len(chain.history)}
    model = Model(
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
    log.info("fitted %r to %s in a cluster", model, counted(chain.totals.ratings, "rating"))
    return model
