"""Pages of the documentation as programs: their blocks of code, how they run, what they print.

``python docs/tests/page.py PAGE...`` runs pages and writes into them what their blocks print.

A page runs from top to bottom in one empty folder. Blocks of ``python`` share a namespace; the
value of a last expression is printed. What a block prints is compared with the block of ``text``
that follows it, if one does. A block of ``console`` has commands, each after ``$ ``, with the lines
that they print; all commands of a page run in one bash. A command without any must succeed. Blocks
in other languages do not run.
"""

import ast
import contextlib
import fcntl
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from output import ELLIPSIS, differences

_FENCE = re.compile(r"(?P<indent>\s*)(?P<fence>`{3,}|:{3,})\s*(?P<language>[^\s{]*)")
_RUNS = ("python", "console")


@dataclass
class Block:
    """A fenced block: its language, its first line in the page (from 0), and its lines."""

    language: str
    start: int
    lines: list[str]

    @property
    def text(self) -> str:
        """The content."""
        return "\n".join(self.lines)


@dataclass
class Step:
    """Something that runs, and the block and lines of it that show what it prints, if any do."""

    run: str
    line: int
    shown: Block | None
    first: int = 0
    last: int = 0

    @property
    def expected(self) -> str:
        """What the page says is printed."""
        return "" if self.shown is None else "\n".join(self.shown.lines[self.first : self.last])


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of code of a page.

    Raises
    ------
    ValueError
        If a block would not run because it is indented.
    """
    opened: tuple[str, Block] | None = None
    for number, line in enumerate(text.splitlines()):
        match = _FENCE.match(line)
        if opened is not None:
            fence, block = opened
            if line.strip() == fence:
                yield block
                opened = None
            else:
                block.lines.append(line)
        elif match and match["fence"][0] == "`":
            if match["indent"] and match["language"] in _RUNS:
                raise ValueError(f"line {number + 1}: an indented block does not run")
            opened = match["fence"], Block(match["language"], number + 1, [])


def steps(text: str) -> Iterator[tuple[str, Step]]:
    """Yield the language and each step of a page."""
    lines, found = text.splitlines(), list(blocks(text))
    for place, block in enumerate(found):
        if block.language == "python":
            following = found[place + 1] if place + 1 < len(found) else None
            end = block.start + len(block.lines) + 1
            if following is not None and (
                following.language != "text" or any(lines[end : following.start - 1])
            ):
                following = None
            last = 0 if following is None else len(following.lines)
            yield "python", Step(block.text, block.start, following, 0, last)
        elif block.language == "console":
            yield from (("console", step) for step in _commands(block))


def _commands(block: Block) -> Iterator[Step]:
    starts = [n for n, line in enumerate(block.lines) if line.startswith("$ ")]
    if not starts or starts[0] != 0:
        raise ValueError(f"line {block.start + 1}: a console block begins with a command, after $")
    for start, end in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        first = start + 1
        while block.lines[first - 1].endswith("\\"):
            first += 1
        command = "\n".join(block.lines[start:first]).removeprefix("$ ")
        shown = block if any(line.strip() for line in block.lines[first:end]) else None
        yield Step(command, block.start + start, shown, first, end)


class Shell:
    """A bash in a folder, for the commands of one page."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[str, int]:
        """Return what a command prints, and its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        end = f"end of {id(command)}"
        self._process.stdin.write(f"{command}\nprintf '\\n{end} %s\\n' $?\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(end):
                return "".join(lines).removesuffix("\n"), int(line.rsplit(" ", 1)[1])
            lines.append(line)
        raise RuntimeError(f"{command} has ended the shell: {''.join(lines)}")

    def close(self) -> None:
        """End the shell and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@dataclass
class Fit:
    """The fit of MovieLens 100k by the defaults, made once for all pages and processes.

    It would be the same bit for bit each time, so that no page can tell.
    """

    folder: Path
    command: str = "palate fit ml-100k -o model"
    _model: Any = None

    def printed(self) -> str:
        """Return what the command prints; its model is in the folder then."""
        file = self.folder / "printed.txt"
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                fitted = subprocess.run(
                    shlex.split(self.command),
                    check=True,
                    cwd=self.folder,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                )
                file.write_text(fitted.stdout, encoding="utf-8")
        return file.read_text(encoding="utf-8")

    def copy_to(self, folder: Path) -> str:
        """Copy the model to the folder of a page; return what the command prints."""
        printed = self.printed()
        shutil.copytree(self.folder / "model", folder / "model", dirs_exist_ok=True)
        return printed

    def in_python(self, fit: Callable[..., Any], load: Callable[..., Any]) -> Callable[..., Any]:
        """Return `palate.fit`, but for this fit, whose model is read from the folder."""

        def fit_once(*arguments: Any, **options: Any) -> Any:
            if len(arguments) != 1 or options or not self._is_shared(arguments[0]):
                return fit(*arguments, **options)
            if self._model is None:
                self.printed()
                self._model = load(self.folder / "model")
            return self._model

        return fit_once

    @staticmethod
    def _is_shared(ratings: Any) -> bool:
        source = getattr(ratings, "source", "")
        return source.startswith("MovieLens 100k from") and len(ratings) == 100_000


@dataclass
class Runner:
    """What runs the steps of one page in a folder."""

    folder: Path
    fit: Fit
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    _shell: Shell | None = None

    def run(self, language: str, step: Step) -> tuple[str, int]:
        """Return what a step prints, and the exit status of a command."""
        return self._python(step) if language == "python" else self._console(step)

    def _python(self, step: Step) -> tuple[str, int]:
        tree = ast.parse("\n" * step.line + step.run, "page")
        last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            if last is not None:
                tree.body.pop()
            exec(compile(tree, "page", "exec"), self.namespace)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), "page", "eval"), self.namespace)
                if value is not None:
                    print(repr(value))
        return output.getvalue(), 0

    def _console(self, step: Step) -> tuple[str, int]:
        if self._shell is None:
            self._shell = Shell(self.folder)
        if step.run == self.fit.command:
            return self.fit.copy_to(self.folder), 0
        return self._shell.run(step.run)

    def close(self) -> None:
        """End what the page has started."""
        if self._shell is not None:
            self._shell.close()


def failures(page: Path, runner: Runner) -> Iterator[str]:
    """Run a page and yield what is wrong with it."""
    for language, step in steps(page.read_text(encoding="utf-8")):
        printed, status = runner.run(language, step)
        place = f"{page.name}:{step.line + 1}: {step.run.splitlines()[0]}"
        if step.shown is None and status != 0:
            yield f"{place}: exit status {status}\n{printed}"
        if step.shown is not None and (wrong := differences(step.expected, printed)):
            yield f"{place}: {wrong}\n--- the page\n{step.expected}\n--- printed\n{printed}"


def with_outputs(text: str, runner: Runner) -> str:
    """Return a page in which what is shown is what its steps print now, but for ``...``."""
    lines, offset = text.splitlines(), 0
    for language, step in steps(text):
        try:
            printed, status = runner.run(language, step)
        except Exception as error:  # what comes after may run all the same
            print(f"line {step.line + 1}: {error!r}")
            continue
        if step.shown is None:
            if status != 0:
                print(f"line {step.line + 1}: exit status {status}\n{printed}")
            continue
        if ELLIPSIS in (line.strip() for line in step.expected.splitlines()):
            if wrong := differences(step.expected, printed):
                print(f"line {step.line + 1}: {wrong}\n{printed}")
            continue
        shown = "\n".join(line.rstrip() for line in printed.splitlines())
        new = shown.strip("\n").splitlines()
        start = step.shown.start + step.first + offset
        end = step.shown.start + step.last + offset
        lines[start:end] = new
        offset += len(new) - (end - start)
    return "\n".join(lines) + "\n"


def prepare_environment(folder: Path) -> None:
    """Let child processes find `palate`, print 80 columns, and round alike on any processor.

    Numbers differ between processors in what the kernels of Palate, NumPy and its BLAS round; those
    for AVX2 run on all.
    """
    folder.mkdir()
    program = folder / "palate"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m palate "$@"\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ |= {
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
        "PALATE_SIMD": "avx2",
        "NPY_DISABLE_CPU_FEATURES": _beyond_avx2(),
        "OPENBLAS_CORETYPE": "Haswell",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # A JVM that compiles little starts, and acts first, in less time.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


def _beyond_avx2() -> str:
    """Return what NumPy would use of this processor beyond AVX2; only that can be disabled."""
    script = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__\n"
        "used = [name for name in __cpu_dispatch__ if __cpu_features__[name]]\n"
        "print(*[name for name in used if name == 'X86_V4' or name.startswith('AVX512')])"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": ""}
    found = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment
    )
    return found.stdout.strip()


@contextlib.contextmanager
def running(folder: Path, shared: Fit) -> Iterator[Runner]:
    """Give a runner of a page in `folder`."""
    import palate  # after the environment is prepared

    runner, fit, before = Runner(folder, shared), palate.fit, Path.cwd()
    os.chdir(folder)
    palate.fit = shared.in_python(fit, palate.load)
    try:
        yield runner
    finally:
        palate.fit = fit
        os.chdir(before)
        runner.close()


def main(paths: list[str]) -> None:
    """Write into pages what their blocks print."""
    pages = [Path(path).absolute() for path in paths]
    with tempfile.TemporaryDirectory() as place:
        prepare_environment(Path(place) / "bin")
        shared = Fit(Path(place))
        for number, page in enumerate(pages):
            folder = Path(place) / f"page{number}"
            folder.mkdir()
            text = page.read_text(encoding="utf-8")
            with running(folder, shared) as runner:
                page.write_text(with_outputs(text, runner), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
