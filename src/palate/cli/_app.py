"""The commands. Heavy imports stand inside them, so that `palate --help` answers at once."""

# ruff: noqa: PLC0415, PLR0917

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palate.cli import _print

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Collaborative filtering that people can read: recommendations, and what they rest on.",
)

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a model.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")
]
Seed = Annotated[
    int, typer.Option(help="The seed of all random numbers.", min=0, max=(1 << 64) - 1)
]
Threads = Annotated[
    int | None,
    typer.Option(help="How many threads to use at most; by default all.", min=1, max=1024),
]
Count = Annotated[int, typer.Option("-n", help="How many to show.", min=1, max=1_000_000)]
User = Annotated[str, typer.Option(help="The id of a user.")]
WeightDecay = Annotated[float | None, typer.Option(help="The weight decay; 0.1 unless given.")]

# The demo prints five of each; its JSON has more, to compare with other runs.
_DEMO_SHOWN, _DEMO_JSON = 5, 15


@app.command()
def demo(
    seed: Seed = 0,
    wd: WeightDecay = None,
    user: User = "196",
    data: Annotated[
        Path | None, typer.Option(help="A MovieLens 100k folder or archive that you have.")
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train the book's model on MovieLens 100k, and see what it learned."""
    import time

    import palate

    say = _print.to_stderr if json else _print.line
    ratings = palate.movielens("100k", path=data)
    say(f"{ratings.source}\n")
    train, valid = palate.splits.random(ratings, share=0.2, seed=seed)
    solver = palate.OneCycle(seed=seed, **_given(wd=wd))
    start = time.perf_counter()
    model = solver.fit(train, valid, threads=threads, progress=_print.epochs(json))
    seconds = time.perf_counter() - start
    _warn_if_interrupted(model)
    profile = model.user(user)
    biases = model.biases()
    shown = _DEMO_JSON if json else _DEMO_SHOWN
    lowest, highest = biases.reverse().head(shown), biases.head(shown)
    recommended = profile.recommend(10)
    liked = profile.favourites(10)
    if json:
        _print.document(
            source=ratings.source,
            seed=seed,
            history=model.fit.history,
            fit_seconds=seconds,
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
    _print.line(
        "Next:\n"
        "  palate fit ml-100k -o model         keep a model of all 100,000 ratings\n"
        "  palate similar model 'Fargo (1996)'\n"
        "  palate recommend model --user 196\n"
        "  palate fit RATINGS.csv -o mine      a model of your own ratings"
    )


@app.command()
def fit(
    ratings: Annotated[
        str,
        typer.Argument(
            metavar="RATINGS", help="A file, a database URL, or a name such as ml-100k."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder to write the model to.")
    ],
    user: Annotated[str | None, typer.Option(help="The column of users.")] = None,
    item: Annotated[str | None, typer.Option(help="The column of items.")] = None,
    rating: Annotated[str | None, typer.Option(help="The column of ratings.")] = None,
    timestamp: Annotated[str | None, typer.Option(help="The column of timestamps.")] = None,
    items: Annotated[
        str | None, typer.Option(help="A file of items: their titles and more, by id.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Which table of a database, or a SELECT statement.")
    ] = None,
    duplicates: Annotated[
        Literal["error", "first", "last", "mean"],
        typer.Option(help="What to do where a user has rated an item twice."),
    ] = "error",
    valid: Annotated[
        float,
        typer.Option(
            help="Measure the loss on this share of the ratings, before a fit to all of them."
        ),
    ] = 0.0,
    factors: Annotated[int | None, typer.Option(help="How many factors; 50 unless given.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How many epochs; 5 unless given.")] = None,
    lr_max: Annotated[
        float | None, typer.Option(help="The highest learning rate; 0.005 unless given.")
    ] = None,
    wd: WeightDecay = None,
    bs: Annotated[int | None, typer.Option(help="The batch size; 64 unless given.")] = None,
    y_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="The ends of the sigmoid, as in --y-range 0 5.5; from the ratings unless given."
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

    claim(output)
    columns = _given(user=user, item=item, rating=rating, timestamp=timestamp)
    columns |= _given(items=items, table=table)
    if not _is_movielens(ratings):
        data = palate.read_ratings(ratings, duplicates=duplicates, **columns)
    elif not columns:
        data = palate.movielens(ratings)
    else:
        raise palate.SettingError(f"{ratings} is read as it is; leave out --{', --'.join(columns)}")
    _print.to_stderr(repr(data))
    settings = _given(factors=factors, epochs=epochs, lr_max=lr_max, wd=wd, bs=bs, y_range=y_range)
    solver = palate.OneCycle(seed=seed, **settings)
    table_of_epochs = _print.epochs(stderr=True)
    if valid:
        train, held_back = palate.splits.random(data, share=valid, seed=seed)
        measured = solver.fit(train, held_back, threads=threads, progress=table_of_epochs)
        _warn_if_interrupted(measured)
        _print.to_stderr(f"Now the model to keep, of all {len(data):,} ratings.")
        model = solver.fit(data, threads=threads)
        history = measured.fit.history
    else:
        model = solver.fit(data, threads=threads, progress=table_of_epochs)
        history = model.fit.history
    _warn_if_interrupted(model)
    model.save(output, users=users)
    if json:
        _print.document(model=str(output), source=data.source, history=history)
    else:
        _print.line(f"The model is in {output}. Next: palate biases {output}")


@app.command()
def biases(model: ModelFolder, n: Count = 10, json: Json = False) -> None:
    """Show the items with the highest and the lowest biases."""
    import palate

    table = palate.load(model).biases()
    highest, lowest = table.head(n), table.reverse().head(n)
    if json:
        _print.document(highest=highest, lowest=lowest)
        return
    _print.table(highest, "Highest biases: liked the most, whatever kind people enjoy")
    _print.table(lowest, "Lowest biases: liked the least, whatever kind people enjoy")


@app.command()
def similar(
    model: ModelFolder,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The title or the id of an item.")],
    n: Count = 10,
    json: Json = False,
) -> None:
    """Show the items most like ITEM, by the cosine of their factors."""
    import palate

    _show(palate.load(model).similar(item, n), f"Most similar to {item}", "similar", json)


@app.command()
def recommend(
    model: ModelFolder,
    user: User,
    n: Count = 10,
    candidate: Annotated[
        list[str] | None,
        typer.Option(help="Choose from these items only; repeat the option for more."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave this item out; repeat the option for more.")
    ] = None,
    seen: Annotated[
        bool, typer.Option("--seen", help="Recommend items too that the user has rated.")
    ] = False,
    json: Json = False,
) -> None:
    """Recommend items that a user has not rated."""
    import palate

    profile = palate.load(model).user(user)
    best = profile.recommend(n, candidates=candidate or None, exclude=exclude or (), seen=seen)
    _show(best, f"What user {user} may like", "recommendations", json)


@app.command()
def predict(
    model: ModelFolder,
    user: User,
    item: Annotated[
        list[str], typer.Option(help="A title or an id; repeat the option for more items.")
    ],
    json: Json = False,
) -> None:
    """Predict a user's ratings of given items."""
    import palate

    _show(palate.load(model).user(user).predict(item), f"User {user}", "predictions", json)


def _show(frame: Any, title: str, key: str, json: bool) -> None:
    if json:
        _print.document(**{key: frame})
    else:
        _print.table(frame, title)


def _given(**settings: Any) -> dict[str, Any]:
    """Return the settings that were given; the solver knows the others."""
    return {name: value for name, value in settings.items() if value is not None}


def _is_movielens(name: str) -> bool:
    return re.fullmatch(r"ml-[\w-]+", name) is not None and not Path(name).exists()


def _warn_if_interrupted(model: Any) -> None:
    if model.fit.interrupted:
        _print.to_stderr("interrupted: the model is what was learned so far")
