"""The parameters of a rating model from its arrays and records, for loading a model."""

from typing import Any

from numpy.typing import NDArray

from palate.learned._feature_effects import FeatureEffects
from palate.learned._item_posterior import ItemCovariances, ItemPosterior
from palate.learned._item_prior import ItemPrior
from palate.learned._known_features import KnownFeatures
from palate.learned._likelihood import LIKELIHOODS, Likelihood
from palate.learned._pair_features import PairFeatures
from palate.learned._parameters import Parameters
from palate.learned._rating_variances import RatingVariances
from palate.learned._user_prior import UserPrior

# Numbers of a model are smaller than this.
MAX_MAGNITUDE = 1e18
# The mean variance of a gamma precision exists above this.
_MIN_FREEDOM = 2.0
# What a model of the Gibbs solver has, and a point estimate has not.
_OF_GIBBS = (
    "item_covariance",
    "pair_loadings",
    "item_variances",
    "item_features",
    "user_features",
    "item_prior_covariance",
)


def rating_parameters(
    arrays: dict[str, NDArray[Any]],
    likelihood: dict[str, Any] | None,
    features: dict[str, list[list[Any]]] | None,
) -> Parameters | None:
    """Return the parameters of the rating model; None where there is none.

    Raises
    ------
    LookupError, TypeError, ValueError
        If the arrays and the records do not belong to the parameters of a rating model.
    """
    if likelihood is None:
        return None
    if len({name in arrays for name in _OF_GIBBS}) > 1 or (features is None) == (
        "item_features" in arrays
    ):
        raise ValueError(f"there are some but not all of {', '.join(_OF_GIBBS)}")
    effects = user_effects = None
    if features is not None:
        effects = FeatureEffects.of_file(arrays["item_features"], features["items"])
        user_effects = FeatureEffects.of_file(arrays["user_features"], features["users"])
    return Parameters(
        item_table=arrays["item_table"],
        likelihood=_likelihood(**likelihood),
        user_prior=_user_prior(
            arrays, KnownFeatures() if user_effects is None else user_effects.features
        ),
        item_posterior=item_posterior(arrays),
        variances=_rating_variances(arrays),
        effects=effects,
        item_prior=None if effects is None else _item_prior(arrays, effects.features),
        user_effects=user_effects,
    )


def _item_prior(arrays: dict[str, NDArray[Any]], known: KnownFeatures) -> ItemPrior:
    coefficients, covariance = arrays["item_prior_coefficients"], arrays["item_prior_covariance"]
    return ItemPrior(coefficients, covariance, known)


def _user_prior(arrays: dict[str, NDArray[Any]], known: KnownFeatures) -> UserPrior:
    features = None
    if "pair_loadings" in arrays:
        damping, mean, sd, lowest, highest = arrays["pair_scale"].tolist()
        if not (damping > 0 and sd > 0 and lowest <= highest):
            raise ValueError("the features of users have no scale")
        features = PairFeatures(
            arrays["pair_loadings"],
            arrays["pair_centre"],
            damping,
            (mean, sd, lowest, highest),
        )
    return UserPrior(
        arrays["prior_coefficients"],
        arrays["prior_covariance"],
        features,
        known,
        arrays.get("population_covariance"),
    )


def _rating_variances(arrays: dict[str, NDArray[Any]]) -> RatingVariances | None:
    if "item_variances" not in arrays:
        return None
    items, freedoms = arrays["item_variances"], arrays["variance_freedoms"].tolist()
    if items.min(initial=1) <= 0 or min(freedoms) <= _MIN_FREEDOM:
        raise ValueError("the variances of the ratings are not positive")
    return RatingVariances(items, *freedoms)


def _likelihood(name: str, **settings: Any) -> Likelihood:
    if name not in LIKELIHOODS or any(
        isinstance(value, bool) or not abs(value) < MAX_MAGNITUDE for value in settings.values()
    ):
        raise ValueError(f"there is no likelihood {name} with {settings}")
    likelihood: Likelihood = LIKELIHOODS[name](**settings)
    if likelihood.low > likelihood.high:
        raise ValueError(f"the range {likelihood.low} to {likelihood.high} is empty")
    if not isinstance(likelihood.noise_sd, float) or likelihood.noise_sd < 1 / MAX_MAGNITUDE:
        raise ValueError(f"noise_sd is {likelihood.noise_sd}")
    return likelihood


def item_posterior(arrays: dict[str, NDArray[Any]]) -> ItemPosterior | None:
    """Return the uncertainty of the items; None in a point estimate."""
    if "item_covariance" not in arrays:
        return None
    factors = arrays["item_table"].shape[1] - 1
    covariances = ItemCovariances(arrays["item_covariance"], factors)
    return ItemPosterior(arrays["item_bias_sd"], covariances)
