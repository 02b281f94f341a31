"""The Bayesian solver: accuracy, coverage of its intervals, and accuracy for users not in the fit.

    python benchmarks/accuracy.py             MovieLens 100k: official folds and random splits
    python benchmarks/accuracy.py --settings  more or fewer factors and sweeps than the defaults

Peers, if installed: pip install myfm scikit-surprise
"""

import importlib.util
import time
from collections.abc import Callable

import numpy as np
from _common import parse_arguments, surroundings

import palate

Fold = tuple[palate.Ratings, palate.Ratings]


def official_folds(ratings: palate.Ratings) -> list[Fold]:
    return [palate.splits.official(ratings, fold) for fold in range(1, 6)]


def folds(ratings: palate.Ratings) -> None:
    print("\nOfficial folds u1 to u5, and their mean: RMSE of the model, and of the mean of the")
    print("sampler's predictions; fraction of ratings in 90% and in 50% intervals; seconds to fit")
    rows = []
    for train, valid in official_folds(ratings):
        start = time.perf_counter()
        model = palate.Gibbs().fit(train)
        seconds = time.perf_counter() - start
        sampler = palate.Gibbs().fit(train, valid).fit.history[-1]["valid_rmse"]
        rows.append([np.sqrt(model.loss(valid)), sampler, *coverage(model, valid), seconds])
    for row in (*rows, np.mean(rows, axis=0)):
        print("  {:.4f}   {:.4f}   {:.3f}   {:.3f}   {:.2f} s".format(*row))
    for name, fit in peers().items():
        results = [timed(fit, *fold) for fold in official_folds(ratings)]
        error, seconds = np.mean(results, axis=0)
        ratio = seconds / np.mean(rows, axis=0)[-1]
        print(
            f"  {name}: {error:.4f}, u1 {results[0][0]:.4f}, {seconds:.2f} s, {ratio:.1f} x Palate"
        )


def coverage(model: palate.Model, valid: palate.Ratings) -> list[float]:
    profiles = model.profiles()
    expected = model.learned.likelihood.mu + profiles.posteriors.scores(valid.user, valid.item)
    z = np.abs(valid.rating - expected) / profiles.posteriors.rating_sd(valid.user, valid.item)
    return [float(np.mean(z < quantile)) for quantile in (1.6449, 0.6745)]


def book_splits(ratings: palate.Ratings) -> None:
    print("\nThe demo's random splits, seeds 0 to 4: mean squared error of Gibbs and of the book's")
    print("recipe, and their ratio")
    ratios = []
    for seed in range(5):
        train, valid = palate.splits.random(ratings, seed=seed)
        losses = [s(seed=seed).fit(train).loss(valid) for s in (palate.Gibbs, palate.OneCycle)]
        ratios.append(losses[0] / losses[1])
        print(f"  {losses[0]:.4f}   {losses[1]:.4f}   {ratios[-1]:.3f}")
    print(f"  mean ratio {np.mean(ratios):.3f}")


def users_not_in_the_fit(ratings: palate.Ratings) -> None:
    """Leave a fifth of the users out of the fit, and infer them from half of their ratings."""
    print("\nA fifth of the users left out of the fit and inferred from half of their ratings, and")
    print("a refit that includes that half: RMSE of each on the other half")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        left_out = rng.permutation(ratings.users.height)[: ratings.users.height // 5]
        is_new = np.isin(ratings.user, left_out)
        is_held_out = is_new & (rng.random(len(ratings)) < 0.5)
        known, valid = ratings.take(is_new & ~is_held_out), ratings.take(is_held_out)
        model = palate.Gibbs(seed=seed).fit(ratings.take(~is_new))
        scores = model.profiles(known).posteriors.scores(valid.user, valid.item)
        error = model.learned.likelihood.rating(scores) - valid.rating
        refit = palate.Gibbs(seed=seed).fit(ratings.take(~is_held_out)).loss(valid)
        print(f"  {np.sqrt(np.mean(error**2)):.4f}   {np.sqrt(refit):.4f}")


def peers() -> dict[str, Callable[[palate.Ratings, palate.Ratings], float]]:
    installed: dict[str, Callable[[palate.Ratings, palate.Ratings], float]] = {}
    if importlib.util.find_spec("myfm"):
        installed["myFM, rank 10, 300 sweeps"] = my_fm
    if importlib.util.find_spec("surprise"):
        installed["Surprise SVD"] = surprise_svd
    return installed


def timed(fit: Callable[..., float], train: palate.Ratings, valid: palate.Ratings) -> list[float]:
    start = time.perf_counter()
    error = fit(train, valid)
    return [error, time.perf_counter() - start]


def my_fm(train: palate.Ratings, valid: palate.Ratings) -> float:
    import myfm
    from scipy import sparse

    def design(part: palate.Ratings) -> sparse.csr_matrix:
        first_item = part.users.height
        column = np.c_[part.user, part.item + first_item].ravel()
        row = np.repeat(np.arange(len(part)), 2)
        shape = (len(part), first_item + part.items.height)
        return sparse.csr_matrix((np.ones(len(column)), (row, column)), shape=shape)

    users, items = train.users.height, train.items.height
    model = myfm.MyFMRegressor(rank=10, random_seed=0)
    groups = [users, items]
    model.fit(design(train), train.rating, n_iter=300, n_kept_samples=250, group_shapes=groups)
    predicted = np.clip(model.predict(design(valid)), train.rating.min(), train.rating.max())
    return float(np.sqrt(np.mean((predicted - valid.rating) ** 2)))


def surprise_svd(train: palate.Ratings, valid: palate.Ratings) -> float:
    import surprise

    reader = surprise.Reader(rating_scale=(1, 5))
    table = train.frame().to_pandas()[["user", "item", "rating"]]
    data = surprise.Dataset.load_from_df(table, reader).build_full_trainset()
    model = surprise.SVD(random_state=0).fit(data)
    pairs = valid.frame().select("user", "item", "rating").iter_rows()
    return surprise.accuracy.rmse(model.test(list(pairs)), verbose=False)


def settings(ratings: palate.Ratings) -> None:
    default = palate.Gibbs()
    print("\nMean RMSE over the official folds and mean seconds, with changes of the settings")
    print(f"{default}")
    changes = [{}, {"factors": default.factors * 3 // 2}, {"factors": default.factors // 2}]
    changes += [{"sweeps": default.sweeps * 2}, {"sweeps": default.sweeps * 2 // 3}]
    changes += [{"burn_in": default.burn_in * 2}, {"burn_in": default.burn_in // 2}, {"seed": 1}]
    for change in changes:
        rows = []
        for train, valid in official_folds(ratings):
            start = time.perf_counter()
            model = palate.Gibbs(**change).fit(train)
            rows.append([np.sqrt(model.loss(valid)), time.perf_counter() - start])
        error, seconds = np.mean(rows, axis=0)
        print(f"  {change!s:20} {error:.4f}   {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    arguments = parse_arguments(__doc__, settings="measure other settings")
    print(surroundings("numpy", "myfm", "scikit-surprise"))
    movielens = palate.movielens("100k")
    if arguments.settings:
        settings(movielens)
    else:
        folds(movielens)
        book_splits(movielens)
        users_not_in_the_fit(movielens)
