"""Words of messages and tables."""

from collections.abc import Sequence
from typing import NamedTuple

# A smaller number is zero as it is printed, with two decimals.
LEAST_SHOWN = 0.005
# Points of a scale of ratings have one decimal if its range is at least this, else two.
_LONG_SCALE = 2


def capitalized(text: str) -> str:
    """Return a text that begins a sentence or stands alone; the rest of it stays as it is."""
    return text[:1].upper() + text[1:]


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return "1 event", "2 events" and so on; the plural is regular unless it is given."""
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"


def listed(names: Sequence[str]) -> str:
    """Return "A", "A and B", "A, B and C"; an empty text without names."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last


def decimals_of_points(low: float, high: float) -> int:
    """Return with how many decimals points of a scale of ratings are said in a sentence."""
    return 1 if high - low >= _LONG_SCALE else 2


class Pronouns(NamedTuple):
    """How sentences call the person that they are about.

    Attributes
    ----------
    they, their
        Such as "you" and "your".
    """

    they: str
    their: str


# The reader, and a user whom the reader looks at.
YOU = Pronouns("you", "your")
THEY = Pronouns("they", "their")
