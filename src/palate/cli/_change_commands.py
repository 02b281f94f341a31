"""The commands update and forget: they change a saved model. They import palate when they run."""

# ruff: noqa: PLC0415, PLR0917

from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _output
from palate.cli._app import Count, Json, ModelFolder, UnknownRule, app, examples
from palate.cli._ratings_options import (
    DatabaseTable,
    Duplicates,
    ItemColumn,
    ItemsFile,
    RatingColumn,
    RatingsSource,
    ReadingCommand,
    TimeColumn,
    UserColumn,
    UsersFile,
    read,
    reading_options,
)
from palate.cli._saving import modify


@app.command(
    cls=ReadingCommand,
    epilog=examples(
        "palate update model today.csv",
        "palate update model today.csv --items items.csv --json",
    ),
)
def update(
    context: typer.Context,
    model: ModelFolder,
    ratings: RatingsSource,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Another folder to write to; MODEL stays as it is."),
    ] = None,
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    items: ItemsFile = None,
    users: UsersFile = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    unknown: Annotated[
        UnknownRule,
        typer.Option(
            help="With skip, ratings of items that the model does not know are left out. By "
            "default a Gibbs model infers them, and for any other they are an error."
        ),
    ] = "error",
    n: Count = 10,
    json: Json = False,
) -> None:
    """Add new RATINGS, of known and new users and items, to a model without a refit.

    They replace older ones of the same user and item; counts are added up. It says how far the
    items have drifted from what the fit has learned, and whether a refit is due.
    """
    import palate
    from palate.learned._file_format import require_model_folder
    from palate.learned._ratings_input import with_ids_as_known

    require_model_folder(output or model)
    found: dict[str, Any] = {}

    def changed(old: Any) -> Any:
        known = old.learned.require_users()
        data = read(
            ratings, duplicates, known.kind, user=user, item=item, rating=rating,
            timestamp=timestamp, items=items, users=users, table=table, **reading_options(context),
        )  # fmt: skip
        data = with_ids_as_known(old.learned, data)
        updated = old.update(data, unknown=unknown)
        found.update(old=old, data=data, updated=updated)
        return updated.model

    if output is None or output.resolve() == model.resolve():
        modify(model, changed)
    else:
        changed(palate.load(model)).save(output)
    _report_update(output or model, n, json, **found)


def _report_update(folder: Path, n: int, json: bool, *, old: Any, data: Any, updated: Any) -> None:
    from palate._words import counted
    from palate.data._ratings import how_many

    new, drift, refit = updated.model, updated.drift, updated.refit
    users = new.users.height - old.users.height
    items = new.items.height - old.items.height
    left_out = data.items["id"].is_in(list(drift.skipped)).to_numpy()[data.item]
    added = int((~left_out).sum())
    if json:
        _output.document(
            model=str(folder), source=data.source, new_ratings=added, new_users=users,
            new_items=items, skipped=list(drift.skipped), drift=drift, refit=refit._asdict(),
        )  # fmt: skip
        return
    _output.say_skipped("item", drift.skipped)
    _output.line(
        f"Added {how_many(data.kind, added)} with {counted(users, 'new user')} and "
        f"{counted(items, 'new item')}. The model is in {folder}."
    )
    if new.ratings.timestamp is None and old.ratings.timestamp is not None:
        _output.line("The model has no timestamps any more, since these ratings have none.")
    if "z" in drift.columns and not drift.is_empty():
        title = "The drift of items since the fit, the most significant first"
        _output.table(drift.head(n), title)
    _output.line(refit.sentence)


@app.command(
    epilog=examples(
        "palate forget model 196 305",
        "palate forget model --users left.csv --unknown skip",
    ),
)
def forget(
    model: ModelFolder,
    user: Annotated[
        list[str] | None, typer.Argument(metavar="USER...", help="The ids of users.")
    ] = None,
    users: Annotated[
        str | None, typer.Option("--users", help="A file of users: a column of ids.")
    ] = None,
    unknown: Annotated[
        UnknownRule, typer.Option(help="What to do with users that the model does not know.")
    ] = "error",
    json: Json = False,
) -> None:
    """Remove users from a model: their ratings, profiles and features, from every file.

    Items that nobody else has rated are removed as well. What was learned of all other items rests
    on their ratings, too, until the next fit to ratings without them.
    """
    import palate
    from palate._words import counted
    from palate.data._id_columns import read_ids
    from palate.data._ratings import how_many

    if not user and users is None:
        raise palate.SettingError("name the users to forget, or a file of them with --users")
    named = [*(user or []), *([] if users is None else read_ids(users, ["user"])["user"])]
    found: dict[str, Any] = {}

    def changed(old: Any) -> Any:
        found.update(old=old, skipped=old.learned.user_index.find(named, unknown).skipped)
        return old.forget(named, unknown=unknown)

    left = modify(model, changed)
    old = found["old"]
    counts = {
        "users": old.users.height - left.users.height,
        "ratings": len(old.ratings) - len(left.ratings),
        "items": old.items.height - left.items.height,
    }
    if json:
        _output.document(model=str(model), skipped=list(found["skipped"]), **counts)
        return
    _output.say_skipped("user", found["skipped"])
    _output.line(
        f"Removed {counted(counts['users'], 'user')} with "
        f"{how_many(left.ratings.kind, counts['ratings'])}, and "
        f"{counted(counts['items'], 'item')} that nobody else has rated."
    )
    if counts["users"]:
        _output.line(
            "What was learned of all other items rests on their ratings, too: fit again to ratings "
            "without them."
        )
