"""Titles and descriptions of solvers and baselines."""

_TITLES = {
    "gibbs": "Gibbs sampling",
    "one-cycle": "One-cycle training",
    "global-mean": "Global mean",
    "damped-means": "Damped means of items and users",
    "popularity": "Most rated items first",
}
_DESCRIPTIONS = {
    "gibbs": "The solver draws many models at random, each more probable the better it explains "
    "the ratings. The average of these draws is what the model has learned; how far they differ is "
    "how uncertain it is, and gives the intervals on this page. noise_sd is the standard deviation "
    "of single ratings around the expected ones; train_rmse is the error of the latest draw on the "
    "training ratings.",
    "one-cycle": "The solver goes through all ratings several times and corrects the model after "
    "every small batch, at first in small steps, then in larger ones, and in ever smaller ones at "
    "the end. This is the recipe of the fastai book. train_loss is the error on the training "
    "ratings; valid_loss is the error on held-out ratings, if there were any.",
}


def solver_title(name: str) -> str:
    """Return the title of a solver or baseline; for an unknown one, its name."""
    return _TITLES.get(name, name)


def solver_description(name: str) -> str:
    """Return how a solver works, for readers who are not specialists."""
    return _DESCRIPTIONS.get(name, "The model was fitted to the ratings above.")
