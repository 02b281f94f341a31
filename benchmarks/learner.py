"""The wing for PyTorch: seconds for the book's fit by the kernel, by autograd, and by fastai.

    python benchmarks/learner.py

It needs: pip install 'palate[torch]'; and where it is installed, it measures fastai too.
"""

import contextlib
import importlib.util
import io
from collections.abc import Callable

from _common import median_seconds, surroundings

import palate
from palate.torch import (
    CollabDataLoaders,
    CollabNN,
    DotProductBias,
    Learner,
    MSELossFlat,
    collab_learner,
    get_emb_sz,
)

EPOCHS, LR, WD = 5, 5e-3, 0.1


def main() -> None:
    ratings = palate.movielens("100k")
    dls = CollabDataLoaders.from_ratings(ratings, bs=64, seed=0, device="cpu")
    fits = {
        "DotProductBias, the kernel": bilinear(dls, native=True),
        "DotProductBias, autograd": bilinear(dls, native=False),
        "CollabNN": ours(lambda: Learner(dls, CollabNN(*get_emb_sz(dls)), progress=False)),
        "collab_learner, layers 100 and 50": ours(
            lambda: collab_learner(dls, use_nn=True, layers=[100, 50], progress=False)
        ),
    }
    if importlib.util.find_spec("fastai"):
        fits |= fastai_fits(ratings)
    seconds = {name: median_seconds(fit, runs=3) for name, fit in fits.items()}
    autograd = seconds["DotProductBias, autograd"]
    print("Five epochs of MovieLens 100k, batches of 64, on the CPU: seconds, median of 3 runs")
    for name, value in seconds.items():
        print(f"  {name:42} {value:8.2f}   {value / autograd:7.2f} times autograd's")


def bilinear(dls: CollabDataLoaders, *, native: bool) -> Callable[[], None]:
    def make() -> Learner:
        model = DotProductBias(*dls.sizes, 50)
        return Learner(dls, model, MSELossFlat(), native=native, progress=False)

    return ours(make)


def ours(make: Callable[[], Learner]) -> Callable[[], None]:
    return lambda: make().fit_one_cycle(EPOCHS, LR, wd=WD)


def fastai_fits(ratings: palate.Ratings) -> dict[str, Callable[[], None]]:
    """Return fastai's fits, its tables of data made beforehand."""
    from fastai.collab import CollabDataLoaders as Loaders
    from fastai.collab import collab_learner as learner_of

    loaders = Loaders.from_df(ratings.frame().to_pandas(), valid_pct=0.2, bs=64, seed=0)

    def fit(**settings: object) -> None:
        learner = learner_of(loaders, y_range=(0, 5.5), **settings)
        with contextlib.redirect_stdout(io.StringIO()), learner.no_bar():
            learner.fit_one_cycle(EPOCHS, LR, wd=WD)

    return {
        "fastai, collab_learner": lambda: fit(n_factors=50),
        "fastai, collab_learner, layers 100 and 50": lambda: fit(use_nn=True, layers=[100, 50]),
    }


if __name__ == "__main__":
    print(surroundings("torch", "fastai"))
    main()
