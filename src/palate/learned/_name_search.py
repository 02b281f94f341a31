"""Search among names, such as titles, that forgives how they are written."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

# How well a word of the text matches a name's word, the best first.
_WHOLE, _START, _INSIDE, _ONE_ERROR, _NONE = range(5)
# A text may be as long as a request. Further words would take time and tell no more.
_MAX_WORDS = 16
# In shorter words an error makes another word.
_MIN_LETTERS = 4
# Errors are looked for in this many letters of a word.
_MAX_LETTERS = 24
_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l"}
_SIGNS = {"&": " and ", "'": "", "\N{RIGHT SINGLE QUOTATION MARK}": ""}
_YEAR = r"\(\d{4}\)\s*$"
Levels = NDArray[np.uint8]
Rows = NDArray[np.int64]


class NameSearch:
    """An index of names by their words.

    Accents, case, punctuation and the order of the words make no difference. Where no name has all
    words of a text, they may also be separated by other blanks; and where there is still none,
    each word of four letters or more may contain one typing error: a letter too many, missing or
    replaced, or two that are swapped. The first 16 words of a text count.

    Parameters
    ----------
    names
        The name of each row.
    popularity
        The order of names that match equally well, the largest number first; shape (names,).
        By default they keep the order of their rows.
    """

    def __init__(self, names: pl.Series, popularity: NDArray[np.number] | None = None) -> None:
        self._names = names
        self._popularity = np.zeros(len(names)) if popularity is None else np.asarray(popularity)

    def rows(self, text: str) -> Rows:
        """Return the rows of the names that match a text, the best match first.

        First come names that consist of its words (apart from a year in parentheses at the end),
        then those that begin with the text, with words that begin with its words, and all others.
        All names match a text without words.
        """
        words = _words(text)
        if not words:
            return np.arange(len(self._names), dtype=np.int64)
        for levels in self._attempts(words) if len(self._names) else ():
            if (levels < _NONE).any():
                return self._ordered(words, levels)
        return np.empty(0, np.int64)

    def nearest(self, text: str, n: int) -> list[str]:
        """Return up to `n` names that are most like a text.

        They are those that match it or, if none does, those with more than half of its words, where
        rare words count more, and errors are forgiven in words of three letters or more.
        """
        rows = self.rows(text)
        if not len(rows) and len(self._names):
            found = np.array([self._word_levels(word, 3) < _NONE for word in _words(text)])
            weights = np.log((len(self._names) + 2) / (found.sum(axis=1) + 1))
            shares = weights @ found / weights.sum()
            rows = np.argsort(-shares, kind="stable")
            rows = rows[shares[rows] > 0.5]
        return self._names[rows].unique(maintain_order=True)[:n].to_list()

    @cached_property
    def _spelt_names(self) -> pl.Series:
        return _spelt(self._names)

    @cached_property
    def _alphabetical(self) -> tuple[list[str], Rows]:
        """The spelt names in alphabetical order, and their rows."""
        order = self._spelt_names.arg_sort()
        return self._spelt_names[order].to_list(), order.to_numpy().astype(np.int64)

    @cached_property
    def _entries(self) -> tuple[pl.Series, NDArray[np.uint32], Rows]:
        """All distinct words in order; the word of each entry, row by row; each row's first entry.

        A row has an entry for each of its distinct words, and at least one.
        """
        table = self._spelt_names.str.split(" ").list.unique()
        words = table.explode()
        distinct = words.unique().sort()
        entries = words.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.uint32)
        starts = np.cumsum(table.list.len().to_numpy(), dtype=np.int64)
        return distinct, entries, np.append(0, starts)[:-1]

    @cached_property
    def _sorted_words(self) -> list[str]:
        return self._entries[0].to_list()

    @cached_property
    def _letters(self) -> NDArray[np.uint32]:
        """The first letters of each distinct word, then zeros; shape (words, _MAX_LETTERS)."""
        words = np.array(self._sorted_words, dtype=f"<U{_MAX_LETTERS}")
        return words.view(np.uint32).reshape(len(words), _MAX_LETTERS)

    @cached_property
    def _sizes(self) -> Rows:
        """The number of distinct words of each name, without a year in parentheses at the end."""
        _, entries, starts = self._entries
        sizes: Rows = np.diff(np.append(starts, len(entries)))
        sizes -= self._names.str.contains(_YEAR).to_numpy()
        return sizes

    def _attempts(self, words: list[str]) -> Iterator[Levels]:
        """Yield how well each name matches the words, each time more of them than before."""
        yield np.max([self._word_levels(word) for word in words], axis=0)
        found = [self._spelt_names.str.contains(_with_blanks(word)) for word in words]
        yield np.where(np.all(found, axis=0), _INSIDE, _NONE).astype(np.uint8)
        yield np.max([self._word_levels(word, _MIN_LETTERS) for word in words], axis=0)

    def _word_levels(self, word: str, min_letters: int | None = None) -> Levels:
        """Return the level of each name for a word.

        An error is forgiven in a word of at least `min_letters`; by default in none.
        """
        distinct, entries, starts = self._entries
        inside = distinct.str.contains(word, literal=True).to_numpy()
        levels = np.where(inside, _INSIDE, _NONE).astype(np.uint8)
        if min_letters is not None and len(word) >= min_letters:
            levels[~inside & self._with_one_error(word)] = _ONE_ERROR
        levels[_beginning(self._sorted_words, word)] = _START
        first = bisect_left(self._sorted_words, word)
        levels[first : first + (word in self._sorted_words[first : first + 1])] = _WHOLE
        return np.minimum.reduceat(levels[entries], starts)

    def _with_one_error(self, word: str) -> NDArray[np.bool_]:
        """Return which distinct words begin as a word does, apart from one typing error."""
        typed = np.array([word[: _MAX_LETTERS - 1]]).view(np.uint32)
        n, letters = len(typed), self._letters
        same, rows = letters[:, :n] == typed, np.arange(len(letters))
        first = np.where(same.all(axis=1), n, same.argmin(axis=1))
        after = n - first - 1  # letters after the first that differs
        at, then = np.minimum(first, n - 1), np.minimum(first + 1, n - 1)
        swapped = (letters[rows, at] == typed[then]) & (letters[rows, then] == typed[at])
        return (
            (_equal_at_end(same) >= np.where(swapped & (after > 0), after - 1, after))
            | (_equal_at_end(letters[:, 1 : n + 1] == typed) > after)
            | (_equal_at_end(letters[:, : n - 1] == typed[1:]) >= after)
        )

    def _ordered(self, words: list[str], levels: Levels) -> Rows:
        rank = 2 + levels.astype(np.int64)
        names, order = self._alphabetical
        rank[order[_beginning(names, " ".join(words))]] = 1
        rank[(levels == _WHOLE) & (self._sizes == len(words))] = 0
        rows = np.flatnonzero(levels < _NONE)
        return rows[np.lexsort((-self._popularity[rows], rank[rows]))]


def _words(text: str) -> list[str]:
    """Return the first distinct words of a text, which may hold halves of surrogate pairs."""
    spelt: str = _spelt(pl.Series([text.encode(errors="replace").decode()]))[0]
    return list(dict.fromkeys(spelt.split()))[:_MAX_WORDS]


def _spelt(names: pl.Series) -> pl.Series:
    """Return names as words of small letters and digits without accents, one blank between them.

    Names of other signs alone are kept.
    """
    name = pl.col("name").str.to_lowercase()
    plain = name.str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    plain = plain.str.replace_many(_LETTERS | _SIGNS).str.replace_all(r"[^\p{L}\p{N}]+", " ")
    plain = plain.str.strip_chars(" ")
    kept = name.str.replace_all(r"\s+", "")
    spelt = pl.when(plain == "").then(kept).otherwise(plain)
    return names.cast(pl.String).to_frame("name").select(spelt).to_series()


def _with_blanks(word: str) -> str:
    """Return the pattern of what begins as a word does, with blanks anywhere in it."""
    return r"\b" + " ?".join(map(re.escape, word))


def _beginning(words: list[str], start: str) -> slice:
    """Return where among sorted words those are that begin with `start`."""
    return slice(bisect_left(words, start), bisect_left(words, f"{start}\U0010ffff"))


def _equal_at_end(equal: NDArray[np.bool_]) -> Rows:
    """Return how many values at the end of each row are all True."""
    backwards = equal[:, ::-1]
    length: Rows = np.where(equal.all(axis=1), equal.shape[1], backwards.argmin(axis=1))
    return length
