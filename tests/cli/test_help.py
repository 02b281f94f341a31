"""Help pages with examples that the parser takes, the version, and completion in shells."""

import os
import re
import shlex

import pytest
import typer
from commands import run, run_process

import palate
from palate.cli import app

GROUP = typer.main.get_group(app)


def examples_of(command):
    """Return the commands at the end of a help page."""
    heading, *lines = (command.epilog or "none").split("\n\n")
    assert heading == "[bold]Examples[/bold]"
    return [re.sub(r"\\\[", "[", line) for line in lines]


@pytest.mark.parametrize("name", GROUP.commands)
def test_every_command_has_examples_that_it_takes(name):
    found = examples_of(GROUP.commands[name])
    assert len(found) >= 2
    for line in found:
        assert len(line) <= 78  # in one line of a terminal
        program, command, *arguments = shlex.split(line)
        assert (program, command) == ("palate", name)
        GROUP.commands[name].make_context(name, arguments)


def test_the_examples_of_all_are_of_its_commands():
    for line in examples_of(GROUP):
        program, name, *arguments = shlex.split(line)
        assert program == "palate"
        GROUP.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("name", [None, "fit", "compare"])
def test_help_is_also_h(name):
    command = [] if name is None else [name]
    text = run(*command, "-h")[0]
    assert text == run(*command, "--help")[0]
    for line in examples_of(GROUP if name is None else GROUP.commands[name]):
        assert line in text


def test_the_version():
    assert run("--version")[0] == f"palate {palate.__version__}\n"


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [
        ("palate com", 1, {"compare"}),
        ("palate fit r.csv --sw", 3, {"--sweeps"}),
        ("palate evaluate --solver ", 3, {"gibbs", "one-cycle", "choice"}),
    ],
)
def test_bash_completes_commands_options_and_values(words, place, expected):
    asked = {"_PALATE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    done = run_process(env=os.environ | asked)
    assert set(done.stdout.split()) == expected


def test_completion_can_be_shown():
    asked = {"_PALATE_COMPLETE": "source_bash"}
    assert "complete -o default -F" in run_process(env=os.environ | asked).stdout
    assert "--install-completion" in run("--help")[0]
