"""How accurate the Bayesian solver is, how well its intervals hold, and what users cost.

    python benchmarks/accuracy.py             MovieLens 100k: official folds, and the book's splits
    python benchmarks/accuracy.py --settings  what more or fewer factors and sweeps would change

Peers where they are installed: pip install myfm scikit-surprise
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

import numpy as np
from _common import surroundings

import palate

Fold = tuple[palate.Ratings, palate.Ratings]


def official_folds(ratings: palate.Ratings) -> list[Fold]:
    return [palate.splits.official(ratings, fold) for fold in range(1, 6)]


def folds(ratings: palate.Ratings) -> None:
    print("\nOfficial folds u1 to u5: RMSE; of the mean of the draws; share of ratings in 90% and")
    print("50% intervals; seconds to fit, the model with its users included")
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
        found = [timed(fit, *fold) for fold in official_folds(ratings)]
        (error, seconds) = np.mean(found, axis=0)
        times = seconds / np.mean(rows, axis=0)[-1]
        print(f"  {name}: {error:.4f}, u1 {found[0][0]:.4f}, {seconds:.2f} s, {times:.1f} x ours")


def coverage(model: palate.Model, valid: palate.Ratings) -> list[float]:
    profiles = model.profiles()
    expected = model.learned.likelihood.mu + profiles.posteriors.scores(valid.user, valid.item)
    z = np.abs(valid.rating - expected) / profiles.posteriors.rating_sd(valid.user, valid.item)
    return [float(np.mean(z < quantile)) for quantile in (1.6449, 0.6745)]


def book_splits(ratings: palate.Ratings) -> None:
    print(
        "\nThe demo's random splits, seeds 0 to 4: mean squared error, and its share of the book's"
    )
    shares = []
    for seed in range(5):
        train, valid = palate.splits.random(ratings, seed=seed)
        losses = [s(seed=seed).fit(train).loss(valid) for s in (palate.Gibbs, palate.OneCycle)]
        shares.append(losses[0] / losses[1])
        print(f"  {losses[0]:.4f}   {losses[1]:.4f}   {shares[-1]:.3f}")
    print(f"  mean share {np.mean(shares):.3f}")


def users_left_out(ratings: palate.Ratings) -> None:
    """Hold a fifth of the users out of the fit; infer them from half of their ratings."""
    print("\nA fifth of the users held out of the fit, inferred from half of their ratings, and a")
    print("refit that saw that half: RMSE on the other half")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        theirs = rng.permutation(ratings.users.height)[: ratings.users.height // 5]
        stranger = np.isin(ratings.user, theirs)
        asked = stranger & (rng.random(len(ratings)) < 0.5)
        given, valid = ratings.take(stranger & ~asked), ratings.take(asked)
        inferred = palate.Gibbs(seed=seed).fit(ratings.take(~stranger)).profiles(given)
        score = inferred.posteriors.scores(valid.user, valid.item)
        error = inferred.model.learned.likelihood.rating(score) - valid.rating
        refit = palate.Gibbs(seed=seed).fit(ratings.take(~asked)).loss(valid)
        print(f"  {np.sqrt(np.mean(error**2)):.4f}   {np.sqrt(refit):.4f}")


def peers() -> dict[str, Callable[[palate.Ratings, palate.Ratings], float]]:
    found: dict[str, Callable[[palate.Ratings, palate.Ratings], float]] = {}
    if importlib.util.find_spec("myfm"):
        found["myFM, rank 10, 300 sweeps"] = my_fm
    if importlib.util.find_spec("surprise"):
        found["Surprise SVD"] = surprise_svd
    return found


def timed(fit: Callable[..., float], train: palate.Ratings, valid: palate.Ratings) -> list[float]:
    start = time.perf_counter()
    error = fit(train, valid)
    return [error, time.perf_counter() - start]


def my_fm(train: palate.Ratings, valid: palate.Ratings) -> float:
    import myfm
    from scipy import sparse

    def design(part: palate.Ratings) -> sparse.csr_matrix:
        shift = part.users.height
        column = np.c_[part.user, part.item + shift].ravel()
        row = np.repeat(np.arange(len(part)), 2)
        shape = (len(part), shift + part.items.height)
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
    print("\nMean RMSE over the official folds and mean seconds, for other settings than")
    print(f"{palate.Gibbs()}")
    default = palate.Gibbs()
    tried = [{}, {"factors": default.factors * 3 // 2}, {"factors": default.factors // 2}]
    tried += [{"sweeps": default.sweeps * 2}, {"sweeps": default.sweeps * 2 // 3}]
    tried += [{"burn_in": default.burn_in * 2}, {"burn_in": default.burn_in // 2}, {"seed": 1}]
    for change in tried:
        rows = []
        for train, valid in official_folds(ratings):
            start = time.perf_counter()
            model = palate.Gibbs(**change).fit(train)
            rows.append([np.sqrt(model.loss(valid)), time.perf_counter() - start])
        error, seconds = np.mean(rows, axis=0)
        print(f"  {change!s:20} {error:.4f}   {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", action="store_true", help="other settings")
    print(surroundings("numpy", "myfm", "scikit-surprise"))
    movielens = palate.movielens("100k")
    if parser.parse_args().settings:
        settings(movielens)
    else:
        folds(movielens)
        book_splits(movielens)
        users_left_out(movielens)
