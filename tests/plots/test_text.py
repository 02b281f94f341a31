"""Text in figures: shortened and wrapped to a width, and shown literally."""

from hypothesis import given
from hypothesis import strategies as st

from palate.plots._text import escape, hover_text, shorten, text_width, wrap


@given(st.text(max_size=60), st.integers(20, 300))
def test_text_is_shortened_and_wrapped_to_fit(text, width):
    assert text_width(shorten(text, width)) <= width
    assert all(text_width(line) <= width for line in wrap(text, width))


def test_tags_entities_and_formulas_are_escaped():
    assert escape("a\n<b> $x$ &lt;") == "a &lt;b&gt; &#36;x&#36; &amp;lt;"
    assert hover_text("<i>", "", "two") == "&lt;i&gt;<br>two"
