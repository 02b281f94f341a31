"""Labels of points that never overlap: each goes where there is room, or nowhere."""

from collections.abc import Sequence
from typing import NamedTuple

from palate.plots._text import text_width

SIZE = 11
# The report draws a halo of so many pixels around each label.
_HALO = 1.5
_HEIGHT = 1.3 * SIZE + 2 * _HALO
_AWAY = 6.0
_DOT = 3.0


class Spot(NamedTuple):
    """A point that asks for a label: pixels from the left and from the bottom, and the text."""

    x: float
    y: float
    text: str


class Label(NamedTuple):
    """Where a label goes: the number of its spot, and how far its middle is from the point."""

    spot: int
    across: float
    up: float


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def within(self, width: float, height: float) -> bool:
        return self.left >= 0 and self.bottom >= 0 and self.right <= width and self.top <= height


def place(spots: Sequence[Spot], width: float, height: float) -> list[Label]:
    """Return labels for as many of `spots`, the first ones first, as find room.

    A label is tried beside its point, above and below it, then at its corners. It must lie inside
    of `width` by `height` pixels, clear of all labels placed before and of their points. Among such
    ways, it takes the first that covers the fewest other spots.
    """
    dots = [_Box(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y, _ in spots]
    taken: list[_Box] = []
    labels: list[Label] = []
    for number, spot in enumerate(spots):
        ways = {Label(number, *way): _box(spot, *way) for way in _ways(spot.text)}
        free = {
            label: sum(map(box.overlaps, dots))
            for label, box in ways.items()
            if box.within(width, height) and not any(map(box.overlaps, taken))
        }
        if free:
            best = min(free, key=free.__getitem__)
            labels.append(best)
            taken += [ways[best], dots[number]]
    return labels


def _ways(text: str) -> list[tuple[float, float]]:
    """Return where the middle of a label may lie, from its point."""
    across, up = text_width(text, SIZE) / 2 + _AWAY, _HEIGHT / 2 + _AWAY - 2
    beside = [(across, 0.0), (-across, 0.0), (0.0, up), (0.0, -up)]
    return beside + [(x, y) for y in (0.9 * up, -0.9 * up) for x in (across - 3, 3 - across)]


def _box(spot: Spot, across: float, up: float) -> _Box:
    half = text_width(spot.text, SIZE) / 2 + _HALO
    x, y = spot.x + across, spot.y + up
    return _Box(x - half, y - _HEIGHT / 2, x + half, y + _HEIGHT / 2)
