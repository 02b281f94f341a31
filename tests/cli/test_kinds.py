"""The option --kind: what a file holds is recognised, said and passed on."""

import pytest
from typer.testing import CliRunner

import palate
from palate.cli import app

PLAYS = "user,item,plays\nann,1,2\nann,2,30\nbob,1,1\nbob,3,4\nbob,3,1\ncat,2,7\ncat,3,5\n"


@pytest.mark.parametrize("command", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ([], "6 counts from 1 to 30"),
        (["--kind", "counts"], "6 counts from 1 to 30"),
        (["--kind", "events"], "6 events by 3 users"),
    ],
)
def test_events_and_counts_are_read_and_said(command, kind, said, write, monkeypatch):
    monkeypatch.chdir(write("r.csv", PLAYS).parent)
    output = ["-o", "m"] if command == "fit" else []
    result = CliRunner().invoke(app, [command, "r.csv", *output, "--solver", "one-cycle", *kind])
    assert f"Read {said}" in result.stderr
    assert isinstance(result.exception, palate.DataError)
    assert "OneCycle and Gibbs learn from ratings" in str(result.exception)


def test_values_that_are_read_as_ratings_can_be_fitted(write, monkeypatch):
    monkeypatch.chdir(write("r.csv", PLAYS).parent)
    options = ["--solver", "one-cycle", "--kind", "ratings", "--duplicates", "last"]
    result = CliRunner().invoke(app, ["fit", "r.csv", "-o", "m", *options])
    assert result.exit_code == 0, result.output
    assert "Read 6 ratings from 1 to 30" in result.stderr
