"""Where the files of a fit are, and the plan of its blocks: made, or found there."""

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
from palate.errors import DataError, SettingError
from palate.solvers.choice._solver import Choice
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checkpoint import Checkpoint, Note
from palate.spark._known_users import KnownUsers
from palate.spark._numbering import Items
from palate.spark._packing import Plan
from palate.spark._placing import Placing

# By default a block has about so many ratings, and there are as many blocks as cores at least.
_RATINGS = 2_000_000


def _blocks(blocks: int | None, spark: SparkSession, ratings: int) -> int:
    if blocks is not None:
        return _arguments.count("blocks", blocks)
    return max(spark.sparkContext.defaultParallelism, -(-ratings // _RATINGS))


def plan_of(
    placing: Placing,
    ratings: DataFrame,
    items: Items,
    known: KnownUsers,
    *,
    solver: Gibbs | Choice,
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
    key = {"palate": version("palate"), "solver": solver.name, "checksum": checksum}
    key |= {"users": features, **settings}
    note = Note.read(spark, path)
    if note is not None:
        same = note.text == key
        if same and placing.is_whole():
            return Plan(**note.arrays)
        what = "can't be read" if same else f"are of another fit ({_differing(note.text, key)})"
        log.warning("the files in %s %s; they are replaced", placing.folder, what)
    Checkpoint(placing).clear()
    plan = placing.write(ratings, items, known, blocks)
    if isinstance(solver, Gibbs):
        _require_several(plan, items)
    Note(key, plan._asdict()).write(spark, path)
    return plan


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return in what the keys of two fits differ."""
    names = [name for name in other if one.get(name) != other[name]]
    if "palate" in names:
        names = ["palate"]
    elif "checksum" in names:
        return "other ratings"
    elif "users" in names:
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
def placing_in(spark: SparkSession, checkpoint: str | Path | None) -> Iterator[Placing]:
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
