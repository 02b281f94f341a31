"""`fit`: the rating model of a Spark DataFrame, by the same chain as on one machine."""

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
from palate.spark._numbering import Items, numbered_items
from palate.spark._packing import Plan
from palate.spark._people import SparkPeople
from palate.spark._placing import Placing

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
    blocks: int | None = None,
    checkpoint: str | Path | None = None,
    output: str | Path | None = None,
    progress: Progress = None,
) -> Model:
    """Return the rating model of a Spark DataFrame of ratings, fitted in its cluster.

    It is the chain of `Gibbs`, with the same random numbers for the same users, who are numbered in
    the order of their ids, as by `read_ratings`: the model is that of `Gibbs.fit` on one machine,
    up to the order of sums in floating point. What people pick (`Choice`) is not learned. The model
    has no users: nothing of their number is collected; see `recommend`.

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
    solver, spark = _require_gibbs(solver), _require_session(frame)
    if output is not None:
        require_model_folder(Path(output))
    ratings = checked_ratings(frame, columns := Columns(user, item, rating))
    with _placing(spark, checkpoint) as placing:
        found = numbered_items(ratings, items, columns.item)
        plan = _plan(placing, ratings, found, solver, blocks)
        with _people(placing, plan, found, solver.seed) as people:
            chain = _sampled(people, Checkpoint(placing), solver, reporter(progress))
            model = _model(chain, solver, found, columns)
    if output is not None:
        model.save(output)
    return model


@contextmanager
def _people(placing: Placing, plan: Plan, items: Items, seed: int) -> Iterator[SparkPeople]:
    """Yield the users in the executors, for as long as the block lasts."""
    placed = placing.placed(plan, items.counts)
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


def _require_gibbs(solver: Gibbs | None) -> Gibbs:
    if solver is None:
        return Gibbs()
    if not isinstance(solver, Gibbs):
        raise SettingError(f"palate.spark fits by palate.Gibbs(); {solver!r} is another solver")
    if solver.device is not None:
        raise SettingError(
            f"device is {solver.device!r}, and palate.spark draws rows on the processors of the "
            "executors; use Gibbs() without a device"
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
    placing: Placing, ratings: DataFrame, items: Items, solver: Gibbs, blocks: int | None
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
    key = {"palate": version("palate"), "checksum": checksum, **settings}
    note = Note.read(spark, path)
    if note is not None:
        same = note.text == key
        if same and placing.is_whole():
            return Plan(**note.arrays)
        what = "can't be read" if same else f"are of another fit ({_differing(note.text, key)})"
        log.warning("the files in %s %s; they are replaced", placing.folder, what)
    Checkpoint(placing).clear()
    plan = placing.write(ratings, items, blocks)
    _require_several(plan, items)
    Note(key, plan._asdict()).write(spark, path)
    return plan


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return in what the keys of two fits differ."""
    names = [name for name in other if one.get(name) != other[name]]
    return (
        "other ratings"
        if "checksum" in names
        else ", ".join(f"{name} {one.get(name)} instead of {other[name]}" for name in names)
    )


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


def _model(chain: Chain, solver: Gibbs, items: Items, columns: Columns) -> Model:
    result = chain.calibrated()
    source = "; ".join(filter(None, (columns.source, items.source)))
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
