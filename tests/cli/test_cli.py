"""The command line: failures say why, wrong usage has status 2, and progress is shown."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from commands import run, run_process

from palate.cli import _output


def test_the_bar_counts_sweeps_on_a_terminal(tmp_path, write):
    """On a pseudo-terminal: a bar of sweeps with an estimate of the time left."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal: run it on Unix")
    write("r.csv", "user,item,rating\n" + "".join(f"{n % 7},{n % 5},{n % 3}\n" for n in range(35)))
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "palate", "fit", tmp_path / "r.csv", "-o", tmp_path / "m"]
    subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, check=True)
    os.close(writer)
    shown = b""
    with contextlib.suppress(OSError):  # which is how a pseudo-terminal ends
        while part := os.read(reader, 1 << 16):
            shown += part
    assert b"sweep " in shown
    assert b"noise_sd" in shown
    assert b"0:00:0" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "none.csv", "-o", "m"], "palate: there is no file none.csv\n"),
        (["fit", "ml-7m", "-o", "m"], "palate: there is no MovieLens '7m'; there are 100k"),
        (["fit", "ml-none.csv", "-o", "m"], "palate: there is no file ml-none.csv"),
        (
            ["fit", "ml-100k", "-o", "m", "--item", "x"],
            "palate: ml-100k needs no description; leave out --item",
        ),
        (["fit", "ml-100k", "-o", "/dev/null"], "palate: a model can't be written to /dev/null"),
        (["recommend", "none", "--user", "1"], "palate: there is no model in none"),
        (["demo", "--user", "zoe"], "palate: there is no user 'zoe'"),
        (
            ["fit", "ml-100k", "-o", "m", "--sweeps", "9", "--wd", "0"],
            "palate: --wd is a setting of one-cycle, and not of gibbs",
        ),
        (
            ["fit", "ml-100k", "-o", "m", "--solver", "one-cycle", "--burn-in", "9"],
            "palate: --burn-in is a setting of gibbs, and not of one-cycle",
        ),
        (["recommend", "m"], "palate: give a known --user, or ratings with --rate ITEM=RATING"),
        (
            ["recommend", "m", "--user", "1", "--rate", "x=1"],
            "palate: give a known --user, or ratings with",
        ),
        (["evaluate", "ml-100k", "--split", "never"], "palate: there is no split 'never'"),
        (["evaluate", "ml-100k", "--folds", "five"], "palate: --folds is 'five'; give a number"),
        (["similar", "m"], "palate: name an item, or a user with --user"),
        (["biases", "m", "--users", "--where", "a=b"], "palate: there is no model in m"),
        (["demo", "--wd", "1000"], "palate: --wd is 1000.0; it must be at least 0"),
    ],
)
def test_a_failed_request_prints_one_line_that_says_why(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = run(*arguments, "--json", status=1)
    assert out == ""
    assert err.splitlines()[-1].startswith(message.rstrip())
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_characters_that_a_terminal_lacks_are_replaced(tmp_path, write, monkeypatch):
    write("r.csv", "user,item,rating\na,caf\xe9 \u2603,1\nb,y,2\nb,caf\xe9 \u2603,3\n")
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "caf? ?" in run_process("biases", tmp_path / "m").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported(folder):
    with Path("/dev/full").open("w") as full:
        done = run_process("biases", folder, stdout=full)
    assert done.returncode == 1
    assert "No space left" in done.stderr


@pytest.mark.parametrize("arguments", [["fit"], ["recommend"], ["nonsense"], ["demo", "--nope"]])
def test_wrong_usage_has_status_2(arguments):
    _, err = run(*arguments, status=2)
    assert "Usage: palate" in err


def test_help_needs_no_heavy_imports():
    """`palate --help` answers before polars and NumPy could have been imported."""
    heavy = {"polars", "numpy", "rich.table"}
    code = f"import sys, palate.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert "recommend" in run("--help")[0]


def test_no_zero_has_a_minus(capsys):
    row = {"item": "a", "bias": -0.0001, "lower": -0.001, "upper": -0.002, "sd": -0.1}
    _output.table(pl.DataFrame([row]), "Title")
    shown = capsys.readouterr().out
    assert "-0.00" not in shown
    assert "0.00 to 0.00" in shown
    assert "-0.10" in shown
