"""The one-cycle solver: seconds for the book's fit, compared with PyTorch and fastai.

    python benchmarks/one_cycle.py             the book's fit, also by peers that are installed
    python benchmarks/one_cycle.py --large     one epoch of 10 million synthetic ratings

Peers: pip install torch fastai
"""

import contextlib
import importlib.util
import io
import time
from collections.abc import Callable

import numpy as np
from _common import median_seconds, parse_arguments, peak_gigabytes, surroundings, synthetic

import palate


def book_fit() -> None:
    ratings = palate.movielens("100k")
    train, valid = palate.splits.random(ratings, 0.2)
    fits = {"palate": lambda: palate.OneCycle().fit(train, valid)}
    if importlib.util.find_spec("torch"):
        fits["plain PyTorch loop"] = lambda: torch_loop(train, valid)
    if importlib.util.find_spec("fastai"):
        fits["fastai"] = fastai_fit(ratings)
    seconds = {name: median_seconds(fit, runs=3) for name, fit in fits.items()}
    print("Five epochs of MovieLens 100k, 50 factors, batches of 64: seconds, median of 3 runs")
    for name, value in seconds.items():
        ratio = value / seconds["palate"]
        print(f"  {name:20} {value:8.3f}   {ratio:7.1f} times the time of palate")


def torch_loop(train: palate.Ratings, valid: palate.Ratings) -> float:
    """Train the same model in a plain PyTorch loop, and return its validation loss."""
    import torch
    from torch import nn

    class DotProductBias(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.users, self.items = nn.Embedding(943, 50), nn.Embedding(1682, 50)
            self.user_bias, self.item_bias = nn.Embedding(943, 1), nn.Embedding(1682, 1)
            for table in self.children():
                nn.init.normal_(table.weight, 0, 0.01)

        def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
            score = (self.users(user) * self.items(item)).sum(1)
            score = score + (self.user_bias(user) + self.item_bias(item)).squeeze(1)
            return 5.5 * torch.sigmoid(score)

    def tensors(ratings: palate.Ratings) -> list[torch.Tensor]:
        columns = (ratings.user, ratings.item, ratings.rating)
        return [torch.from_numpy(np.ascontiguousarray(column)) for column in columns]

    model, (user, item, rating) = DotProductBias(), tensors(train)
    steps = len(rating) // 64 * 5
    adam = torch.optim.AdamW(model.parameters(), lr=5e-3, eps=1e-5, weight_decay=0.1)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, 5e-3, steps, pct_start=0.25)
    for _ in range(5):
        for batch in torch.randperm(len(rating))[: steps // 5 * 64].view(-1, 64):
            loss = nn.functional.mse_loss(model(user[batch], item[batch]), rating[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            cycle.step()
    user, item, rating = tensors(valid)
    with torch.no_grad():
        return float(nn.functional.mse_loss(model(user, item), rating))


def fastai_fit(ratings: palate.Ratings) -> Callable[[], None]:
    """Return a function that runs fastai's fit, on data loaders created beforehand."""
    from fastai.collab import CollabDataLoaders, collab_learner

    table = ratings.frame().to_pandas()
    loaders = CollabDataLoaders.from_df(table, valid_pct=0.2, bs=64)

    def fit() -> None:
        learner = collab_learner(loaders, n_factors=50, y_range=(0, 5.5))
        with contextlib.redirect_stdout(io.StringIO()), learner.no_bar():
            learner.fit_one_cycle(5, 5e-3, wd=0.1)

    return fit


def large_epoch() -> None:
    n, users, items = 10_000_000, 70_000, 20_000
    ratings = synthetic(users, items, n)
    start = time.perf_counter()
    palate.OneCycle(epochs=1, bs=1024).fit(ratings)
    seconds = time.perf_counter() - start
    print(f"One epoch of {n:,} ratings ({users:,} users, {items:,} items), batches of 1,024:")
    print(f"  {seconds:.1f} s, peak memory {peak_gigabytes():.2f} GB with the ratings")


if __name__ == "__main__":
    arguments = parse_arguments(__doc__, large="fit 10 million synthetic ratings")
    print(surroundings("torch", "fastai"))
    large_epoch() if arguments.large else book_fit()
