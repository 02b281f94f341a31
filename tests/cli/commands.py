"""Runs commands: in this process, without the second that a start takes, or as a user does."""

import contextlib
import io
import json
import subprocess
import sys
from unittest import mock

import pytest

from palate.cli import main


def run(*arguments, status=0):
    """Run a command in this process; return what it printed on stdout and on stderr."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        mock.patch("sys.argv", ["palate", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    printed = []
    for stream in (out, err):
        stream.flush()
        printed.append(stream.buffer.getvalue().decode())
    assert (ended.value.code or 0) == status, printed[1]
    return printed


def run_process(*arguments, **options):
    """Run `palate` as a user does, in a process of its own; return the finished process."""
    command = [sys.executable, "-m", "palate", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, text=True, check=False, **pipes | options)


def run_json(*arguments):
    return json.loads(run(*arguments, "--json")[0])
