"""Arrays that do not belong to one rating model are refused."""

import numpy as np
import pytest

from palate.learned._file_format import _feature_record, _likelihood_record, _rating_arrays
from palate.learned._parameter_arrays import rating_parameters


@pytest.fixture
def saved(bayes):
    """Return the arrays of a Gibbs model, and its records."""
    parameters = bayes.learned.parameters
    arrays = {name: array.copy() for name, array in _rating_arrays(parameters).items()}
    return arrays, _likelihood_record(bayes.learned), _feature_record(parameters)


def test_they_are_the_parameters_again(saved, bayes):
    found, given = rating_parameters(*saved), bayes.learned.parameters
    np.testing.assert_array_equal(found.variances.items, given.variances.items)
    np.testing.assert_array_equal(found.user_prior.coefficients, given.user_prior.coefficients)
    features, expected = found.user_prior.features, given.user_prior.features
    np.testing.assert_array_equal(features.loadings, expected.loadings)
    assert features.damping == expected.damping
    assert features.log_counts == expected.log_counts
    assert found.variances.freedom == given.variances.freedom
    assert found.effects.features == given.effects.features
    assert found.user_effects.features == given.user_effects.features == found.user_prior.known
    np.testing.assert_array_equal(found.user_effects.mean, given.user_effects.mean)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("item_variances"), "some but not all of item_covariance"),
        (lambda a: a.pop("pair_loadings"), "some but not all"),
        (lambda a: a.pop("user_features"), "some but not all"),
        (lambda a: a["item_variances"].fill(0), "variances of the ratings are not positive"),
        (lambda a: a["variance_freedoms"].fill(2), "variances of the ratings are not positive"),
        (lambda a: a["pair_scale"].fill(0), "the features of users have no scale"),
        (lambda a: a["item_features"].fill(-1), "effects of the features are not in order"),
        (lambda a: a["user_features"].fill(0), "effects of the features are not in order"),
        (lambda a: a.update(variance_freedoms=np.ones(3) * 9), "positional arguments"),
    ],
)
def test_what_does_not_fit_is_refused(saved, change, message):
    arrays, likelihood, features = saved
    change(arrays)
    with pytest.raises((ValueError, TypeError), match=message):
        rating_parameters(arrays, likelihood, features)


def test_names_of_features_must_fit(saved):
    arrays, likelihood, features = saved
    items = features["items"]
    for wrong in (items[1:], [[3, None, None]] * len(items), [["x", None]] * len(items)):
        with pytest.raises((ValueError, TypeError)):
            rating_parameters(arrays, likelihood, features | {"items": wrong})
    with pytest.raises(ValueError, match="some but not all"):
        rating_parameters(arrays, likelihood, None)
