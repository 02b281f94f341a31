"""The command demo. It imports palate when it runs, so --help is fast."""

# ruff: noqa: PLC0415, PLR0917

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _output
from palate.cli._app import Json, Seed, Threads, app, examples
from palate.cli._ratings_options import given
from palate.cli._saving import warn_if_interrupted

# The number of items at each end that the demo prints, and that its JSON has.
_SHOWN, _SHOWN_AS_JSON = 5, 15
# The length of lists.
_N = 10


@app.command(
    epilog=examples(
        "palate demo",
        "palate demo --user 405 --seed 1",
    ),
)
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
    """Train the model of the fastai book on MovieLens 100k, then Palate's own, and compare them."""
    import palate

    ratings = palate.movielens("100k", path=data)
    (_output.to_stderr if json else _output.line)(f"{ratings.source}\n")
    train, valid = palate.splits.random(ratings, share=0.2, seed=seed)
    recipe = palate.OneCycle(seed=seed, **given(wd=wd))
    model, seconds = _timed(
        lambda: recipe.fit(train, valid, threads=threads, progress=_output.history_table(json))
    )
    biases = model.biases("bias").select("id", "item", "bias", "ratings", "mean")
    shown = _SHOWN_AS_JSON if json else _SHOWN
    tables = {
        "lowest": biases.reverse().head(shown),
        "highest": biases.head(shown),
        "favourites": model.user(user).favourites(_N),
    }
    if not json:
        _print_book(len(train), seconds, user, tables)
    own, own_seconds = _timed(lambda: palate.fit(train, palate.Gibbs(seed=seed), threads=threads))
    solvers = [
        {"name": fitted.fit.solver, "valid_loss": fitted.loss(valid), "seconds": fit_seconds}
        for fitted, fit_seconds in ((model, seconds), (own, own_seconds))
    ]
    lists = {by: own.user(user).recommend(_N, by=by) for by in ("choice", "rating")}
    quality = _quality_of_lists(own, train, valid, threads)
    if not json:
        _print_own(user, solvers, lists, quality)
        return
    _output.document(
        source=ratings.source,
        seed=seed,
        history=model.fit.history,
        fit_seconds=seconds,
        solvers=solvers,
        user=user,
        **tables,
        recommendations=lists,
        ndcg_10=quality,
    )


def _timed(fit: Callable[[], Any]) -> tuple[Any, float]:
    """Return a model and the duration of its fit in seconds."""
    start = time.perf_counter()
    model = fit()
    seconds = time.perf_counter() - start
    warn_if_interrupted(model)
    return model, seconds


def _quality_of_lists(model: Any, train: Any, valid: Any, threads: int | None) -> dict[str, float]:
    """Return the mean nDCG of lists by each question, and of the most popular items."""
    import numpy as np

    from palate._threads import thread_count
    from palate.evaluation._baselines import Popularity
    from palate.evaluation._metric_formulas import Judged, ndcg
    from palate.evaluation._relevance import relevant_pairs

    people = model.profiles()
    lists = {
        by: people.top_items(_N, by=by, threads=threads) for by in ("both", "choice", "rating")
    }
    lists["popularity"] = Popularity.of(train).top_items(
        train, model.learned.rated, _N, thread_count(threads)
    )
    relevant = relevant_pairs(train, valid)
    return {name: float(np.nanmean(ndcg(Judged.of(top, *relevant)))) for name, top in lists.items()}


def _print_book(ratings: int, seconds: float, user: str, tables: dict[str, Any]) -> None:
    _output.line(f"\n{ratings:,} ratings fitted in {seconds:.2f} seconds.\n")
    for name, title in (
        ("lowest", "Lowest biases: disliked even by people who enjoy that kind of film"),
        ("highest", "Highest biases: liked even by people who do not enjoy that kind"),
        ("favourites", f"What user {user} liked most"),
    ):
        _output.table(tables[name], title)


def _print_own(
    user: str,
    solvers: list[dict[str, Any]],
    lists: dict[str, Any],
    quality: dict[str, float],
) -> None:
    _output.line("Both solvers of ratings on the same split:")
    for row in solvers:
        _output.line("  {name:10} valid_loss {valid_loss:.4f} in {seconds:.2f} s".format(**row))
    _output.line("The second time includes the choice model, which learns what people pick.\n")
    columns = ["id", "item", "chance", "prediction", "ratings"]
    _output.table(lists["choice"].select(columns), f"What user {user} may pick next")
    columns.remove("chance")
    _output.table(lists["rating"].select(columns), f"What user {user} would rate highest")
    _output.line(f"Lists of {_N} for all users, against their held-out ratings of 4 or more:")
    names = {"both": "by both", "choice": "by choice", "rating": "by rating"}
    for name, ndcg in quality.items():
        _output.line(f"  {names.get(name, name):10} nDCG@{_N} {ndcg:.3f}")
    _output.line(
        "\n"
        "Next:\n"
        "  palate fit ml-100k -o model         keep a model of all 100,000 ratings\n"
        "  palate similar model 'Fargo (1996)'\n"
        "  palate recommend model --rate 'Fargo (1996)=5' --rate 'Titanic (1997)=2'\n"
        "  palate evaluate ml-100k --folds official\n"
        "  palate fit RATINGS.csv -o mine      a model of your own ratings, clicks or plays"
    )
