"""The options of `palate recommend`, and which of them go together."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palate.cli._app import UnknownRule
from palate.errors import SettingError

Candidates = Annotated[
    list[str] | None,
    typer.Option("--candidate", help="Choose only from these items; repeat the option for more."),
]
Exclude = Annotated[
    list[str] | None, typer.Option(help="Leave this item out; repeat the option for more.")
]
Seen = Annotated[bool, typer.Option("--seen", help="Include items of the person's history.")]
By = Annotated[
    Literal["both", "choice", "rating"] | None,
    typer.Option(
        help="Rank by what the person would pick (choice), by how they would like it (rating), "
        "or by both; by default all that the model knows."
    ),
]
Balance = Annotated[
    float | None,
    typer.Option(
        help="Instead of --by, from 0 to 1: between what the person would pick (0) and how they "
        "would like it (1)."
    ),
]
Cautious = Annotated[
    float | None,
    typer.Option(
        help="Rank by this quantile of the expected rating, such as 0.1: uncertain items last. "
        "It implies --by rating."
    ),
]
Diversity = Annotated[
    float,
    typer.Option(
        help="From 0 to 1: how much items that differ in who picks them are preferred to the best "
        "ones."
    ),
]
Calibrate = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Prefer the proportions of the person's history in this column of the items, such as "
        "genres.",
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Add the reason for each recommendation.")]
Unknown = Annotated[
    UnknownRule | None,
    typer.Option(
        help="What to do with users and items that the model does not know: refuse them (error), "
        "or leave them out and say so (skip). By default items to exclude are skipped, and all "
        "others are an error."
    ),
]
Everyone = Annotated[
    bool, typer.Option("--all", help="Write lists for all known users to the file of -o.")
]
UserIdsFile = Annotated[
    Path | None,
    typer.Option(
        "--users",
        metavar="FILE",
        help="Write lists for the users of this file to that of -o: a column of ids.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="The file for lists of many people; its name ends in .parquet, .csv or .jsonl.",
    ),
]
CandidatesByUser = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --all or --users: a table of users and items, the only ones that the list of "
        "each user is chosen from.",
    ),
]
ExcludeByUser = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --all or --users: a table of users and items to leave out of the list of this "
        "user.",
    ),
]


def require_together(
    *, many: dict[str, bool], output: Path | None, one: dict[str, Any], of_many: dict[str, Any]
) -> None:
    """Check that options go together: those of one person, or those of many people.

    Parameters
    ----------
    many
        Whether each option is given that chooses many people.
    output
        The file for their lists.
    one
        The options that describe one person, by option.
    of_many
        Further options for many people, by option.

    Raises
    ------
    SettingError
        If the options contradict each other.
    """
    chosen = [option for option, given in many.items() if given]
    if len(chosen) > 1:
        raise SettingError(f"{' and '.join(chosen)} choose different users; leave out one of them")
    if not chosen:
        for option in _given({"-o": output, **of_many}):
            raise SettingError(
                f"{option} is for lists of many people: choose these by {' or '.join(many)}"
            )
        return
    for option in _given(one):
        raise SettingError(f"{option} is for one person, and {chosen[0]} for many; leave out one")
    if output is None:
        raise SettingError(
            f"{chosen[0]} writes lists to a file: name it, as in {chosen[0]} -o lists.parquet"
        )


def _given(options: dict[str, Any]) -> list[str]:
    return [option for option, value in options.items() if value]
