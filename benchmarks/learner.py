"""The wing for PyTorch: seconds for the book's fit by the kernel, by autograd, and by fastai.

    python benchmarks/learner.py

It needs: pip install 'palate[torch]'; and where it is installed, it measures fastai too.
"""

import importlib.util
from collections.abc import Callable

from _common import median_seconds, surroundings
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
        "DotProductBias, the kernel": bilinear(dls, native=True),
        "DotProductBias, autograd": bilinear(dls, native=False),
        "CollabNN": ours(lambda: Learner(dls, CollabNN(*get_emb_sz(dls)), progress=False)),
        "collab_learner, layers 100 and 50": ours(
            lambda: collab_learner(dls, use_nn=True, layers=[100, 50], progress=False)
        ),
    }
    if importlib.util.find_spec("fastai"):
        fits["collab_learner of fastai"] = fastai_fit(ratings)
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


if __name__ == "__main__":
    print(surroundings("torch", "fastai"))
    main()
