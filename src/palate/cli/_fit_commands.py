"""The commands demo, fit and evaluate. They import palate when they run, so --help is fast."""

# ruff: noqa: PLC0415, PLR0917

import re
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palate.cli import _output
from palate.cli._app import Json, Seed, Threads, app
from palate.cli._solver_options import (
    EvaluateCommand,
    FitCommand,
    chosen_solver,
    chosen_solvers,
)

# The options that describe a table of ratings; `_read` takes them.
RatingsSource = Annotated[
    str,
    typer.Argument(metavar="RATINGS", help="A file, a database URL, or a name such as ml-100k."),
]
UserColumn = Annotated[str | None, typer.Option("--user", help="The column of users.")]
ItemColumn = Annotated[str | None, typer.Option("--item", help="The column of items.")]
RatingColumn = Annotated[
    str | None, typer.Option("--rating", help="The column of ratings or counts.")
]
TimeColumn = Annotated[str | None, typer.Option("--timestamp", help="The column of timestamps.")]
ItemsFile = Annotated[
    str | None, typer.Option("--items", help="A file of items: ids, titles and features.")
]
DatabaseTable = Annotated[
    str | None, typer.Option("--table", help="Which table of a database, or a SELECT statement.")
]
DuplicateRule = Literal["error", "first", "last", "mean"]
Duplicates = Annotated[
    DuplicateRule,
    typer.Option(help="What to do if a user has rated an item more than once."),
]
Kind = Annotated[
    Literal["ratings", "events", "counts"] | None,
    typer.Option(
        help="What the table holds: ratings, events such as purchases, or counts of events such as "
        "plays. By default it is recognised."
    ),
]


# The number of items at each end that the demo prints, and that its JSON has.
_DEMO_SHOWN, _DEMO_JSON = 5, 15


@app.command()
def demo(
    seed: Seed = 0,
    wd: Annotated[float | None, typer.Option(help="The weight decay of the book's recipe.")] = None,
    user: Annotated[str, typer.Option(help="The id of a user.")] = "196",
    data: Annotated[
        Path | None, typer.Option(help="A local folder or archive of MovieLens 100k.")
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train the model of the fastai book on MovieLens 100k, and show what it learned."""
    import palate

    ratings = palate.movielens("100k", path=data)
    (_output.to_stderr if json else _output.line)(f"{ratings.source}\n")
    train, valid = palate.splits.random(ratings, share=0.2, seed=seed)
    recipe = palate.OneCycle(seed=seed, **_given(wd=wd))
    model, seconds = _timed_fit(recipe, train, valid, threads, _output.history_table(json))
    profile = model.user(user)
    biases = model.biases("bias").select("id", "item", "bias", "ratings", "mean")
    shown = _DEMO_JSON if json else _DEMO_SHOWN
    tables = {
        "lowest": biases.reverse().head(shown),
        "highest": biases.head(shown),
        "favourites": profile.favourites(10),
        "recommendations": profile.recommend(10),
    }
    gibbs, gibbs_seconds = _timed_fit(palate.Gibbs(seed=seed), train, valid, threads, None)
    solvers = [
        {"name": fitted.fit.solver, "valid_loss": fitted.loss(valid), "seconds": fit_seconds}
        for fitted, fit_seconds in ((model, seconds), (gibbs, gibbs_seconds))
    ]
    if json:
        _output.document(
            source=ratings.source,
            seed=seed,
            history=model.fit.history,
            fit_seconds=seconds,
            solvers=solvers,
            user=user,
            **tables,
        )
    else:
        _print_demo(len(train), seconds, solvers, user, tables)


def _print_demo(
    ratings: int,
    seconds: float,
    solvers: list[dict[str, Any]],
    user: str,
    tables: dict[str, Any],
) -> None:
    _output.line(f"\n{ratings:,} ratings fitted in {seconds:.2f} seconds.\n")
    for name, title in (
        ("lowest", "Lowest biases: disliked even by people who enjoy that kind of film"),
        ("highest", "Highest biases: liked even by people who do not enjoy that kind"),
        ("favourites", f"What user {user} liked most"),
        ("recommendations", f"What user {user} may like next"),
    ):
        _output.table(tables[name], title)
    _output.line("Both solvers on the same split:")
    for row in solvers:
        _output.line("  {name:10} valid_loss {valid_loss:.4f} in {seconds:.2f} s".format(**row))
    _output.line(
        "\n"
        "Next:\n"
        "  palate fit ml-100k -o model         keep a model of all 100,000 ratings\n"
        "  palate similar model 'Fargo (1996)'\n"
        "  palate recommend model --rate 'Fargo (1996)=5' --rate 'Titanic (1997)=2'\n"
        "  palate evaluate ml-100k --folds official\n"
        "  palate fit RATINGS.csv -o mine      a model of your own ratings"
    )


@app.command(cls=FitCommand)
def fit(
    context: typer.Context,
    ratings: RatingsSource,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder to write the model to.")
    ],
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    items: ItemsFile = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    kind: Kind = None,
    valid: Annotated[
        float,
        typer.Option(
            help="Hold out this fraction of the ratings to measure the loss, before the fit to all."
        ),
    ] = 0.0,
    users: Annotated[
        bool, typer.Option("--users/--no-users", help="Whether to save users and their ratings.")
    ] = True,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Fit a model to RATINGS and save it."""
    from palate.learned._file_format import require_model_folder

    require_model_folder(output)
    solver = chosen_solver(context, seed)
    data = _read(
        ratings, duplicates, user=user, item=item, rating=rating, timestamp=timestamp,
        items=items, table=table, kind=kind,
    )  # fmt: skip
    validated = _fit_to_part(solver, data, valid, seed, threads) if valid else None
    with _output.progress(solver) as report:
        model = solver.fit(data, threads=threads, progress=report)
    _warn_if_interrupted(model)
    model.save(output, users=users)
    if json:
        history = (validated or model).fit.history
        _output.document(model=str(output), source=data.source, history=history)
    else:
        _output.line(f"The model is in {output}. Next: palate biases {output}")


def _fit_to_part(solver: Any, data: Any, share: float, seed: int, threads: int | None) -> Any:
    """Return a model of part of the ratings, and print its loss on the held-out ones to stderr."""
    import palate

    train, held_out = palate.splits.random(data, share=share, seed=seed)
    with _output.progress(solver) as report:
        model = solver.fit(train, held_out, threads=threads, progress=report)
    _warn_if_interrupted(model)
    _output.to_stderr(
        f"The loss on the held-out ratings is {model.loss(held_out):.4f}. Now the fit to all "
        f"{len(data):,} ratings."
    )
    return model


@app.command(cls=EvaluateCommand)
def evaluate(
    context: typer.Context,
    ratings: RatingsSource,
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    items: ItemsFile = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    kind: Kind = None,
    folds: Annotated[
        str,
        typer.Option(
            help="The number of random folds, or official for u1 to u5 of MovieLens 100k."
        ),
    ] = "5",
    split: Annotated[
        str | None,
        typer.Option(
            help="Instead of folds, one split: time, random, users (people outside the fit), "
            "leave-last-1 (or -2, ...)."
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            help="The fraction that the splits time, random and users hold out; by default 0.2."
        ),
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Measure solvers and four baselines on held-out ratings."""
    import palate

    solvers = chosen_solvers(context, seed)
    data = _read(
        ratings, duplicates, user=user, item=item, rating=rating, timestamp=timestamp,
        items=items, table=table, kind=kind,
    )  # fmt: skip
    evaluation = palate.evaluate(
        data,
        solvers,
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
        _output.evaluation(evaluation)


def _read(source: str, duplicates: DuplicateRule, **options: str | None) -> Any:
    """Read the ratings that the options describe, and print a summary to stderr."""
    import palate

    columns = _given(**options)
    if not _is_movielens(source):
        data = palate.read_ratings(source, duplicates=duplicates, **columns)
    elif not columns:
        data = palate.movielens(source)
    else:
        raise palate.SettingError(
            f"{source} needs no description; leave out --{', --'.join(columns)}"
        )
    _output.to_stderr(repr(data))
    return data


def _timed_fit(
    solver: Any, train: Any, valid: Any, threads: int | None, report: Any
) -> tuple[Any, float]:
    """Return a model and the duration of its fit in seconds."""
    start = time.perf_counter()
    model = solver.fit(train, valid, threads=threads, progress=report)
    seconds = time.perf_counter() - start
    _warn_if_interrupted(model)
    return model, seconds


def _given(**settings: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in settings.items() if value is not None}


def _is_movielens(name: str) -> bool:
    return re.fullmatch(r"ml-[\w-]+", name) is not None and not Path(name).exists()


def _warn_if_interrupted(model: Any) -> None:
    if model.fit.interrupted:
        _output.to_stderr("interrupted: the model holds what was learned so far")
