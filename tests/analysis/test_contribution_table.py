"""Tables of contributions: what is summed in the last row, and what that row is called."""

import pytest

from palate.analysis._contribution_table import contribution_table

FIRST = [("average", 3.5), ("their bias", 0.01)]
OTHERS = [("a", 0.02), ("b", -0.6), ("c", 0.3)]
HIDDEN = [("d", 0.03)]


@pytest.mark.parametrize(
    ("n", "names"),
    [
        (5, ["average", "b", "c", "3 smaller parts"]),
        (1, ["average", "b", "4 other parts"]),  # one of them is larger
        (None, ["average", "their bias", "b", "c", "a", "d"]),
    ],
)
def test_large_parts_are_listed_and_the_sum_is_kept(n, names):
    table = contribution_table(FIRST, OTHERS, n, 0.05, least_of_others=0.05, hidden=HIDDEN)
    assert table["name"].to_list() == names
    parts = [*FIRST, *OTHERS, *HIDDEN]
    assert table["contribution"].sum() == pytest.approx(sum(value for _, value in parts))
