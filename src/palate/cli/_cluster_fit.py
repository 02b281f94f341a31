"""The option ``--spark`` of the command fit: a fit in a cluster."""

# ruff: noqa: PLC0415

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from palate._words import capitalized, counted
from palate.cli import _output
from palate.cli._progress import progress_of_fit
from palate.cli._ratings_options import given

SparkMaster = Annotated[
    str | None,
    typer.Option(
        "--spark",
        metavar="MASTER",
        help="Fit in this Spark cluster, such as yarn or 'local[*]'; RATINGS are "
        "Parquet, CSV or a table there, events with --kind events, and users are not saved "
        "without --save-users.",
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="With --spark: a folder that all executors can write to. A fit that was stopped goes "
        "on from there.",
    ),
]
SaveUsers = Annotated[
    bool,
    typer.Option(
        "--save-users",
        help="With --spark: let the executors write the users into the folder of the model, "
        "which they must share with this machine.",
    ),
]


# The kinds that can be asked for: events have no ratings, or theirs are ignored.
_KINDS = {("kind", "events"), ("kind", "ratings")}


def fit_in_cluster(
    master: str,
    source: str,
    output: Path,
    solver: Any,
    *,
    columns: dict[str, Any],
    others: dict[str, Any],
    json: bool,
) -> None:
    """Fit a model in a Spark cluster, save it, and print what was fitted.

    Parameters
    ----------
    master, source, output
        The cluster, the ratings, and the folder of the model.
    solver
        The solver.
    columns
        The other arguments of `palate.spark.fit`, None where they are not given.
    others
        Further options, which have no meaning there, but for the kind of the rows.
    json
        Whether to print a JSON document.

    Raises
    ------
    SettingError
        If one of these is given.
    """
    from palate.errors import SettingError

    events = others["kind"] == "events"
    for name, value in others.items():
        if value and (name, value) not in _KINDS:
            raise SettingError(f"--{name.replace('_', '-')} can't be used with --spark")
    from palate.spark import fit
    from palate.spark._session import session_of, table_of

    _output.to_stderr(f"Starting a Spark session in {master}.")
    with _explained_interrupt(columns["checkpoint"]), session_of(master) as spark:
        frame = table_of(spark, source)
        _output.to_stderr("Checking and packing the ratings, before the first sweep.")
        options = given(**columns) | ({"rating": None} if events else {})
        options |= {"solver": solver, "output": output}
        with _logged(), progress_of_fit(solver) as report:
            model = fit(frame, **options, progress=_with_start(report))
    _print_fit(model, output, json=json)


def _print_fit(model: Any, output: Path, *, json: bool) -> None:
    rows, kind = int(model.learned.item_counts.sum()), model.learned.kind
    if json:
        _output.document(
            model=str(output), source=model.fit.source, kind=kind, ratings=rows,
            solver=model.fit.solver, history=model.fit.history,
        )  # fmt: skip
    else:
        has_ratings = model.learned.has_ratings
        learned = [f"how people rate, by {model.fit.solver}"] if has_ratings else []
        _output.line(f"Fitted to {rows:,} {kind}: {'; '.join([*learned, 'what they pick'])}.")
        following = "biases" if has_ratings else "recommend"
        _output.line(f"The model is in {output}. Next: palate {following} {output}")


@contextmanager
def _logged() -> Iterator[None]:
    """Print what the library warns of to stderr, such as that a checkpoint is replaced."""
    import logging

    class ToStderr(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _output.to_stderr(capitalized(f"{record.getMessage()}."))

    from palate._log import log

    handler = ToStderr(logging.WARNING)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _with_start(report: Any) -> Any:
    """Return a reporter that also says, on stderr, that the first sweep is not that of the fit."""
    is_first = True

    def reported(row: dict[str, Any]) -> None:
        nonlocal is_first
        if is_first and row["sweep"]:
            done = counted(row["sweep"], "sweep")
            _output.to_stderr(f"The fit goes on from its checkpoint, after {done}.")
        is_first = False
        report(row)

    return reported


@contextmanager
def _explained_interrupt(checkpoint: str | None) -> Iterator[None]:
    """Say what is lost if Ctrl-C ends the block, and what is not."""
    try:
        yield
    except KeyboardInterrupt:
        after = (
            "with --checkpoint FOLDER the same command would go on from there"
            if checkpoint is None
            else f"the same command goes on from the latest state in {checkpoint}, if there is one"
        )
        _output.to_stderr(f"interrupted: no model was saved; {after}")
        raise
