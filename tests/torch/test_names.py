"""The documentation's table of fastai's names is true."""

import ast
import inspect
import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate.torch
from palate.torch._left_out import NAMES as LEFT_OUT_NAMES
from palate.torch._left_out import WITHOUT_EFFECT

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
    namespace = {}
    exec("from palate.torch import *", namespace)
    value, alternative = namespace[name], re.findall(r"`(.+?)`", note)[0]

    def derive():
        class Own(value):
            pass

    for use in (lambda: value(1, layers=[2]), derive, lambda: value.from_df):
        with pytest.raises((palate.SettingError, AttributeError)) as refusal:
            use()
        assert str(refusal.value).startswith(f"fastai's {name} is not in palate.torch; use ")
        assert alternative in str(refusal.value)
    assert alternative in repr(value)


def test_every_refused_name_is_in_the_table():
    assert set(LEFT_OUT_NAMES) == {name for name, _ in LEFT_OUT}


def test_every_argument_without_effect_is_on_the_page():
    listed = PAGE.read_text().partition("change nothing here")[2]
    assert set(re.findall(r"`(\w+)`", listed)) >= WITHOUT_EFFECT


def test_nothing_is_both_there_and_left_out():
    assert len(set(palate.torch.__all__)) == len(palate.torch.__all__)


def _parameters(arguments):
    """Return the names and defaults in the text between the parentheses."""
    found = ast.parse(f"def f({arguments}: ...").body[0].args
    defaults = [inspect.Parameter.empty] * (len(found.args) - len(found.defaults))
    defaults += [ast.literal_eval(value) for value in found.defaults]
    return list(zip([argument.arg for argument in found.args], defaults, strict=True))
