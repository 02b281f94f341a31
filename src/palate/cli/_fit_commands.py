"""The commands fit and evaluate. They import palate when they run, so --help is fast."""

# ruff: noqa: PLC0415, PLR0917

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _output
from palate.cli._app import Json, Seed, Threads, app, examples
from palate.cli._cluster_fit import Checkpoint, SaveUsers, SparkMaster, fit_in_cluster
from palate.cli._progress import progress_of_fit
from palate.cli._ratings_options import (
    DatabaseTable,
    Duplicates,
    ItemColumn,
    ItemsFile,
    Kind,
    RatingColumn,
    RatingsSource,
    TimeColumn,
    UserColumn,
    UsersFile,
    read,
    reading_options,
)
from palate.cli._saving import (
    KEPT,
    fit_and_save,
    fit_if_not_worse,
    require_users_for_gate,
    warn_if_interrupted,
)
from palate.cli._solver_options import (
    EvaluateCommand,
    FitCommand,
    chosen_solver,
    chosen_solvers,
    default_solver,
)

ValidShare = Annotated[
    float,
    typer.Option(
        "--valid",
        help="Hold out this fraction of the ratings to measure the loss, before the fit to all.",
    ),
]
NoUsers = Annotated[
    bool, typer.Option("--no-users", help="Do not save the users and their ratings.")
]
Folds = Annotated[
    str,
    typer.Option(help="The number of random folds, or official for u1 to u5 of MovieLens 100k."),
]
Split = Annotated[
    str | None,
    typer.Option(
        help="Instead of folds, one split: time, random, users (people outside the fit), "
        "leave-last-1 (or -2, ...)."
    ),
]
TestTable = Annotated[
    str | None,
    typer.Option(
        help="Instead of folds, a table of held-out ratings with the same columns; RATINGS are "
        "then the training ratings."
    ),
]
Share = Annotated[
    float | None,
    typer.Option(
        help="The fraction that the splits time, random and users hold out; by default 0.2."
    ),
]

Gate = Annotated[
    bool,
    typer.Option(
        "--gate",
        help="Replace the model in the folder only if the new fit is not worse on ratings that "
        "neither has seen; otherwise the exit status is 3.",
    ),
]


@app.command(
    cls=FitCommand,
    epilog=examples(
        "palate fit ratings.csv -o model",
        "palate fit ratings.csv -o model --gate",
        "palate fit clicks.parquet -o model --user customer --item sku",
        "palate fit ml-100k -o model --valid 0.1",
        "palate fit ratings.csv --items films.csv --users people.csv -o model",
        "palate fit postgresql://host/shop --table purchases -o model",
        "palate fit hdfs:///ratings -o model --spark yarn --checkpoint hdfs:///tmp",
    ),
)
def fit(
    context: typer.Context,
    ratings: RatingsSource,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The folder to write the model to; it replaces one that is there.",
        ),
    ],
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    items: ItemsFile = None,
    users: UsersFile = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    kind: Kind = None,
    share: ValidShare = 0.0,
    gate: Gate = False,
    no_users: NoUsers = False,
    spark: SparkMaster = None,
    checkpoint: Checkpoint = None,
    save_users: SaveUsers = False,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Fit a model to RATINGS and save it: how people rate, and what they pick.

    Of events and counts, only the latter is learned.
    """
    import palate
    from palate.learned._file_format import require_model_folder

    require_users_for_gate(gate, no_users)
    require_model_folder(output)
    if save_users and no_users:
        raise palate.SettingError("--save-users contradicts --no-users; leave one of them out")
    chosen = chosen_solver(context, seed)
    columns: dict[str, Any] = {"user": user, "item": item, "rating": rating, "items": items}
    others: dict[str, Any] = {"timestamp": timestamp, "users": users, "table": table, "kind": kind}
    others |= reading_options(context)
    if spark is not None:
        columns |= {"checkpoint": checkpoint, "users": others.pop("users")}
        columns["save_users"] = save_users
        others |= {"valid": share, "gate": gate, "threads": threads}
        solver = chosen or default_solver(None, seed, events=kind == "events")
        fit_in_cluster(spark, ratings, output, solver, columns=columns, others=others, json=json)
        return
    if checkpoint is not None or save_users:
        option = "--save-users" if checkpoint is None else "--checkpoint"
        raise palate.SettingError(f"{option} belongs to a fit with --spark")
    data = read(ratings, duplicates, **columns, **others)
    solver = chosen or default_solver(data, seed)
    _fit_here(
        output, data, solver, seed, threads, share=share, gate=gate, no_users=no_users, json=json
    )


def _fit_here(
    output: Path,
    data: Any,
    solver: Any,
    seed: int,
    threads: int | None,
    *,
    share: float,
    gate: bool,
    no_users: bool,
    json: bool,
) -> None:
    """Fit a model on this machine, and print what was fitted; the options are those of `fit`."""
    validated = _fit_to_part(solver, data, share, seed, threads) if share else None
    if gate:
        compared, model = fit_if_not_worse(output, data, solver, seed, threads)
    else:
        compared, model = None, fit_and_save(output, data, solver, threads, users=not no_users)
    replaced = compared is None or compared.passed
    if json:
        learned = validated or (model if replaced else None)  # the history of no older fit
        _output.document(
            model=str(output), source=data.source, kind=data.kind, ratings=len(data),
            solver=model.fit.solver, choice=_choice_settings(model),
            history=learned.fit.history if learned else None, replaced=replaced, gate=compared,
        )  # fmt: skip
    else:
        _print_fit(output, data, model, compared, users=not no_users)
    if not replaced:
        raise typer.Exit(KEPT)


def _print_fit(output: Path, data: Any, model: Any, compared: Any, *, users: bool) -> None:
    """Print what was fitted, or that the model stays."""
    if compared is not None:
        _output.line(compared.sentence)
        if not compared.passed:
            _output.line(f"The model in {output} stays as it is.")
            return
    _output.line(_summary(data.kind, model))
    following = _next(model, data, output, users=users)
    _output.line(f"The model is in {output}. Next: palate {following}")


def _next(model: Any, data: Any, output: Path, *, users: bool) -> str:
    """Return a command that shows what was learned."""
    if model.learned.has_ratings:
        return f"biases {output}"
    option, names = ("--user", data.users["id"]) if users else ("--pick", data.items["item"])
    return f"recommend {output} {option} {shlex.quote(str(names[0]))}"


def _summary(kind: str, model: Any) -> str:
    """Return what was fitted to a table of this kind, and what the fit has chosen, in words."""
    from palate.solvers.choice._settings_text import chosen_settings

    parts, choice, has_ratings = [], model.learned.choice, model.learned.has_ratings
    if has_ratings:
        parts.append(f"how people rate, by {model.fit.solver}")
    if choice is not None:
        parts.append(f"what they pick ({chosen_settings(choice, has_ratings=has_ratings)})")
    return f"Read as {kind}. Fitted: {'; '.join(parts)}."


def _choice_settings(model: Any) -> dict[str, float] | None:
    """Return what the fit of the choice model has chosen; None without one."""
    choice = model.learned.choice
    return None if choice is None else {**choice.settings, "rating_power": choice.rating_power}


def _fit_to_part(solver: Any, data: Any, share: float, seed: int, threads: int | None) -> Any:
    """Return a model of part of the ratings, and print its loss on the held-out ones to stderr."""
    import palate

    if data.kind != "ratings":
        raise palate.SettingError(
            f"--valid measures the loss of ratings, and these are {data.kind}; palate evaluate "
            "measures lists"
        )
    train, held_out = palate.splits.random(data, share=share, seed=seed)
    with progress_of_fit(solver) as report:
        model = solver.fit(train, held_out, threads=threads, progress=report)
    warn_if_interrupted(model)
    _output.to_stderr(
        f"The loss on the held-out ratings is {model.loss(held_out):.4f}. Now the fit to all "
        f"{len(data):,} ratings."
    )
    return model


@app.command(
    cls=EvaluateCommand,
    epilog=examples(
        "palate evaluate ratings.csv",
        "palate evaluate ratings.csv --split time --share 0.1",
        "palate evaluate train.csv --test test.csv --solver gibbs",
        "palate evaluate ml-100k --folds official --json",
    ),
)
def evaluate(
    context: typer.Context,
    ratings: RatingsSource,
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    items: ItemsFile = None,
    users: UsersFile = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    kind: Kind = None,
    folds: Folds = "5",
    split: Split = None,
    test: TestTable = None,
    share: Share = None,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Measure the lists and predictions of solvers and baselines on held-out ratings or events."""
    import palate
    from palate.evaluation._alignment import with_ids_alike

    solvers = chosen_solvers(context, seed)
    described = {
        "user": user, "item": item, "rating": rating, "timestamp": timestamp,
        "items": items, "users": users, "table": table, **reading_options(context),
    }  # fmt: skip
    data, held_out = read(ratings, duplicates, **described, kind=kind), None
    if test is not None:
        held_out = read(test, duplicates, data.kind, **described)
        data, held_out = with_ids_alike(data, held_out)
    evaluation = palate.evaluate(
        data,
        solvers,
        test=held_out,
        folds=int(folds) if folds.isdecimal() else folds,
        split=split,
        share=share,
        seed=seed,
        threads=threads,
        progress=_output.to_stderr,
    )
    if json:
        _output.document(source=data.source, **vars(evaluation))
    else:
        _output.shown(evaluation)
