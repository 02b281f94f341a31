"""The baselines, on cases that can be worked out by hand."""

import numpy as np
import pytest

from palate.evaluation._baselines import DampedMeans, GlobalMean, Popularity


def test_baselines_equal_their_formulas(small):
    assert GlobalMean(small).predict(small.user, small.item)[0] == pytest.approx(3.4)
    assert Popularity(small).item_scores.tolist() == [2, 3, 2, 3]  # ale, gin, rum, tea
    damped = DampedMeans(small)
    tea = small.items["id"].to_list().index("tea")
    assert damped.items[tea] == pytest.approx((5 + 4 + 4 - 3 * 3.4) / (25 + 3))
    bob = small.users["id"].to_list().index("bob")
    assert damped.users[bob] == pytest.approx((4 - 3.4 - damped.items[tea]) / (10 + 1))
    found = damped.predict(np.array([bob]), np.array([tea]))
    assert found[0] == pytest.approx(3.4 + damped.items[tea] + damped.users[bob])
