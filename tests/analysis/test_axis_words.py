"""Words for the ends of axes."""

import numpy as np
import pytest

from palate.analysis._associations import RATINGS, Associated, Association
from palate.analysis._axis_words import words_of_ends
from palate.analysis._exemplars import Exemplars
from palate.data._features import Feature

NONE = np.array([], dtype=np.int64)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_crowd_pleasers_are_where_the_ratings_are(sign):
    of_count = Feature(RATINGS, None, np.arange(9.0))
    lower, upper = sorted((0.7 * sign, 0.9 * sign))
    found = Association(RATINGS, None, 0.8 * sign, lower, upper, 9)
    eligible = np.ones(9, dtype=np.bool_)
    along = [[Associated(of_count, found)]]
    (ends,) = words_of_ends(along, [Exemplars(NONE, NONE)], eligible, "titles")
    assert ends[::sign] == ("lesser-known titles", "crowd-pleasers")
