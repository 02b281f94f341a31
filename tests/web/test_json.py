"""Values as JSON."""

import math

import numpy as np

from palate.web._json import json_value


def test_ids_and_numbers_of_any_kind_are_json():
    assert json_value({"a": [math.nan, np.float32(1.5), np.int64(3)]}) == {"a": [None, 1.5, 3]}
    assert json_value((True, None, "x", b"y")) == [True, None, "x", "b'y'"]
