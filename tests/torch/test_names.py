"""The documentation's table of fastai's names is true."""

import ast
import inspect
import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate.torch

PAGE = Path(__file__).parents[2] / "docs" / "coming-from" / "fastai.md"
ROWS = re.findall(r"^\| `(.+?)` \| (there|different|left out) \| (.*)\|$", PAGE.read_text(), re.M)
STATED = [name for name, here, _ in ROWS if here != "left out"]
LEFT_OUT = [(name, note) for name, here, note in ROWS if here == "left out"]


def test_the_table_is_read():
    assert len(STATED) > 20
    assert LEFT_OUT
    names = [name.partition("(")[0] for name, _, _ in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("stated", STATED)
def test_a_stated_name_exists_with_its_signature(stated):
    path, _, arguments = stated.partition("(")
    first, *rest = path.split(".")
    assert first in palate.torch.__all__
    value = getattr(palate.torch, first)
    for part in rest:
        value = getattr(value, part)
    if not arguments:
        return
    if isinstance(value, type):
        value = value.__init__
    parameters = list(inspect.signature(value).parameters.values())
    if (parameters[:1] and parameters[0].name == "self") or path.endswith("Tensor.pca"):
        parameters = parameters[1:]
    expected = _parameters(arguments)
    assert [(p.name, p.default) for p in parameters[: len(expected)]] == expected


@pytest.mark.parametrize(("name", "note"), LEFT_OUT)
def test_a_name_that_is_left_out_is_refused_with_its_alternative(name, note):
    first, *rest = name.split(".")
    assert rest or first not in palate.torch.__all__
    with pytest.raises((ImportError, AttributeError)) as refusal:
        getattr(getattr(palate.torch, first), *rest) if rest else getattr(palate.torch, first)
    alternative = re.findall(r"`(.+?)`", note)[0]
    assert alternative in str(refusal.value)


def test_every_refused_name_is_in_the_table():
    assert set(palate.torch._LEFT_OUT) <= {name for name, _ in LEFT_OUT}


def test_an_unknown_name_is_an_ordinary_error():
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        palate.torch.Nonsense  # noqa: B018


def _parameters(arguments):
    """Return the names and defaults in the text between the parentheses."""
    found = ast.parse(f"def f({arguments}: ...").body[0].args
    defaults = [inspect.Parameter.empty] * (len(found.args) - len(found.defaults))
    defaults += [ast.literal_eval(value) for value in found.defaults]
    return list(zip([argument.arg for argument in found.args], defaults, strict=True))
