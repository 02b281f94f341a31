"""The options for how a table of ratings is read, which every command that reads one has."""

import functools
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

_META = "palate.reading_options"


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
    """A command with the options for how a table of ratings is read."""

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
