"""`fit`: the models of a Spark DataFrame, by the same computations as on one machine."""

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from palate.errors import SettingError
from palate.learned._file_format import require_model_folder
from palate.model._model import Model
from palate.solvers._progress import Progress
from palate.solvers.choice._solver import Choice
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checks import Columns, checked_ratings
from palate.spark._fitted import Settings, fitted, require_session, require_solver
from palate.spark._saved_users import require_shared_folder


def fit(
    frame: DataFrame,
    user: str = "user",
    item: str = "item",
    rating: str | None = "rating",
    *,
    solver: Gibbs | Choice | None = None,
    items: Any = None,
    users: Any = None,
    blocks: int | None = None,
    checkpoint: str | Path | None = None,
    output: str | Path | None = None,
    save_users: bool = False,
    progress: Progress = None,
) -> Model:
    """Return a model of a Spark DataFrame, fitted in its cluster: how people rate, what they pick.

    How people rate comes from the chain of `Gibbs`, with the same random numbers for the same
    users, numbered in the order of their ids: it is the model of `Gibbs.fit` on one machine, up to
    the order of sums in floating point. What they pick comes from the same sums as by `Choice`. The
    model has no users: nothing of their number is collected; see `recommend` and `save_users`.

    Parameters
    ----------
    frame
        A row for each rating or event; not of Spark Connect.
    user, item, rating
        The columns of ids, of any type, and of ratings: None for events, or counts if pairs repeat,
        of which only what people pick is learned.
    solver
        The settings: `Gibbs`, beside which `Choice` is learned, or `Choice` alone.
    items
        A table of items, whose titles and other columns are joined by id; see `read_ratings`.
    users
        A Spark DataFrame of users, or a table as of items, whose columns become features of them.
    blocks
        The number of blocks of users, and of items; by default one for each two million ratings,
        but as many as there are cores at least. The same number gives the same bits.
    checkpoint
        A folder that all executors can write to, such as "hdfs:///tmp/palate", for the packed
        ratings and the state after every tenth sweep: lost parts are computed again from there, and
        a stopped fit goes on. Not needed if all executors are on this machine.
    output, save_users, progress
        The folder to save the model in; whether the executors, which must share it, write the users
        there; as of `Gibbs.fit`.

    Raises
    ------
    DataError
        If the ratings can't be used; the message says how many, with examples.
    SettingError
        If a setting is out of range, or the cluster needs a `checkpoint`.
    """
    _require_output(require_session(frame), output, save_users)
    ratings, kind = checked_ratings(frame, columns := Columns(user, item, rating))
    settings = Settings(require_solver(solver, kind), items, users, blocks, checkpoint, progress)
    with fitted(ratings, kind, columns, settings) as done:
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
