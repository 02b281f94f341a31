"""Reading a table of ratings as the options of a command describe it."""

# ruff: noqa: PLC0415

import functools
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from palate.cli import _output
from palate.cli._messages import in_options

_META = "palate.reading_options"

# The options that describe a table of ratings; `read` takes them.
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
UsersFile = Annotated[
    str | None, typer.Option("--users", help="A file of users: ids, and features such as ages.")
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


def _declared(
    item_id: Annotated[
        str | None, typer.Option(help="The column of ids in the file of items, if it is not found.")
    ] = None,
    user_id: Annotated[
        str | None, typer.Option(help="The column of ids in the file of users, if it is not found.")
    ] = None,
    decimal: Annotated[
        Literal[".", ","] | None,
        typer.Option(help="What stands before decimals in text; by default a point."),
    ] = None,
    skip_bad_lines: Annotated[
        bool | None,
        typer.Option("--skip-bad-lines", help="Leave out lines that can't be read, and say so."),
    ] = None,
) -> None:
    """Carry the options, which typer generates from this signature."""


@functools.cache
def _options() -> list[Any]:
    carrier = typer.Typer(add_completion=False)
    carrier.command()(_declared)
    return list(typer.main.get_command(carrier).params)


class ReadingCommand(TyperCommand):
    """A command with further options for how a table is read, too many for its signature."""

    def get_params(self, ctx: Any) -> Any:
        """Return the declared parameters, then these."""
        *declared, help_option = super().get_params(ctx)
        return [*declared, *_options(), help_option]

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the values of the options are put into the context."""
        ctx.meta[_META] = {option.name: ctx.params.pop(option.name) for option in _options()}
        return super().invoke(ctx)


def reading_options(context: typer.Context) -> dict[str, Any]:
    """Return the options of a `ReadingCommand`; those that were not given are None."""
    options: dict[str, Any] = context.meta[_META]
    return options


def read(
    source: str, duplicates: DuplicateRule, expected: str | None = None, **options: Any
) -> Any:
    """Read the ratings that the options describe, and print a summary to stderr.

    If no kind is among the options, the table is of the `expected` kind, or else it is recognised.
    """
    import palate

    columns = given(**options)
    if not _is_movielens(source):
        columns = given(kind=expected) | columns
        data = palate.read_ratings(source, duplicates=duplicates, **columns)
    elif not columns:
        data = palate.movielens(source)
    else:
        raise palate.SettingError(
            f"{source} needs no description; leave out --{', --'.join(columns).replace('_', '-')}"
        )
    _output.to_stderr(f"Read {in_options(str(data), {'kind': '--kind'})}")
    return data


def given(**settings: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in settings.items() if value is not None}


def _is_movielens(name: str) -> bool:
    """Return whether a source is the name of a data set rather than a file."""
    return re.fullmatch(r"ml-[\w-]+", name) is not None and not Path(name).exists()
