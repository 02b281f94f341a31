"""Placement of labels: no overlaps, priority for the first points, and the preferred positions."""

from hypothesis import given
from hypothesis import strategies as st

from palate.plots._label_placement import FONT_SIZE, Point, place_labels
from palate.plots._text import text_width

POINTS = st.lists(
    st.builds(
        Point,
        st.floats(0, 300),
        st.floats(0, 200),
        st.text("abc WM…", min_size=1, max_size=30),
    ),
    max_size=40,
)


@given(POINTS)
def test_labels_neither_overlap_nor_leave_the_plot(points):
    boxes = []
    for label in place_labels(points, 300, 200):
        x, y, text = points[label.point]
        half, middle = text_width(text, FONT_SIZE) / 2, (x + label.dx, y + label.dy)
        boxes.append((middle[0] - half, middle[1] - 7, middle[0] + half, middle[1] + 7))
    for left, bottom, right, top in boxes:
        assert left >= 0
        assert bottom >= 0
        assert right <= 300
        assert top <= 200
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = one[0] >= other[2] or other[0] >= one[2]
            assert apart or one[1] >= other[3] or other[1] >= one[3]


def test_the_first_points_have_priority_and_single_labels_are_beside():
    first, second = Point(100, 100, "one"), Point(100, 100, "two")
    labels = place_labels([first, second], 300, 200)
    assert [label.point for label in labels] == [0, 1]
    assert labels[0].dy == 0 < labels[0].dx


def test_a_label_avoids_hiding_other_points():
    labels = place_labels([Point(100, 100, "one"), Point(115, 100, "two")], 300, 200)
    assert labels[0].dx < 0 == labels[0].dy
