"""Commands that infer one person. They import palate when they run, so --help is fast."""

# ruff: noqa: PLC0415, PLR0917

import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _list_options as lists
from palate.cli import _output
from palate.cli._app import (
    Count,
    Json,
    ModelFolder,
    Threads,
    UnknownRule,
    Where,
    app,
    conditions,
    examples,
    pairs,
)
from palate.cli._many_lists import write_lists

_TITLES = {
    "both": "What {} may pick and like",
    "choice": "What {} may pick",
    "rating": "What {} may like",
}

User = Annotated[str | None, typer.Option(help="The id of a user.")]
Rate = Annotated[
    list[str] | None,
    typer.Option(
        "--rate",
        "--pick",
        metavar="ITEM[=RATING]",
        help="Instead of a user: an item and its rating, as in --rate 'Fargo (1996)=5'; repeat the "
        "option for more. In a model of events the item is enough, as in --pick 'Fargo (1996)'; "
        "in one of counts, its count can follow.",
    ),
]
KnownOfPerson = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        metavar="COLUMN=VALUE",
        help="With --rate, or instead of it: what is known of the person, as in --feature age=24; "
        "repeat the option for more. The model must have been fitted with a file of users.",
    ),
]


@app.command(
    epilog=examples(
        "palate recommend model --user 196",
        "palate recommend model --all -o lists.parquet",
        "palate recommend model --rate 'Fargo (1996)=5' --rate 'Titanic (1997)=2'",
        "palate recommend model --pick 'Fargo (1996)' --diversity 0.3 --explain",
    ),
)
def recommend(
    model: ModelFolder,
    user: User = None,
    rate: Rate = None,
    feature: KnownOfPerson = None,
    everyone: lists.Everyone = False,
    users: lists.UserIdsFile = None,
    output: lists.Output = None,
    n: Count = 10,
    candidates: lists.Candidates = None,
    exclude: lists.Exclude = None,
    candidates_by_user: lists.CandidatesByUser = None,
    exclude_by_user: lists.ExcludeByUser = None,
    where: Where = None,
    unknown: lists.Unknown = None,
    seen: lists.Seen = False,
    by: lists.By = None,
    balance: lists.Balance = None,
    cautious: lists.Cautious = None,
    diversity: lists.Diversity = 0.0,
    calibrate: lists.Calibrate = None,
    explain: lists.Explain = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Recommend items to a user, to anyone with a few ratings or picks, or to all known users."""
    options: dict[str, Any] = {
        "n": n,
        "candidates": candidates or None,
        "exclude": exclude or (),
        "where": conditions(where) or None,
        "unknown": unknown,
        "seen": seen,
        "by": by,
        "balance": balance,
        "cautious": cautious,
        "diversity": diversity,
        "calibrate": calibrate,
        "explain": explain,
    }
    of_many = {
        "candidates_by_user": candidates_by_user,
        "exclude_by_user": exclude_by_user,
        "threads": threads,
    }
    lists.require_together(
        many={"--all": everyone, "--users FILE": users is not None},
        output=output,
        one={"--user": user, "--rate": rate, "--feature": feature},
        of_many={f"--{name.replace('_', '-')}": given for name, given in of_many.items()},
    )
    if output is not None:
        write_lists(model, users, output, json=json, **options, **of_many)
    else:
        profile, who = _profile(model, user, rate, feature, unknown or "error")
        _show_list(profile, who, options, json)


def _show_list(profile: Any, who: str, options: dict[str, Any], json: bool) -> None:
    """Print the list of one person, and what was skipped."""
    from palate.analysis._list_options import ListOptions
    from palate.learned._lookup import distinct_names

    best = profile.recommend(**options)
    skipped = distinct_names([*profile.skipped, *best.skipped])
    if json:
        _output.document(recommendations=best, skipped=list(skipped))
        return
    ranking = ListOptions(**options).ranking(profile.learned)
    asked = ranking if isinstance(ranking, str) else "both"
    shown = best.drop("score")  # its unit says nothing
    if not profile.learned.has_ratings:
        shown = shown.rename({"ratings": "people"})  # an event of each
    _output.say_skipped("item", skipped)
    varied = _varied(options["diversity"], options["calibrate"])
    _output.table(shown, f"{_TITLES[asked].format(who)}{varied}")


def _varied(diversity: float, calibrate: str | None) -> str:
    """Return how a list was varied, as the rest of its title."""
    ways = ["diverse"] if diversity > 0 else []
    if calibrate is not None:
        ways.append(f"calibrated by {calibrate}")
    return f", {' and '.join(ways)}" if ways else ""


@app.command(
    epilog=examples(
        "palate predict model --user 196 --item 'Fargo (1996)'",
        "palate predict model --rate 'Heat (1995)=4' --item 'Fargo (1996)' --json",
    ),
)
def predict(
    model: ModelFolder,
    item: Annotated[
        list[str], typer.Option(help="The title or the id of an item; repeat the option for more.")
    ],
    user: User = None,
    rate: Rate = None,
    feature: KnownOfPerson = None,
    json: Json = False,
) -> None:
    """Predict the ratings of items by a user, or by anyone with a few ratings."""
    profile, who = _profile(model, user, rate, feature)
    _output.show(profile.predict(item), f"What {who} is expected to give", "predictions", json)


@app.command(
    epilog=examples(
        "palate explain model --user 196 --item 'Fargo (1996)'",
        "palate explain model --rate 'Heat (1995)=4' --item 'Fargo (1996)'",
    ),
)
def explain(
    model: ModelFolder,
    item: Annotated[str, typer.Option(help="The title or the id of an item.")],
    user: User = None,
    rate: Rate = None,
    feature: KnownOfPerson = None,
    n: Annotated[
        int,
        typer.Option("-n", help="Maximum number of axes, and of items, to list.", min=1),
    ] = 5,
    json: Json = False,
) -> None:
    """Explain why an item is suggested to a user, or to anyone with a few ratings or picks.

    The reasons are the items of the history that speak for it, and what its expected rating is made
    of.
    """
    profile, _ = _profile(model, user, rate, feature)
    if profile.learned.has_ratings:
        why = profile.explain(item, n)
        choice, document = why.choice, vars(why)
    else:
        why, choice = None, profile.explain_choice(item, n)
        document = {"id": choice.id, "item": choice.item, "choice": choice}
    if json:
        _output.document(**document)
        return
    if choice is not None:
        _output.choice_explanation(choice)
    if why is not None:
        _output.explanation(why)


@app.command(
    epilog=examples(
        "palate profile model --user 196",
        "palate profile model --rate 'Fargo (1996)=5' --rate 'Titanic (1997)=2'",
    ),
)
def profile(
    model: ModelFolder,
    user: User = None,
    rate: Rate = None,
    feature: KnownOfPerson = None,
    n: Annotated[int, typer.Option("-n", help="Maximum number of surprises to list.", min=1)] = 5,
    json: Json = False,
) -> None:
    """Describe the tastes of a user, or of anyone with a few ratings, compared with others."""
    person, who = _profile(model, user, rate, feature)
    portrait = person.describe(n)
    if json:
        _output.document(**vars(portrait))
    else:
        _output.portrait(portrait, who, person.axis_names.in_view)


def _profile(
    folder: Path,
    user: str | None,
    rate: list[str] | None,
    feature: list[str] | None,
    unknown: UnknownRule = "error",
) -> tuple[Any, str]:
    """Return the profile that the options describe, and a phrase for the person."""
    import palate

    if (user is None) == (not rate and not feature):
        raise palate.SettingError(
            "give a known --user, or ratings with --rate ITEM=RATING; in a model of events, items "
            "with --pick ITEM"
        )
    known = pairs("--feature", "COLUMN=VALUE, such as 'age=24'", feature) or None
    model = palate.load(folder)
    if user is not None:
        return model.user(user), f"user {user}"
    if model.learned.kind == "ratings":
        form = "ITEM=RATING, such as 'Fargo (1996)=5'"
        ratings = _numbers("--rate", form, rate)
        who = "somebody with these ratings" if ratings else "somebody like this"
        return model.profile(ratings, features=known, unknown=unknown), who
    picks = _numbers("--pick", "ITEM or ITEM=COUNT", _with_counts(model.learned, rate or []))
    profile = model.profile(picks, features=known, unknown=unknown)
    return profile, "somebody with this history"


def _with_counts(learned: Any, given: list[str]) -> list[str]:
    """Return ITEM=COUNT for each item that is given, with a count of 1 where there is none.

    An event has no count; to accept one would suggest that it mattered.
    """
    import palate

    if learned.kind != "events":
        return [text if _ends_in_number(text) else f"{text}=1" for text in given]
    for text in filter(_ends_in_number, given):
        try:
            learned.item_index.row(text)
        except palate.UnknownIdError:
            item = shlex.quote(text.rpartition("=")[0])
            raise palate.SettingError(
                f"--pick '{text}' has a number, but in this model of events an item is picked or "
                f"it is not; give the item alone: --pick {item}"
            ) from None
    return [f"{text}=1" for text in given]


def _numbers(option: str, form: str, given: list[str] | None) -> dict[str, float]:
    """Return options of the form ITEM=NUMBER as a dictionary."""
    import palate

    numbers = {}
    for item, number in pairs(option, form, given).items():
        try:
            numbers[item] = float(number)
        except ValueError as error:
            raise palate.SettingError(f"{option} '{item}={number}' is not {form}") from error
    return numbers


def _ends_in_number(text: str) -> bool:
    """Return whether a number follows an equals sign, which titles may contain, too."""
    return re.search(r"=\s*[-+]?[\d.]+\s*$", text) is not None
