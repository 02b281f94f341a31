"""palate.torch: seconds for the book's fit with the native kernel, autograd and fastai.

    python benchmarks/learner.py

It requires pip install 'palate[torch]'. Peer: pip install fastai
"""

import importlib.util
from collections.abc import Callable

from _common import median_seconds, parse_arguments, surroundings
from one_cycle import fastai_fit

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
        "DotProductBias, native kernel": bilinear(dls, native=True),
        "DotProductBias, autograd": bilinear(dls, native=False),
        "CollabNN": fit_of(lambda: Learner(dls, CollabNN(*get_emb_sz(dls)), progress=False)),
        "collab_learner, layers 100 and 50": fit_of(
            lambda: collab_learner(
                dls, use_nn=True, layers=[100, 50], y_range=(0, 5.5), progress=False
            )
        ),
    }
    if importlib.util.find_spec("fastai"):
        fits["fastai's collab_learner"] = fastai_fit(ratings)
    seconds = {name: median_seconds(fit, runs=3) for name, fit in fits.items()}
    autograd = seconds["DotProductBias, autograd"]
    print("Five epochs of MovieLens 100k, batches of 64, CPU: seconds, median of 3 runs")
    for name, value in seconds.items():
        print(f"  {name:42} {value:8.2f}   {value / autograd:7.2f} times the time of autograd")


def bilinear(dls: CollabDataLoaders, *, native: bool) -> Callable[[], None]:
    def make() -> Learner:
        model = DotProductBias(*dls.sizes, 50)
        return Learner(dls, model, MSELossFlat(), native=native, progress=False)

    return fit_of(make)


def fit_of(make: Callable[[], Learner]) -> Callable[[], None]:
    return lambda: make().fit_one_cycle(EPOCHS, LR, wd=WD)


if __name__ == "__main__":
    parse_arguments(__doc__)
    print(surroundings("torch", "fastai"))
    main()
