"""The architecture beyond what lint-imports proves: sizes, and imports of the public package."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "palate"
MAX_FILE, MAX_FUNCTION = 400, 60
PYTHON = sorted(PACKAGE.rglob("*.py"))
NATIVE = sorted((ROOT / "native").rglob("*.[ch]pp"))


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    """Docstrings and signatures included."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in functions(path)}
    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION} == {}


def native_functions(text):
    """Return the lengths of the blocks of functions: what clang-format begins in the first column.

    A line that ends in an opening brace and begins no type or namespace opens one; the next line
    that is a closing brace alone ends it. Members inside a class are two columns further in.
    """
    lengths, start = [], {}
    for number, line in enumerate(text.splitlines()):
        indent = len(line) - len(line.lstrip())
        declares = re.match(r"\s*(namespace|class|struct|enum|union|extern|template)\b", line)
        if line.endswith("{") and indent in (0, 2) and not declares:
            start[indent] = number
        elif line.strip() in ("}", "};") and indent in start:
            lengths.append(number - start.pop(indent) + 1)
    return lengths


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.name)
def test_kernel_functions_are_short(path):
    assert max(native_functions(path.read_text(encoding="utf-8")), default=0) <= MAX_FUNCTION


def test_the_measure_of_kernel_functions_sees_long_ones():
    body = "  ++i;\n" * MAX_FUNCTION
    assert native_functions(f"void f() {{\n{body}}}\n") == [MAX_FUNCTION + 2]
    assert native_functions(
        "namespace a {\n\nint f() {\n  return 1;\n}\n\n}  // namespace a\n"
    ) == [3]


def test_only_the_commands_import_the_public_package():
    """``import palate`` reaches every floor, which lint-imports can't see in a lazy package."""
    importing = {
        path.relative_to(PACKAGE).parts[0]
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(alias.name == "palate" for alias in node.names)
    }
    assert importing == {"cli"}
