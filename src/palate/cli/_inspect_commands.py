"""Commands that inspect a model. They import palate when they run, so --help is fast."""

# ruff: noqa: PLC0415, PLR0917

from pathlib import Path
from typing import Annotated, Any

import typer

from palate._words import counted
from palate.cli import _output
from palate.cli._app import Count, Json, ModelFolder, Where, app, conditions, examples

_GENEROUS = ("Most generous", "Most severe")
_UNPREDICTABLE = "Least predictable: ratings furthest from what the model expects"
_DIVISIVE = "Most divisive: ratings furthest from what the model expects"
_LIKED = (
    "Highest biases: liked the most, whatever kind people enjoy",
    "Lowest biases: liked the least, whatever kind people enjoy",
)

Plain = Annotated[
    bool, typer.Option("--plain", help="The book's order, which ignores uncertainty.")
]


@app.command(
    epilog=examples(
        "palate biases model",
        "palate biases model --where genres=Comedy -n 5",
        "palate biases model --users",
    ),
)
def biases(
    model: ModelFolder,
    users: Annotated[
        bool,
        typer.Option(
            "--users", help="Show users instead of items: who rates generously, and who severely."
        ),
    ] = False,
    n: Count = 10,
    plain: Plain = False,
    min_ratings: Annotated[
        int | None,
        typer.Option(
            help="Leave out items (or users) with fewer ratings; by default 1, and where the mean "
            "misleads 20, or fewer in a small data set.",
            min=1,
        ),
    ] = None,
    where: Where = None,
    json: Json = False,
) -> None:
    """Show items by bias: liked or disliked whatever their kind, and where the mean misleads."""
    import palate

    loaded = palate.load(model)
    options: dict[str, Any] = {"min_ratings": min_ratings}
    if users and where:
        raise palate.SettingError("--where chooses items; leave it out with --users")
    options |= {} if users else {"where": conditions(where)}
    read = loaded.user_biases if users else loaded.biases
    by_bias, by_gap = read("bias" if plain else None, **options), read("gap", **options)
    tables = {
        "highest": by_bias.head(n),
        "lowest": by_bias.reverse().head(n),
        "gaps": by_gap.head(n),
    }
    cautious = not plain and by_bias["lower"].null_count() == 0
    if cautious:
        tables["spread"] = read("spread", **options).head(n)
    if json:
        _output.document(order="cautious" if cautious else "bias", **tables)
        return
    noun = "user" if users else "item"
    if by_bias.is_empty():
        least = counted(min_ratings or 1, "rating")
        _output.line(f"No such {noun} has {least} or more; choose a smaller --min-ratings.")
        return
    if not plain and not cautious:
        _output.line("A point estimate has no intervals: the order is that of the biases alone.\n")
    _print_extremes(tables, by_bias.height, users=users, cautious=cautious)
    if loaded.ratings is None:
        _output.line("Without users in the model, the reasons for the gaps are unknown.")
        return
    ranks = [noun, "mean", "bias", "rank_by_mean", "rank_by_bias", "reason"]
    counts = loaded.ratings.user_means()[0] if users else loaded.learned.item_counts
    title = f"Where the mean misleads most, among {noun}s {_with_at_least(min_ratings, counts)}"
    none = f"no {noun} has so many; choose a smaller --min-ratings"
    _output.table(tables["gaps"].select(ranks), title, empty=none)


def _print_extremes(tables: dict[str, Any], n: int, *, users: bool, cautious: bool) -> None:
    """Print the highest and lowest of n biases, and the largest spreads where they are known."""
    what = ["user"] if users else ["id", "item"]
    shown = [*what, "bias", "lower", "upper", "ratings", "mean"]
    none = f"of {counted(n, what[-1])} none is certain to be so"
    titles = _GENEROUS if users else _LIKED
    for table, title in zip(_high_and_low(tables, cautious), titles, strict=True):
        _output.table(table.select(shown), title, empty=none)
    if cautious:
        spread = [*what, "spread", "spread_lower", "spread_upper", "ratings", "mean"]
        _output.table(tables["spread"].select(spread), _UNPREDICTABLE if users else _DIVISIVE)


def _high_and_low(tables: dict[str, Any], cautious: bool) -> tuple[Any, Any]:
    """Return the highest and the lowest biases; an interval that contains zero is neither."""
    highest, lowest = tables["highest"], tables["lowest"]
    if cautious:
        highest = highest.filter(highest["lower"] > 0)
        lowest = lowest.filter(lowest["upper"] < 0)
    return highest, lowest


def _with_at_least(min_ratings: int | None, counts: Any) -> str:
    """Return the minimum number of ratings of the rows of a table, given or by default."""
    from palate.analysis._intervals import default_min_ratings

    least = default_min_ratings(counts) if min_ratings is None else min_ratings
    return f"with at least {counted(least, 'rating')}"


@app.command(
    epilog=examples(
        "palate popularity model",
        "palate popularity model --min-ratings 50 --where year=1990..1999",
    ),
)
def popularity(
    model: ModelFolder,
    n: Count = 10,
    plain: Annotated[
        bool, typer.Option("--plain", help="The plain order, which ignores uncertainty.")
    ] = False,
    min_ratings: Annotated[
        int | None,
        typer.Option(
            help="Leave out items with fewer ratings, also from the comparison; by default 20, or "
            "fewer in a small data set.",
            min=1,
        ),
    ] = None,
    where: Where = None,
    json: Json = False,
) -> None:
    """Show what is picked more often, or less, than other items that are liked as well."""
    import palate
    from palate.analysis._popularity import contrasts

    loaded = palate.load(model)
    table = loaded.popularity(
        "beyond_taste" if plain else None, min_ratings=min_ratings, where=conditions(where)
    )
    often, rarely = contrasts(table, n)
    if json:
        _output.document(often=often, rarely=rarely, popularity=table)
        return
    among = _with_at_least(min_ratings, loaded.learned.item_counts)
    _output.line(
        "How many times as often items are picked as others that are liked as well,\n"
        f"among items {among} (--min-ratings).\n"
    )
    if table.is_empty():
        _output.line("No such item has so many ratings; choose a smaller --min-ratings.")
        return
    bounds = ["beyond_taste_lower", "beyond_taste_upper"]
    shown = ["id", "item", "ratings", "beyond_taste", *bounds, "bias"]
    surely = "is surely so" if loaded.learned.has_intervals else "is so"
    for found, title in (
        (often, "Picked often, liked little"),
        (rarely, "Picked rarely, well liked"),
    ):
        if found.is_empty():
            _output.line(f"{title}: of {counted(table.height, 'such item')} none {surely}")
        else:
            _output.table(found.select(shown), title)


@app.command(
    epilog=examples(
        "palate features model",
        "palate features model --users",
    ),
)
def features(
    model: ModelFolder,
    users: Annotated[
        bool, typer.Option("--users", help="Show features of users instead, such as ages.")
    ] = False,
    n: Count = 10,
    json: Json = False,
) -> None:
    """Show what features of items, such as genres, or of users are worth."""
    import polars as pl

    import palate

    loaded, what = palate.load(model), "users" if users else "items"
    table = loaded.user_features() if users else loaded.features()
    if json:
        _output.document(features=table)
        return
    if table.is_empty():
        _output.line(f"The {what} have no features: fit with a file of {what} (--{what}).")
        return
    number = pl.format("{}, by {}", "column", pl.col("per").round_sig_figs(3))
    name = pl.coalesce("value", number).alias("feature")
    shown = table.select(name, "effect", "lower", "upper", what)
    certain = shown.filter((pl.col("lower") > 0) | (pl.col("upper") < 0))
    if certain.is_empty():
        _output.line(f"Of none of the {shown.height} features is it certain what it is worth.")
        return
    more, less = ("Rate higher", "Rate lower") if users else ("Worth more", "Worth less")
    _output.table(shown.filter(shown["lower"] > 0).head(n), f"{more} than others")
    _output.table(shown.filter(shown["upper"] < 0).reverse().head(n), f"{less} than others")
    _output.line(
        "Effects on the biases, given all other features; of a number, of a difference of one\n"
        "standard deviation.\n"
        "Of the other features it is not certain in which direction their effects are."
    )


@app.command(
    epilog=examples(
        "palate axes model",
        "palate axes model -n 10",
    ),
)
def axes(
    model: ModelFolder,
    n: Annotated[int, typer.Option("-n", help="Maximum number of items at each end.", min=1)] = 6,
    json: Json = False,
) -> None:
    """Show the axes of taste: the items at their ends, and their associations with features."""
    import palate

    loaded = palate.load(model)
    table = loaded.axes(n)
    if json:
        _output.document(axes=table)
        return
    in_view = loaded.axis_names.in_view
    for axis in table.head(in_view).iter_rows(named=True):
        _output.axis(axis)
    if minor := table.height - in_view:
        _output.line(f"{minor} minor axes are left out; --json has them.")
    if loaded.items.width == 2:
        _output.line(
            "The items have no features except their number of ratings. Give palate fit a file of "
            "items with --items, so that axes can be named by features."
        )


@app.command(
    epilog=examples(
        "palate similar model 'Fargo (1996)'",
        "palate similar model 'Fargo (1996)' --by choice -n 20",
        "palate similar model --user 196",
    ),
)
def similar(
    model: ModelFolder,
    item: Annotated[
        str | None, typer.Argument(metavar="ITEM", help="The title or the id of an item.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Instead of items, show users similar to the one with this id."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="taste: items liked by the same people; choice: picked by the same people. By "
            "default taste, where the model knows ratings."
        ),
    ] = None,
    n: Count = 10,
    plain: Plain = False,
    min_ratings: Annotated[
        int | None,
        typer.Option(
            help="Leave out items with fewer ratings; by default 1, or for a point estimate 20.",
            min=1,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show the items most similar to ITEM, or the users most similar to a user."""
    import palate

    if (item is None) == (user is None):
        raise palate.SettingError("name an item, or a user with --user")
    loaded = palate.load(model)
    order: Any = "similarity" if plain else None
    cautious = not plain and user is None and loaded.learned.has_intervals
    surest = ", the surest first" if cautious else ""
    if user is not None:
        if min_ratings is not None:
            raise palate.SettingError("--min-ratings applies to items; leave it out with --user")
        if by is not None:
            raise palate.SettingError("--by applies to items; leave it out with --user")
        if plain:
            raise palate.SettingError("--plain applies to items; leave it out with --user")
        found, title = loaded.similar_users(user, n), f"Most like user {user}"
    else:
        kind: Any = by or ("taste" if loaded.learned.has_ratings else "choice")
        found = loaded.similar(item, n, by=kind, order=order, min_ratings=min_ratings)
        title = f"Most similar to {item}"
        if kind == "choice":
            title, surest = f"Picked by the same people as {item}", ""
    shown = found if json or plain else found.drop("cosine", strict=False)
    if not json and not loaded.learned.has_ratings:
        shown = shown.rename({"ratings": "people"})  # an event of each
    _output.show(shown, f"{title}{surest}", "similar", json)


@app.command(
    epilog=examples(
        "palate map model",
        "palate map model --x bias --y ratings -o map.html",
    ),
)
def map(  # noqa: A001  (the command is called map)
    model: ModelFolder,
    x: Annotated[str, typer.Option(help="The horizontal coordinate.")] = "axis 1",
    y: Annotated[
        str,
        typer.Option(
            help="The vertical one: axis 1, component 1, bias, ratings, mean, a column, ..."
        ),
    ] = "axis 2",
    n: Count = 20,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also draw all items in this HTML file.")
    ] = None,
    json: Json = False,
) -> None:
    """Show two coordinates of the items: axes, components, biases or other numbers."""
    import palate

    loaded = palate.load(model)
    table = loaded.map(x, y)
    if output is not None:
        from palate import plots

        plots.write(plots.map(loaded, x, y), output)
        _output.to_stderr(f"The map is in {output}.")
    _output.show(table if json else table.head(n), f"x is {x}, y is {y}", "map", json)
