"""Placement of labels beside points, without overlaps; `palate._theme` states the rule."""

from collections.abc import Sequence
from typing import NamedTuple

from palate.plots._text import text_width

FONT_SIZE = 11
# The report draws a halo of this many pixels around each label.
_HALO = 1.5
_HEIGHT = 1.3 * FONT_SIZE + 2 * _HALO
# Distance of a label from its point, and half the width of a point, in pixels.
_DISTANCE = 6.0
_RADIUS = 3.0


class Point(NamedTuple):
    """A point to label: pixels from the left and from the bottom of the plot, and the text."""

    x: float
    y: float
    text: str


class Label(NamedTuple):
    """A placed label: the index of its point, and the offset of its centre from the point."""

    point: int
    dx: float
    dy: float


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

    def is_inside(self, width: float, height: float) -> bool:
        return self.left >= 0 and self.bottom >= 0 and self.right <= width and self.top <= height


def place_labels(points: Sequence[Point], width: float, height: float) -> list[Label]:
    """Return labels for as many points as there is room for; earlier points have priority.

    Positions beside, above and below a point are tried, then its corners. A label must lie inside
    the plot of `width` by `height` pixels and must not overlap a label placed before, nor its
    point. Of the positions that remain, it takes the first of those that hide the fewest points.
    """
    dots = [_Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y, _ in points]
    occupied: list[_Box] = []
    labels: list[Label] = []
    for index, point in enumerate(points):
        boxes = {Label(index, *offset): _box(point, *offset) for offset in _offsets(point.text)}
        hidden = {
            label: sum(map(box.overlaps, dots))
            for label, box in boxes.items()
            if box.is_inside(width, height) and not any(map(box.overlaps, occupied))
        }
        if hidden:
            best = min(hidden, key=hidden.__getitem__)
            labels.append(best)
            occupied += [boxes[best], dots[index]]
    return labels


def _offsets(text: str) -> list[tuple[float, float]]:
    """Return the possible offsets of the centre of a label from its point."""
    dx, dy = text_width(text, FONT_SIZE) / 2 + _DISTANCE, _HEIGHT / 2 + _DISTANCE - 2
    sides = [(dx, 0.0), (-dx, 0.0), (0.0, dy), (0.0, -dy)]
    return sides + [(x, y) for y in (0.9 * dy, -0.9 * dy) for x in (dx - 3, 3 - dx)]


def _box(point: Point, dx: float, dy: float) -> _Box:
    half = text_width(point.text, FONT_SIZE) / 2 + _HALO
    x, y = point.x + dx, point.y + dy
    return _Box(x - half, y - _HEIGHT / 2, x + half, y + _HEIGHT / 2)
