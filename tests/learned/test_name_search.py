"""The search among names: what it forgives, what it does not, and what comes first."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.learned._name_search import NameSearch

TITLES = {  # with the number of ratings
    "Star Wars (1977)": 583,
    "Star Trek: First Contact (1996)": 365,
    "Starship Troopers (1997)": 211,
    "Lone Star (1996)": 187,
    "Star (1990)": 3,
    "Amélie (2001)": 90,
    "Cite des enfants perdus, La (1995)": 60,
    "Godfather: Part II, The (1974)": 209,
    "Godfather, The (1972)": 413,
    "Schindler's List (1993)": 298,
    "L.A. Confidential (1997)": 297,
    "Spider-Man (2002)": 50,
    "X-Men 2 (2003)": 40,
    "Thelma & Louise (1991)": 70,
    "Straße des Østens": 1,
    "Shawshank Redemption, The (1994)": 283,
    "Heat (1995)": 100,
    "Mating Habits (1998)": 5,
    "千と千尋の神隠し": 8,
    "!!!": 2,
    "": 0,
}
SEARCH = NameSearch(pl.Series(list(TITLES)), np.array(list(TITLES.values())))


def found(text):
    return [list(TITLES)[row] for row in SEARCH.rows(text)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("AMELIE", "Amélie (2001)"),
        ("amélie", "Amélie (2001)"),
        ("cité des énfants", "Cite des enfants perdus, La (1995)"),
        ("Ame\N{COMBINING ACUTE ACCENT}lie", "Amélie (2001)"),
        ("strasse des ostens", "Straße des Østens"),
        ("the godfather", "Godfather, The (1972)"),
        ("  wars   star ", "Star Wars (1977)"),
        ("starwars", "Star Wars (1977)"),
        ("god father", "Godfather, The (1972)"),
        ("xmen 2", "X-Men 2 (2003)"),
        ("spiderman", "Spider-Man (2002)"),
        ("spider man", "Spider-Man (2002)"),
        ("schindlers", "Schindler's List (1993)"),
        ("schindler\N{RIGHT SINGLE QUOTATION MARK}s list", "Schindler's List (1993)"),
        ("la confidential", "L.A. Confidential (1997)"),
        ("l.a. conf", "L.A. Confidential (1997)"),
        ("thelma and louise", "Thelma & Louise (1991)"),
        ("rship troopers", "Starship Troopers (1997)"),
        ("神隠し", "千と千尋の神隠し"),
        ("!!!", "!!!"),
        # A letter missing, too many, replaced, swapped; in two words; while the word is typed.
        ("shawshnk", "Shawshank Redemption, The (1994)"),
        ("godfaather", "Godfather, The (1972)"),
        ("godfazher", "Godfather, The (1972)"),
        ("godfahter", "Godfather, The (1972)"),
        ("trak contect", "Star Trek: First Contact (1996)"),
        ("shwashank redmpt", "Shawshank Redemption, The (1994)"),
        ("conifd", "L.A. Confidential (1997)"),
        ("haet", "Heat (1995)"),
    ],
)
def test_a_title_is_found_however_it_is_written(text, first):
    assert found(text)[0] == first


@pytest.mark.parametrize(
    "text", ["hea t x", "artrek", "hxt", "gxdfaxher", "star zzz", "¡¡¡", "\udcff"]
)
def test_nothing_is_found_where_nothing_is_alike(text):
    assert found(text) == []


def test_the_best_match_comes_first_and_then_the_most_popular():
    assert found("star") == [
        "Star (1990)",  # all of it
        "Star Wars (1977)",  # its beginning
        "Star Trek: First Contact (1996)",
        "Starship Troopers (1997)",
        "Lone Star (1996)",
    ]
    assert found("the godfather") == ["Godfather, The (1972)", "Godfather: Part II, The (1974)"]
    assert found("con") == ["Star Trek: First Contact (1996)", "L.A. Confidential (1997)"]
    assert found("sh")[0] == "Shawshank Redemption, The (1994)"  # not inside a word


def test_errors_are_forgiven_only_where_no_title_is_written_so():
    assert found("mating") == ["Mating Habits (1998)"]
    assert found("heat") == ["Heat (1995)"]


def test_without_words_everything_is_found():
    assert len(found(" ")) == len(TITLES)
    assert NameSearch(pl.Series([], dtype=pl.String)).rows("star").tolist() == []


def test_the_first_words_of_a_very_long_text_count():
    words = [f"w{n}" for n in range(20)]
    search = NameSearch(pl.Series([" ".join(words), "w0"]))
    assert search.rows(" ".join(words)).tolist() == [0]
    assert search.rows(" ".join([*words[:16], "zzz"])).tolist() == [0]
    assert search.rows(" ".join([*words[:15], "zzz"])).tolist() == []


def test_the_nearest_have_most_of_the_text():
    assert SEARCH.nearest("Lone Star DVD", 3) == ["Lone Star (1996)"]
    assert SEARCH.nearest("hwat", 3) == ["Heat (1995)"]
    assert SEARCH.nearest("Casablanca (1942)", 3) == []
    assert NameSearch(pl.Series(["i3", "i4"])).nearest("i34", 3) == ["i3", "i4"]


def one_error(word, letters):
    """Return all texts that a word becomes by one typing error, and the word."""
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    return {word} | {
        *(left + right[1:] for left, right in cuts),
        *(left + letter + right[1:] for left, right in cuts for letter in letters if right),
        *(left + letter + right for left, right in cuts for letter in letters),
        *(left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1),
    }


@given(st.text("abc", min_size=4, max_size=7), st.lists(st.text("abc", min_size=1, max_size=8)))
def test_one_error_is_one_letter_or_two_swapped_ones(typed, words):
    search = NameSearch(pl.Series([*words, "other"]))
    beginnings = {text for text in one_error(typed, "abc") if text}
    expected = {word for word in words if any(word.startswith(text) for text in beginnings)}
    distinct = search._sorted_words
    found = {distinct[n] for n in np.flatnonzero(search._with_one_error(typed))}
    exact = {word for word in words if word.startswith(typed)}
    assert found | exact == expected
