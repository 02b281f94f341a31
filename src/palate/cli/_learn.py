"""The commands that learn from ratings. Heavy imports stand inside them, for a quick `--help`."""

# ruff: noqa: PLC0415, PLR0917

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palate.cli import _print
from palate.cli._app import Json, Seed, Threads, app

WeightDecay = Annotated[float | None, typer.Option(help="The weight decay; 0.1 unless given.")]

# What says which ratings are meant; `_read` takes them.
RatingsSource = Annotated[
    str,
    typer.Argument(metavar="RATINGS", help="A file, a database URL, or a name such as ml-100k."),
]
UserColumn = Annotated[str | None, typer.Option("--user", help="The column of users.")]
ItemColumn = Annotated[str | None, typer.Option("--item", help="The column of items.")]
RatingColumn = Annotated[str | None, typer.Option("--rating", help="The column of ratings.")]
TimeColumn = Annotated[str | None, typer.Option("--timestamp", help="The column of timestamps.")]
ItemsFile = Annotated[
    str | None, typer.Option("--items", help="A file of items: their titles and more, by id.")
]
DatabaseTable = Annotated[
    str | None, typer.Option("--table", help="Which table of a database, or a SELECT statement.")
]
DuplicateRule = Literal["error", "first", "last", "mean"]
Duplicates = Annotated[
    DuplicateRule,
    typer.Option(help="What to do where a user has rated an item twice."),
]


class SolverName(StrEnum):
    """The solvers, the default first."""

    GIBBS = "gibbs"
    ONE_CYCLE = "one-cycle"


# The demo prints five of each; its JSON has more, to compare with other runs.
_DEMO_SHOWN, _DEMO_JSON = 5, 15


@app.command()
def demo(
    seed: Seed = 0,
    wd: WeightDecay = None,
    user: Annotated[str, typer.Option(help="The id of a user.")] = "196",
    data: Annotated[
        Path | None, typer.Option(help="A MovieLens 100k folder or archive that you have.")
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train the book's model on MovieLens 100k, and see what it learned."""
    import palate

    say = _print.to_stderr if json else _print.line
    ratings = palate.movielens("100k", path=data)
    say(f"{ratings.source}\n")
    train, valid = palate.splits.random(ratings, share=0.2, seed=seed)
    solver = palate.OneCycle(seed=seed, **_given(wd=wd))
    model, seconds = _timed_fit(solver, train, valid, threads, _print.epochs(json))
    profile = model.user(user)
    biases = model.biases("bias").select("id", "item", "bias", "ratings", "mean")
    shown = _DEMO_JSON if json else _DEMO_SHOWN
    lowest, highest = biases.reverse().head(shown), biases.head(shown)
    recommended = profile.recommend(10)
    liked = profile.favourites(10)
    best, best_seconds = _timed_fit(palate.Gibbs(seed=seed), train, valid, threads, None)
    solvers = [
        {"name": fitted.fit.solver, "valid_loss": fitted.loss(valid), "seconds": fit_seconds}
        for fitted, fit_seconds in ((model, seconds), (best, best_seconds))
    ]
    if json:
        _print.document(
            source=ratings.source,
            seed=seed,
            history=model.fit.history,
            fit_seconds=seconds,
            solvers=solvers,
            lowest=lowest,
            highest=highest,
            user=user,
            favourites=liked,
            recommendations=recommended,
        )
        return
    _print.line(f"\n{len(train):,} ratings fitted in {seconds:.2f} seconds.\n")
    _print.table(lowest, "Lowest biases: disliked even by people who enjoy that kind of film")
    _print.table(highest, "Highest biases: liked even by people who do not enjoy that kind")
    _print.table(liked, f"What user {user} liked most")
    _print.table(recommended, f"What user {user} may like next")
    _print.line("Both solvers on the same split:")
    for row in solvers:
        _print.line("  {name:10} valid_loss {valid_loss:.4f} in {seconds:.2f} s".format(**row))
    _print.line(
        "\n"
        "Next:\n"
        "  palate fit ml-100k -o model         keep a model of all 100,000 ratings\n"
        "  palate similar model 'Fargo (1996)'\n"
        "  palate recommend model --rate 'Fargo (1996)=5' --rate 'Titanic (1997)=2'\n"
        "  palate evaluate ml-100k --folds official\n"
        "  palate fit RATINGS.csv -o mine      a model of your own ratings"
    )


@app.command()
def fit(
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
    solver: Annotated[
        SolverName | None,
        typer.Option(
            help="The Bayesian solver or the book's recipe; gibbs, unless a setting of one-cycle "
            "is given."
        ),
    ] = None,
    valid: Annotated[
        float,
        typer.Option(
            help="Measure the loss on this share of the ratings, before a fit to all of them."
        ),
    ] = 0.0,
    factors: Annotated[
        int | None, typer.Option(help="How many factors; 32 unless given (one-cycle: 50).")
    ] = None,
    sweeps: Annotated[
        int | None, typer.Option(help="gibbs: how many sweeps; 150 unless given.")
    ] = None,
    burn_in: Annotated[
        int | None, typer.Option(help="gibbs: how many of them don't count; 20 unless given.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="one-cycle: how many epochs; 5 unless given.")
    ] = None,
    lr_max: Annotated[
        float | None, typer.Option(help="one-cycle: the highest learning rate; 0.005 unless given.")
    ] = None,
    wd: Annotated[
        float | None, typer.Option(help="one-cycle: the weight decay; 0.1 unless given.")
    ] = None,
    bs: Annotated[
        int | None, typer.Option(help="one-cycle: the batch size; 64 unless given.")
    ] = None,
    y_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="one-cycle: the ends of the sigmoid, as in --y-range 0 5.5; from the ratings "
            "unless given."
        ),
    ] = None,
    users: Annotated[
        bool, typer.Option("--users/--no-users", help="Whether to save users and their ratings.")
    ] = True,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Fit a model to RATINGS and save it."""
    import palate
    from palate.model._storage import claim
    from palate.solvers import SOLVERS

    claim(output)
    of_gibbs = _given(sweeps=sweeps, burn_in=burn_in)
    of_one_cycle = _given(epochs=epochs, lr_max=lr_max, wd=wd, bs=bs, y_range=y_range)
    if solver is None:
        solver = SolverName.ONE_CYCLE if of_one_cycle and not of_gibbs else SolverName.GIBBS
    for name, settings in ((SolverName.GIBBS, of_gibbs), (SolverName.ONE_CYCLE, of_one_cycle)):
        if settings and name != solver:
            option = next(iter(settings)).replace("_", "-")
            raise palate.SettingError(f"--{option} is a setting of {name}, and not of {solver}")
    settings = _given(factors=factors) | of_gibbs | of_one_cycle
    chosen = SOLVERS[solver](seed=seed, **settings)
    data = _read(
        ratings, duplicates, user=user, item=item, rating=rating, timestamp=timestamp,
        items=items, table=table,
    )  # fmt: skip
    measured = None
    if valid:
        train, held_back = palate.splits.random(data, share=valid, seed=seed)
        with _print.progress(chosen) as tell:
            measured = chosen.fit(train, held_back, threads=threads, progress=tell)
        _warn_if_interrupted(measured)
        _print.to_stderr(
            f"The loss on the ratings held back is {measured.loss(held_back):.4f}. Now the model "
            f"to keep, of all {len(data):,} ratings."
        )
    with _print.progress(chosen) as tell:
        model = chosen.fit(data, threads=threads, progress=tell)
    _warn_if_interrupted(model)
    model.save(output, users=users)
    if json:
        history = (measured or model).fit.history
        _print.document(model=str(output), source=data.source, history=history)
    else:
        _print.line(f"The model is in {output}. Next: palate biases {output}")


@app.command()
def evaluate(
    ratings: RatingsSource,
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    items: ItemsFile = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    folds: Annotated[
        str, typer.Option(help="How many random folds; or official, for MovieLens 100k's own.")
    ] = "5",
    split: Annotated[
        str | None,
        typer.Option(help="Instead of folds, one split: time, random, leave-last-1 (or -2, ...)."),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(help="The share that the splits time and random hold back; 0.2 unless given."),
    ] = None,
    solver: Annotated[
        list[SolverName] | None,
        typer.Option(help="Evaluate this one; repeat the option for more; all unless given."),
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Measure solvers, beside three baselines, on ratings that are held back from them."""
    import palate
    from palate.solvers import SOLVERS

    data = _read(
        ratings, duplicates, user=user, item=item, rating=rating, timestamp=timestamp,
        items=items, table=table,
    )  # fmt: skip
    evaluation = palate.evaluate(
        data,
        [SOLVERS[name](seed=seed) for name in dict.fromkeys(solver or SolverName)],
        folds=int(folds) if folds.isdecimal() else folds,
        split=split,
        share=share,
        seed=seed,
        threads=threads,
        progress=_print.to_stderr,
    )
    if json:
        _print.document(source=data.source, **vars(evaluation))
    else:
        _print.evaluation(evaluation)


def _read(source: str, duplicates: DuplicateRule, **options: str | None) -> Any:
    """Return the ratings that the options of a command name, and say on stderr what they are."""
    import palate

    columns = _given(**options)
    if not _is_movielens(source):
        data = palate.read_ratings(source, duplicates=duplicates, **columns)
    elif not columns:
        data = palate.movielens(source)
    else:
        raise palate.SettingError(f"{source} is read as it is; leave out --{', --'.join(columns)}")
    _print.to_stderr(repr(data))
    return data


def _timed_fit(solver: Any, train: Any, valid: Any, threads: int | None, tell: Any) -> Any:
    """Return a model and the seconds that its fit took."""
    import time

    start = time.perf_counter()
    model = solver.fit(train, valid, threads=threads, progress=tell)
    seconds = time.perf_counter() - start
    _warn_if_interrupted(model)
    return model, seconds


def _given(**settings: Any) -> dict[str, Any]:
    """Return the settings that were given; the solver knows the others."""
    return {name: value for name, value in settings.items() if value is not None}


def _is_movielens(name: str) -> bool:
    return re.fullmatch(r"ml-[\w-]+", name) is not None and not Path(name).exists()


def _warn_if_interrupted(model: Any) -> None:
    if model.fit.interrupted:
        _print.to_stderr("interrupted: the model is what was learned so far")
