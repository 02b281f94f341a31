"""A regressor with the interface of scikit-learn (the optional extra ``sklearn``)."""

from palate.errors import MissingExtraError

try:
    from palate.sklearn._regressor import PalateRegressor
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "sklearn":
        raise
    message = "palate.sklearn requires scikit-learn: pip install 'palate[sklearn]'"
    raise MissingExtraError(message) from error

__all__ = ["PalateRegressor"]
