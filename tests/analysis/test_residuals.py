"""Residuals: each rating of a person beside what the others of theirs let expect."""

import numpy as np
import pytest

from palate.analysis._residuals import Residuals


@pytest.mark.parametrize("which", ["bayes", "model"])
def test_a_surprise_is_in_standard_deviations_of_the_difference(which, request):
    model = request.getfixturevalue(which)
    learned, user = model.learned, model.user(196).posterior
    found = Residuals(learned, user)
    scores = user.scores(learned.item_table)[user.rated]
    noise = learned.parameters.rating_variance(scores, user.rated, user.variance)
    inside = (found.expected > learned.likelihood.low) & (found.expected < learned.likelihood.high)
    assert inside.sum() > 20
    assert found.leverage.max() > 0.1
    sd = np.sqrt(noise / (1 - found.leverage))
    np.testing.assert_allclose(
        ((user.rating - found.expected) / sd)[inside], found.surprise[inside], rtol=1e-4
    )
