"""Messages in the words of the command line, where the library speaks of arguments."""

import pytest
from commands import run

from palate.cli._messages import in_options

OPTIONS = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "user",
        "kind",
        "duplicates",
        "by",
        "folds",
        "cautious",
        "lr_max",
        "table",
        "y_range",
        "item_id",
    )
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("name it with user=. The columns are a", "name it with --user. The columns are a"),
        ('5, read as events (kind="ratings" overrides)', "5, read as events (--kind ratings overr"),
        (
            "choose duplicates='first', 'last' or 'mean', or kind='counts' to add them up",
            "choose --duplicates first, last or mean, or --kind counts to add them up",
        ),
        ("folds is 9; there", "--folds is 9; there"),
        ('cautious ranks; leave out by="both"', "--cautious ranks; leave out --by both"),
        ("wd is 3; below 1 / lr_max (lr_max is 1)", "wd is 3; below 1 / --lr-max (--lr-max is 1)"),
        ("user ids are String in kind", "user ids are String in kind"),
        ("there is no file user='x'.csv", "there is no file user='x'.csv"),
        ("there is no file lr_max/x.csv, 'lr_max'", "there is no file lr_max/x.csv, 'lr_max'"),
        ("the same: user='my ids'; name", "the same: --user 'my ids'; name"),
        ("which y_range=(0.0, 4.5) can't reach", "which --y-range 0.0 4.5 can't reach"),
        ("name it with item_id=. The", "name it with --item-id. The"),
        ("use skip_bad_lines=True to do without", "use --skip-bad-lines to do without"),
        ("bias, or fit with Gibbs", "bias, or fit with --solver gibbs"),
        ("fit with palate.fit or palate.Choice()", "fit with palate fit or --solver choice"),
    ],
)
def test_arguments_become_options(message, expected):
    assert in_options(message, OPTIONS).startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "r.csv", "--folds", 90], "palate: --folds is 90; it can be at most"),
        (["evaluate", "r.csv", "--split", "time"], "name their column with --timestamp, or"),
        (["fit", "r.csv", "-o", "m", "--user", "x"], "has no column 'x' for --user; it has"),
        (["fit", "r.csv", "-o", "m", "--user", "item"], "--user item, --item item; name one for"),
        (["fit", "twice.csv", "-o", "m"], "choose --duplicates first, last or mean, or --kind"),
        (["fit", "r.csv", "-o", "m", "--lr-max", -1], "palate: --lr-max is -1.0; it must be above"),
    ],
)
def test_a_failed_command_names_its_options(arguments, message, write, monkeypatch):
    rows = "".join(f"u{n % 3},i{n % 2},{1 + n}\n" for n in range(6))
    monkeypatch.chdir(write("r.csv", f"user,item,rating\n{rows}").parent)
    write("twice.csv", f"user,item,rating\n{rows}{rows}")
    options = ["--item", "item"] if "--user" in arguments else []
    _, err = run(*arguments, *options, status=1)
    assert message in err.splitlines()[-1]


def test_how_a_table_was_read_is_said_in_options_and_in_singular(write, tmp_path):
    write("r.csv", "user,item,rating\na,x,5\nb,x,5\n")
    _, err = run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", status=1)
    assert "2 events by 2 users of 1 item; " in err
    assert "read as events (--kind ratings overrides)" in err
