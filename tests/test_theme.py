"""The theme: readable in light and in dark, and the same in style sheets and in figures."""

import re

import numpy as np
import pytest

from palate import _theme

LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (.+);", part)) for part in _theme.stylesheet().split("@media")
)


def contrast(one, other):
    """Return the contrast ratio of WCAG 2 between two colours such as #0072B2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_every_colour_has_a_value_for_dark_pages():
    assert set(LIGHT) - {"font"} == set(DARK)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable(colours):
    for behind in ("page", "raised", "note", "wash"):
        for text in ("ink", "soft", "accent"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


@pytest.mark.parametrize("colour", [*_theme.CATEGORICAL, *_theme.SEQUENTIAL, _theme.GREY])
def test_marks_are_visible_on_light_and_on_dark_pages(colour):
    assert contrast(colour, LIGHT["page"]) >= 2.4
    assert contrast(colour, DARK["page"]) >= 3


def test_categories_have_different_colours():
    assert len(set(_theme.CATEGORICAL)) == len(_theme.CATEGORICAL)


def test_figures_and_pages_use_the_same_font():
    assert LIGHT["font"] == _theme.FONT
