"""The typer app, and the options that several commands share, with how they are read."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from palate.errors import SettingError


def examples(*lines: str) -> str:
    """Return commands as the end of a help page, which shows each on a line of its own."""
    return "\n\n".join(["[bold]Examples[/bold]", *(line.replace("[", r"\[") for line in lines)])


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import palate  # noqa: PLC0415  (so that --help is fast)

        print(f"palate {palate.__version__}")
        raise typer.Exit


@app.callback(
    epilog=examples(
        "palate demo",
        "palate fit ratings.csv -o model",
        "palate recommend model --user 196",
        "palate explore model",
    )
)
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Collaborative filtering that people can read: recommendations, and what they rest on."""


ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a model.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")
]
Seed = Annotated[
    int, typer.Option(help="The seed of all random numbers.", min=0, max=(1 << 64) - 1)
]
Threads = Annotated[
    int | None,
    typer.Option(help="Maximum number of threads; by default all.", min=1, max=1024),
]
Count = Annotated[
    int, typer.Option("-n", help="Maximum number of rows to show.", min=1, max=1_000_000)
]

# What to do with ids that a model does not know; `learned._lookup.Unknown`, which takes long to
# import.
UnknownRule = Literal["error", "skip"]

Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE",
        help="Only items with this value, as in --where genres=Comedy or --where "
        "year=1990..1999; repeat the option for more conditions.",
    ),
]


def options_of(command: str) -> dict[str, str]:
    """Return the option of each argument that a command takes, by the name of the argument."""
    known = typer.main.get_group(app).commands[command]
    parameters = known.get_params(typer.Context(known))
    options = (one for one in parameters if one.param_type_name == "option" and one.name)
    return {str(one.name): max(one.opts, key=len) for one in options}


def pairs(option: str, form: str, given: list[str] | None) -> dict[str, str]:
    """Return options of the form NAME=VALUE as a dictionary, split at the last equals sign."""
    pairs: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.rpartition("=")
        if not equals:
            raise SettingError(f"{option} {text!r} is not {form}")
        if name in pairs:
            raise SettingError(f"{option} {name!r} is given twice; give it once")
        pairs[name] = value
    return pairs


def conditions(where: list[str] | None) -> dict[str, str]:
    """Return the conditions of --where by column."""
    return pairs("--where", "COLUMN=VALUE, such as genres=Comedy", where)
