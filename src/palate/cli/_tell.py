"""The commands that tell what a model knows. Imports stand inside them, for a quick `--help`."""

# ruff: noqa: PLC0415, PLR0917

from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _print
from palate.cli._app import Count, Json, ModelFolder, app

_GENEROUS = ("Most generous", "Most severe")
_LIKED = (
    "Highest biases: liked the most, whatever kind people enjoy",
    "Lowest biases: liked the least, whatever kind people enjoy",
)

User = Annotated[str | None, typer.Option(help="The id of a user.")]
Rate = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ITEM=RATING",
        help="Instead of a user: how somebody has rated an item, as in --rate 'Fargo (1996)=5'; "
        "repeat the option for more.",
    ),
]
Plain = Annotated[
    bool, typer.Option("--plain", help="The book's order, as if everything were known for sure.")
]
MinRatings = Annotated[
    int | None, typer.Option(help="Leave out what has fewer ratings than this.", min=1)
]


@app.command()
def biases(
    model: ModelFolder,
    users: Annotated[
        bool, typer.Option("--users", help="Of users instead: who is generous, and who severe.")
    ] = False,
    n: Count = 10,
    plain: Plain = False,
    min_ratings: MinRatings = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE",
            help="Only items with this value, as in --where genres=Comedy or --where "
            "year=1990..1999; repeat the option to ask for more.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what is liked or disliked whatever its kind, and where the mean rating misleads."""
    import palate

    known = palate.load(model)
    chosen: dict[str, Any] = {"min_ratings": min_ratings}
    if users and where:
        raise palate.SettingError("--where chooses items; leave it out with --users")
    if not users:
        chosen["where"] = _pairs("--where", "COLUMN=VALUE, such as genres=Comedy", where)
    of = known.user_biases if users else known.biases
    by_bias, by_gap = of("bias" if plain else None, **chosen), of("gap", **chosen)
    told = {"highest": by_bias.head(n), "lowest": by_bias.reverse().head(n), "gaps": by_gap.head(n)}
    cautious = not plain and by_bias["lower"].null_count() == 0
    if json:
        _print.document(order="cautious" if cautious else "bias", **told)
        return
    if not plain and not cautious:
        _print.line("A point estimate has no intervals: the order is that of the biases alone.\n")
    what = ["user"] if users else ["id", "item"]
    shown = [*what, "bias", "lower", "upper", "ratings", "mean"]
    high, low = _GENEROUS if users else _LIKED
    highest, lowest = told["highest"], told["lowest"]
    if cautious:  # no luck: what may as well be average is neither high nor low
        highest = highest.filter(highest["lower"] > 0)
        lowest = lowest.filter(lowest["upper"] < 0)
    _print.table(highest.select(shown), high)
    _print.table(lowest.select(shown), low)
    if known.ratings is None:
        _print.line("Why means mislead is not known: the model was saved without its users.")
        return
    ranks = [what[-1], "mean", "bias", "rank_by_mean", "rank_by_bias", "reason"]
    _print.table(told["gaps"].select(ranks), "Where the mean misleads most")


@app.command()
def axes(
    model: ModelFolder,
    n: Annotated[int, typer.Option("-n", help="How many items at each end.", min=1)] = 6,
    json: Json = False,
) -> None:
    """Show the axes of taste: what lies at their ends, and what they go along with."""
    import palate
    from palate.interpret._axes import MAJOR

    known = palate.load(model)
    table = known.axes(n)
    if json:
        _print.document(axes=table)
        return
    major = table.filter(table["share"] >= MAJOR)
    for axis in major.iter_rows(named=True):
        _print.axis(axis)
    if lesser := table.height - major.height:
        _print.line(f"{lesser} lesser axes are left out; --json has them.")
    if known.items.width == 2:
        _print.line(
            "Nothing but the number of ratings is known of the items: --items of palate fit reads "
            "a file that tells more, by which axes can be named."
        )


@app.command()
def similar(
    model: ModelFolder,
    item: Annotated[
        str | None, typer.Argument(metavar="ITEM", help="The title or the id of an item.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Instead: users like the one with this id.")
    ] = None,
    n: Count = 10,
    plain: Plain = False,
    min_ratings: MinRatings = None,
    json: Json = False,
) -> None:
    """Show the items most like ITEM, or the users most like a user, by their tastes."""
    import palate

    if (item is None) == (user is None):
        raise palate.SettingError("name an item, or a user with --user")
    known = palate.load(model)
    order: Any = "similarity" if plain else None
    cautious = not plain and (user is not None or known.parameters.item_bias_sd is not None)
    surest = ", the surest first" if cautious else ""
    if user is not None:
        if min_ratings is not None:
            raise palate.SettingError("--min-ratings is of items; leave it out with --user")
        found, title = known.similar_users(user, n, order=order), f"Most like user {user}"
    else:
        found = known.similar(item, n, order=order, min_ratings=min_ratings)
        title = f"Most similar to {item}"
    shown = found if json or plain else found.drop("cosine")
    _show(shown, f"{title}{surest}", "similar", json)


@app.command()
def map(  # noqa: A001  (the command is called map)
    model: ModelFolder,
    x: Annotated[str, typer.Option(help="What is across.")] = "axis 1",
    y: Annotated[
        str,
        typer.Option(help="What is up: axis 1, component 1, bias, ratings, mean, a column, ..."),
    ] = "axis 2",
    n: Count = 20,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Draw all items into this HTML file.")
    ] = None,
    json: Json = False,
) -> None:
    """Show where items lie on any two of axes, components, biases and more."""
    import palate

    known = palate.load(model)
    table = known.map(x, y)
    if output is not None:
        from palate import plots

        plots.write(plots.map(known, x, y), output)
        _print.to_stderr(f"The map is in {output}.")
    _show(table if json else table.head(n), f"x is {x}, y is {y}", "map", json)


@app.command()
def recommend(
    model: ModelFolder,
    user: User = None,
    rate: Rate = None,
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
    cautious: Annotated[
        float | None,
        typer.Option(
            help="Rank by the rating that is surpassed with all but this probability, such as 0.1."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Give the reason of each in a line.")
    ] = False,
    json: Json = False,
) -> None:
    """Recommend items that a user, or anybody with a few ratings, has not rated."""
    profile, who = _profile(model, user, rate)
    best = profile.recommend(
        n,
        candidates=candidate or None,
        exclude=exclude or (),
        seen=seen,
        cautious=cautious,
        explain=explain,
    )
    _show(best, f"What {who} may like", "recommendations", json)


@app.command()
def predict(
    model: ModelFolder,
    item: Annotated[
        list[str], typer.Option(help="A title or an id; repeat the option for more items.")
    ],
    user: User = None,
    rate: Rate = None,
    json: Json = False,
) -> None:
    """Predict how a user, or anybody with a few ratings, would rate given items."""
    profile, who = _profile(model, user, rate)
    _show(profile.predict(item), f"What {who} is expected to give", "predictions", json)


@app.command()
def explain(
    model: ModelFolder,
    item: Annotated[str, typer.Option(help="The title or the id of an item.")],
    user: User = None,
    rate: Rate = None,
    n: Annotated[
        int,
        typer.Option("-n", help="How many axes and ratings to name; the rest is a line.", min=1),
    ] = 5,
    json: Json = False,
) -> None:
    """Say why a user, or anybody with a few ratings, is expected to rate an item as they are."""
    profile, _ = _profile(model, user, rate)
    why = profile.explain(item, n)
    if json:
        _print.document(**vars(why))
    else:
        _print.explanation(why)


@app.command()
def profile(
    model: ModelFolder,
    user: User = None,
    rate: Rate = None,
    n: Annotated[int, typer.Option("-n", help="How many surprises to name.", min=1)] = 5,
    json: Json = False,
) -> None:
    """Describe a user, or anybody with a few ratings: where they stand among all."""
    person, who = _profile(model, user, rate)
    portrait = person.describe(n)
    if json:
        _print.document(**vars(portrait))
    else:
        _print.portrait(portrait, who)


@app.command()
def report(
    model: ModelFolder,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")],
    user: Annotated[
        str | None, typer.Option(help="The id of the user to portray; unless given, a typical one.")
    ] = None,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Measure how accurate the model's solver is, beside baselines: it is fitted anew "
            "to four fifths of the ratings.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write all that a model tells into one HTML file that needs no network."""
    import palate
    from palate import plots

    known = palate.load(model)
    evaluation = None
    if evaluate:
        from palate.solvers import SOLVERS

        ratings, _ = known.known()
        if known.fit.solver not in SOLVERS:
            raise palate.SettingError(
                f"this model is by {known.fit.solver}, which can't be fitted anew from here; leave "
                "--evaluate out"
            )
        solver = SOLVERS[known.fit.solver](**known.fit.settings)
        evaluation = palate.evaluate(ratings, [solver], split="random", progress=_print.to_stderr)
    plots.report(known, output, user=user, evaluation=evaluation)
    if json:
        _print.document(report=str(output))
    else:
        _print.line(f"The report is in {output}. Open it in a browser.")


@app.command()
def explore(
    model: ModelFolder,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[
        int, typer.Option(help="How many processes; they share the model.", min=1, max=64)
    ] = 1,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    reload_model: Annotated[
        bool,
        typer.Option("--reload-model", help="Take a new model that is saved in the folder."),
    ] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Write a line of JSON to stderr for each request.")
    ] = False,
) -> None:
    """See a model in the browser, try it on yourself, and serve it over HTTP.

    With PALATE_TOKEN in the environment, requests to the service need it as a bearer token.
    """
    from palate import web

    settings = web.Settings(
        folder=str(model),
        host=host,
        port=port,
        workers=workers,
        reload_model=reload_model,
        access_log=access_log,
    )
    web.serve(settings, browser=not no_browser, ready=_print.to_stderr)


def _profile(folder: Path, user: str | None, rate: list[str] | None) -> tuple[Any, str]:
    """Return the profile that is meant, and what to call the person."""
    import palate

    if (user is None) == (not rate):
        raise palate.SettingError("say for whom: a known --user, or anybody by --rate ITEM=RATING")
    model = palate.load(folder)
    if user is not None:
        return model.user(user), f"user {user}"
    form = "ITEM=RATING, such as 'Fargo (1996)=5'"
    ratings = {}
    for item, rating in _pairs("--rate", form, rate).items():
        try:
            ratings[item] = float(rating)
        except ValueError as error:
            raise palate.SettingError(f"--rate '{item}={rating}' is no {form}") from error
    return model.profile(ratings), "somebody with these ratings"


def _pairs(option: str, form: str, given: list[str] | None) -> dict[str, str]:
    """Return what was given in the form NAME=VALUE; the last equals sign parts them."""
    import palate

    pairs: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.rpartition("=")
        if not equals:
            raise palate.SettingError(f"{option} {text!r} is no {form}")
        if name in pairs:
            raise palate.SettingError(f"{option} {name!r} is given twice; give it once")
        pairs[name] = value
    return pairs


def _show(frame: Any, title: str, key: str, json: bool) -> None:
    if json:
        _print.document(**{key: frame})
    else:
        _print.table(frame, title)
