"""`fit`: the models of a Spark DataFrame, by the same mathematics as on one machine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from palate import _arguments
from palate._log import log
from palate.data._ratings import Kind, how_many
from palate.errors import DataError, SettingError
from palate.learned._file_format import require_model_folder
from palate.learned._learned import FitRecord, Learned
from palate.model._model import Model
from palate.solvers._progress import Progress, Report, reporter
from palate.solvers.choice._solver import Choice
from palate.solvers.gibbs._chain import Chain
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checkpoint import Checkpoint, Note
from palate.spark._checks import Columns, checked_ratings
from palate.spark._choice import choice_model, histories_in, with_choice
from palate.spark._numbering import Items, numbered_items
from palate.spark._packing import Plan
from palate.spark._people import Placed, SparkPeople
from palate.spark._placing import Placing

# By default a block has about so many ratings, and there are as many blocks as cores at least.
_RATINGS = 2_000_000


def fit(
    frame: DataFrame,
    user: str = "user",
    item: str = "item",
    rating: str | None = "rating",
    *,
    solver: Gibbs | Choice | None = None,
    items: Any = None,
    blocks: int | None = None,
    checkpoint: str | Path | None = None,
    output: str | Path | None = None,
    progress: Progress = None,
) -> Model:
    """Return a model of a Spark DataFrame, fitted in its cluster: ratings and picks.

    How people rate comes from the chain of `Gibbs`, with the same random numbers for the same
    users, numbered in the order of their ids: it is the model of `Gibbs.fit` on one machine, up to
    the order of sums in floating point. What they pick comes from the sums of `Choice`, but other
    entries are held out than on one machine. The model has no users: none of them is collected.

    Parameters
    ----------
    frame
        A row for each rating or event, in a session that is not Spark Connect.
    user, item, rating
        The columns of ids, which can be of any type, and of ratings. With None the rows are events,
        or counts of them if pairs repeat: then only what people pick is learned.
    solver
        The settings: `Gibbs`, beside which `Choice` is learned, or `Choice` alone.
    items
        A table of items, whose titles and other columns are joined by id; see `read_ratings`.
    blocks
        The number of blocks of users, and of items; by default one for each two million ratings,
        but as many as there are cores at least. The same number gives the same bits.
    checkpoint
        A folder that all executors can write to, such as "hdfs:///tmp/palate", for the packed
        ratings and the state after every tenth sweep. A lost part is computed again from there, and
        a fit that was stopped goes on. Not needed if all executors are on this machine.
    output, progress
        The folder to save the model in; the progress as of `Gibbs.fit`.

    Raises
    ------
    DataError
        If the ratings can't be used; the message says how many, with examples.
    SettingError
        If a setting is out of range, or the cluster needs a `checkpoint`.
    """
    solver, spark = _require_solver(solver, rating), _require_session(frame)
    if output is not None:
        require_model_folder(Path(output))
    read = checked_ratings(frame, columns := Columns(user, item, rating))
    with _placing(spark, checkpoint) as placing:
        found = numbered_items(read[0], items, columns.item)
        plan = _plan(placing, read[0], found, solver, blocks)
        model = _fitted(placing, plan, found, solver, (columns, read[1]), report=reporter(progress))
    if output is not None:
        model.save(output)
    return model


def _fitted(
    placing: Placing,
    plan: Plan,
    items: Items,
    solver: Gibbs | Choice,
    read: tuple[Columns, Kind],
    *,
    report: Report,
) -> Model:
    """Return the model of packed ratings; `read` are their columns, and what they are."""
    columns, kind = read
    source = "; ".join(filter(None, (columns.source, items.source)))
    with _placed(placing, plan, items) as placed:
        histories = histories_in(placing.spark.sparkContext, placed.by_user, plan, kind)
        if isinstance(solver, Choice):
            model = choice_model(histories, solver, items, source, report)
        else:
            with _people(placing, plan, placed, items, solver.seed) as people:
                chain = _sampled(people, Checkpoint(placing), solver, report)
                model = _model(chain, solver, items, source)
            model = with_choice(model, histories, solver.seed)
    log.info("fitted %r to %s in a cluster", model, how_many(kind, int(items.counts.sum())))
    return model


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
    placing: Placing, plan: Plan, placed: Placed, items: Items, seed: int
) -> Iterator[SparkPeople]:
    """Yield the users in the executors, for as long as the block lasts."""
    people = SparkPeople(placing.spark.sparkContext, plan, placed, items.table, seed)
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


def _require_solver(solver: Gibbs | Choice | None, rating: str | None) -> Gibbs | Choice:
    if solver is None:
        return Choice() if rating is None else Gibbs()
    if not isinstance(solver, Gibbs | Choice):
        raise SettingError(
            f"palate.spark fits by palate.Gibbs() and palate.Choice(); {solver!r} is another solver"
        )
    if rating is None and isinstance(solver, Gibbs):
        raise DataError(
            "Gibbs learns from ratings, and with rating=None these are events; use palate.Choice()"
        )
    return solver


def _require_session(frame: DataFrame) -> SparkSession:
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
    placing: Placing, ratings: DataFrame, items: Items, solver: Gibbs | Choice, blocks: int | None
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
    key = {"solver": solver.name, "palate": version("palate"), "checksum": checksum, **settings}
    note = Note.read(spark, path)
    if note is not None and note.text == key:
        return Plan(**note.arrays)
    Checkpoint(placing).clear()
    plan = placing.write(ratings, items, blocks)
    if isinstance(solver, Gibbs):
        _require_several(plan, items)
    Note(key, plan._asdict()).write(spark, path)
    return plan


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
        yield Placing(spark, str(checkpoint))
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
