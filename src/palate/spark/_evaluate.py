"""`evaluate`: the figures of the rating model on held-out ratings, computed in the executors."""

import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from palate import _arguments
from palate.data._ratings import Kind, how_many, lowest_relevant
from palate.errors import DataError, SettingError
from palate.evaluation import _significance
from palate.evaluation._evaluate import Evaluation
from palate.evaluation._figure_sums import Figures, Sums
from palate.evaluation._held_out_parts import LEAK
from palate.learned._file_format import files_of
from palate.solvers._progress import Progress
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checks import ITEM, RATING, USER, Columns, checked_ratings
from palate.spark._fitted import Fitted, Settings, fitted, require_session, require_solver
from palate.spark._measure import Context, Measure, entries, together_in
from palate.spark._numbering import BLOCK
from palate.spark._packing import from_bytes
from palate.spark._results import added_tables

# Of more items the table of how many people have two of them is too large to be added up.
_MAX_ITEMS = 5000
_SUMS = "sums binary"


def evaluate(
    frame: DataFrame,
    user: str = "user",
    item: str = "item",
    rating: str = "rating",
    *,
    test: DataFrame | None = None,
    share: float | None = None,
    seed: int = 0,
    solver: Gibbs | None = None,
    items: Any = None,
    users: Any = None,
    blocks: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Progress = None,
) -> Evaluation:
    """Measure the rating model and four baselines on held-out ratings, in the cluster.

    The figures are those of `palate.evaluate` of the same two tables, with one difference: of more
    than 5,000 items there are no item neighbours, and no diversity. People are inferred, and their
    lists judged, in the executors, which return sums.

    Parameters
    ----------
    frame, user, item, rating
        As of `fit`.
    test
        A table of held-out ratings with the same columns, and with any users and items; those that
        are among the ratings of `frame` too are left out.
    share, seed
        Without `test`, the fraction of the ratings that is held out, by default 0.2: those of which
        the first eight hexadecimal digits of the MD5 checksum of seed, user and item, as text with
        tabs between them, are less than ``share * 2**32``. The order of the table has no part.
    solver
        As of `palate.evaluate`: the rating model alone; by default the choice model beside it.
    items, users, blocks, checkpoint, progress
        As of `fit`.

    Returns
    -------
    Evaluation
        As of `palate.evaluate`.

    Raises
    ------
    DataError
        If the ratings or the test can't be used, or one of the parts is empty.
    SettingError
        If a setting is out of range, `share` is given with `test`, or the cluster needs a
        `checkpoint`.
    """
    require_session(frame)
    columns = Columns(user, item, rating)
    parts = _parts(checked_ratings(frame, columns), test, columns, share, seed)
    settings = Settings(_gibbs(solver), items, users, blocks, checkpoint, progress)
    start = time.perf_counter()
    with fitted(parts.known, "ratings", columns, settings, choice=solver is None) as fit:
        of_fit = [name for name, _ in entries(fit.model.learned)]
        seconds = dict.fromkeys(of_fit, time.perf_counter() - start)
        return _evaluation(_figures(fit, parts), parts, seconds)


def _gibbs(solver: Gibbs | None) -> Gibbs:
    found = require_solver(solver, "ratings")
    if not isinstance(found, Gibbs):
        raise SettingError("palate.spark.evaluate measures the models of palate.Gibbs()")
    return found


def _evaluation(figures: Figures, parts: "_Parts", seconds: dict[str, float]) -> Evaluation:
    """Return the evaluation; `seconds` are those of the fits."""
    results = _significance.results_from(
        {name: [figures.of(name, seconds.get(name))] for name in figures.names}, figures.error
    )
    sentence = _significance.sentence(results, figures.people)
    sentence += _significance.where_baselines_win(results, figures.people)
    return Evaluation(
        parts.description, parts.warning, parts.lowest_relevant, [figures.cold], results, sentence,
        parts.left_out,
    )  # fmt: skip


class _Parts(NamedTuple):
    """What is fitted, and what is held out.

    Attributes
    ----------
    train, valid
        Columns user, item and rating.
    description, warning, left_out
        See `Evaluation`.
    lowest_relevant
        See `Ratings.lowest_relevant`.
    """

    train: DataFrame
    valid: DataFrame
    description: str
    warning: str | None
    left_out: int
    lowest_relevant: float

    @property
    def known(self) -> DataFrame:
        """The training ratings, and the held-out pairs without theirs."""
        unrated = self.valid.withColumn(RATING, F.lit(None).cast("float"))
        return self.train.unionByName(unrated)


def _parts(
    read: tuple[DataFrame, Kind],
    test: DataFrame | None,
    columns: Columns,
    share: float | None,
    seed: int,
) -> _Parts:
    ratings, kind = read
    if kind != "ratings":
        raise DataError("all ratings are the same: these are events, and not for an evaluation")
    if test is not None:
        if share is not None:
            raise SettingError("test= holds ratings out itself; leave out share=")
        return _of_tables(ratings, test, columns)
    share = 0.2 if share is None else _arguments.fraction("share", share)
    key = F.concat_ws("\t", F.lit(str(_arguments.seed(seed))), *(
        F.col(name).cast("string") for name in (USER, ITEM)
    ))  # fmt: skip
    number = F.conv(F.substring(F.md5(key.cast("binary")), 1, 8), 16, 10).cast("double")
    held_out = number < share * 2**32
    train, valid = ratings.filter(~held_out), ratings.filter(held_out)
    if valid.isEmpty() or train.isEmpty():
        raise SettingError(
            f"share is {share:g}, which leaves one part of the ratings empty; choose another one"
        )
    description = f"a random {share:.0%} of the ratings"
    warning = LEAK.format("ratings")
    return _Parts(train, valid, description, warning, 0, _lowest_relevant(ratings))


def _of_tables(train: DataFrame, test: DataFrame, columns: Columns) -> _Parts:
    require_session(test)
    given, _ = checked_ratings(test, columns)
    for name, column in zip((USER, ITEM), columns, strict=False):
        types = [frame.schema[name].dataType for frame in (train, given)]
        if types[0] == types[1]:
            continue
        if not all(isinstance(one, T.IntegralType) for one in types):
            raise DataError(
                f"column {column!r} holds {types[0].simpleString()} in the training table, and "
                f"{types[1].simpleString()} in the test table; cast one of them"
            )
        given = given.withColumn(name, F.col(name).cast(types[0]))
    valid = given.join(train.select(USER, ITEM), [USER, ITEM], "left_anti")
    number, total = valid.count(), given.count()
    if number == 0:
        raise DataError(f"all {total:,} test ratings are among the training ratings; give others")
    description = f"{how_many('ratings', number)} of the test table"
    if total > number:
        more = total - number
        description += f"; {more:,} more are among the training ratings and left out"
    left_out = total - number
    return _Parts(train, valid, description, None, left_out, _lowest_relevant(train))


def _lowest_relevant(ratings: DataFrame) -> float:
    low, high = ratings.agg(F.min(RATING), F.max(RATING)).first() or (0.0, 0.0)
    return lowest_relevant(low, high)


def _figures(fit: Fitted, parts: _Parts) -> Figures:
    """Return the figures of the model and the baselines."""
    learned, spark = fit.model.learned, parts.train.sparkSession
    items = learned.items.height
    together = None
    if items <= _MAX_ITEMS:
        packed = fit.placing.by_user().select(BLOCK, "ratings").rdd
        counted = packed.flatMap(partial(together_in, items=items))
        together = added_tables(counted, fit.plan.blocks, (items, items), np.int32)
    context = Context.of(learned, together)
    sent = spark.sparkContext.broadcast(files_of(learned, users=False))
    work = Measure(sent, spark.sparkContext.broadcast(context), fit.plan, parts.lowest_relevant)

    def measured(pairs: pa.Table, packed: pa.Table) -> pa.Table:
        return work(pairs, packed)

    pairs = fit.placing.numbered(parts.valid, fit.items.numbers, fit.plan)
    pairs = pairs.select(USER, ITEM, RATING, BLOCK)
    both = pairs.groupBy(BLOCK).cogroup(fit.placing.by_user().groupBy(BLOCK))
    sums = both.applyInArrow(measured, _SUMS).rdd.map(_sums_in).treeReduce(_added)
    names = [name for name, _ in entries(learned)]
    names += [baseline.name for baseline in context.baselines]
    return Figures(names, sums, int(learned.rated.sum()))


def _sums_in(row: Row) -> Sums:
    return from_bytes(row[0])


def _added(one: Sums, other: Sums) -> Sums:
    return {name: one[name] + other[name] for name in one}
