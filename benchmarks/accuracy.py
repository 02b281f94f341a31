"""The Bayesian solver: accuracy, coverage of its intervals, and accuracy for users not in the fit.

    python benchmarks/accuracy.py             MovieLens 100k: official folds and random splits
    python benchmarks/accuracy.py --settings  more or fewer factors and sweeps than the defaults
    python benchmarks/accuracy.py --movielens-1m ml-1m.zip
                                              MovieLens 1M, from GroupLens: random 90/10 splits

Peers, if installed: pip install myfm scikit-surprise
"""

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from _common import parse_arguments, surroundings

import palate
from palate.evaluation._baselines import DampedMeans

Fold = tuple[palate.Ratings, palate.Ratings]


def official_folds(ratings: palate.Ratings) -> list[Fold]:
    return [palate.splits.official(ratings, fold) for fold in range(1, 6)]


def folds(ratings: palate.Ratings) -> None:
    print("\nOfficial folds u1 to u5, and their mean: RMSE of the model, and of the mean of the")
    print("sampler's predictions; fraction of ratings in 90% and in 50% intervals, and in the 90%")
    print(
        "intervals of the third of users that is most, less and least predictable; seconds to fit"
    )
    for title, table in (
        ("Ratings alone", without_features(ratings)),
        ("Genres, years", without_users(ratings)),
        ("Genres, years; ages, genders, occupations", ratings),
    ):
        rows = []
        for train, valid in official_folds(table):
            start = time.perf_counter()
            model = palate.Gibbs().fit(train)
            seconds = time.perf_counter() - start
            sampler = palate.Gibbs().fit(train, valid).fit.history[-1]["valid_rmse"]
            rows.append([np.sqrt(model.loss(valid)), sampler, *coverage(model, valid), seconds])
        print(title)
        for row in (*rows, np.mean(rows, axis=0)):
            print(
                "  {:.4f}   {:.4f}   {:.3f}   {:.3f}   {:.3f} {:.3f} {:.3f}   {:.2f} s".format(*row)
            )
    for name, fit in peers().items():
        results = [timed(fit, *fold) for fold in official_folds(ratings)]
        error, seconds = np.mean(results, axis=0)
        ratio = seconds / np.mean(rows, axis=0)[-1]
        print(
            f"  {name}: {error:.4f}, u1 {results[0][0]:.4f}, {seconds:.2f} s, {ratio:.1f} x Palate"
        )


def without_features(ratings: palate.Ratings) -> palate.Ratings:
    return without_users(replace(ratings, items=ratings.items.select("id", "item")))


def without_users(ratings: palate.Ratings) -> palate.Ratings:
    return replace(ratings, users=ratings.users.select("id"))


def movielens_1m(path: str) -> None:
    """Split at random, 90% and 10%; timestamps are not used."""
    print("\nMovieLens 1M, random 90/10 splits, seeds 0 to 2, with all features: RMSE, fraction of")
    print("ratings in 90% and in 50% intervals, and by thirds of users; seconds to fit")
    ratings, rows = replace(palate.movielens("1m", path=path), timestamp=None), []
    for seed in range(3):
        train, valid = palate.splits.random(ratings, 0.1, seed=seed)
        start = time.perf_counter()
        model = palate.Gibbs(seed=seed).fit(train)
        seconds = time.perf_counter() - start
        rows.append([np.sqrt(model.loss(valid)), *coverage(model, valid), seconds])
        print("  {:.4f}   {:.3f}   {:.3f}   {:.3f} {:.3f} {:.3f}   {:.1f} s".format(*rows[-1]))
    print(f"  mean {np.mean(rows, axis=0)[0]:.4f}")


def few_ratings(ratings: palate.Ratings) -> None:
    """Keep ten ratings of each user, and predict 20,000 of the others."""
    print("\nTen ratings a user, without features, three draws of them: RMSE and coverage, and the")
    print("RMSE of damped means")
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(ratings))
        place = np.empty(len(ratings), dtype=int)
        by_user = order[np.argsort(ratings.user[order], kind="stable")]
        starts = np.searchsorted(ratings.user[by_user], ratings.user[by_user])
        place[by_user] = np.arange(len(ratings)) - starts
        table = without_features(ratings)
        train = table.take(np.flatnonzero(place < 10))
        valid = table.take(order[place[order] >= 10][:20_000])
        predicted = DampedMeans.of(train).predict(train, valid.user, valid.item)
        for sweeps in (None, 400):
            model = palate.Gibbs(sweeps=sweeps).fit(train)
            error = np.sqrt(model.loss(valid))
            figures = " ".join(f"{value:.3f}" for value in coverage(model, valid))
            print(f"  {len(model.fit.history)} sweeps   {error:.4f}   {figures}", end="   ")
        print(f"{np.sqrt(np.mean((predicted - valid.rating) ** 2)):.4f}")


def new_items(ratings: palate.Ratings) -> None:
    """Hold out a tenth of the items whole."""
    print("\nA tenth of the items held out whole: RMSE and coverage with genres and years, without")
    print("them, and the RMSE of the mean of all ratings")
    for seed in range(3):
        chosen = np.random.default_rng(seed).permutation(ratings.items.height)
        new = np.isin(ratings.item, chosen[: ratings.items.height // 10])
        for table in (ratings, without_features(ratings)):
            train, valid = table.take(~new), table.take(new)
            model = palate.Gibbs(seed=seed).fit(train)
            figures = " ".join(f"{value:.3f}" for value in coverage(model, valid)[:2])
            print(f"  {np.sqrt(model.loss(valid)):.4f}   {figures}", end="   ")
        print(f"{np.sqrt(np.mean((valid.rating - train.rating.mean()) ** 2)):.4f}")


def coverage(model: palate.Model, valid: palate.Ratings) -> list[float]:
    profiles = model.profiles()
    expected = model.learned.likelihood.mu + profiles.posteriors.scores(valid.user, valid.item)
    z = np.abs(valid.rating - expected) / profiles.posteriors.rating_sd(valid.user, valid.item)
    thirds = np.array_split(np.argsort(profiles.posteriors.variances[valid.user]), 3)
    of_all = [float(np.mean(z < quantile)) for quantile in (1.6449, 0.6745)]
    return of_all + [float(np.mean(z[third] < 1.6449)) for third in thirds]


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
        installed["myFM with who rated what and genres"] = partial(my_fm, everything=True)
    if importlib.util.find_spec("surprise"):
        installed["Surprise SVD"] = surprise_svd
    return installed


def timed(fit: Callable[..., float], train: palate.Ratings, valid: palate.Ratings) -> list[float]:
    start = time.perf_counter()
    error = fit(train, valid)
    return [error, time.perf_counter() - start]


def my_fm(train: palate.Ratings, valid: palate.Ratings, *, everything: bool = False) -> float:
    """Fit a factorisation machine to ids; or to who rated what, both ways, and genres as well."""
    import myfm
    from scipy import sparse

    users, items = train.users.height, train.items.height
    of_users, of_items = [sparse.identity(users)], [sparse.identity(items)]
    if everything:
        pairs = sparse.csr_matrix((np.ones(len(train)), (train.user, train.item)), (users, items))
        for blocks, side in ((of_users, pairs), (of_items, pairs.T)):
            counts = np.maximum(np.asarray(side.sum(axis=1)).ravel(), 1)
            blocks.append(sparse.diags(counts**-0.5) @ side)
        lists = train.items["genres"].str.split("|").to_list()
        names = sorted(set().union(*lists))
        of_items.append(sparse.csr_matrix([[name in genres for name in names] for genres in lists]))
    groups = [block.shape[1] for block in (*of_users, *of_items)]
    sides = [sparse.hstack(blocks).tocsr().astype(float) for blocks in (of_users, of_items)]

    def relations(part: palate.Ratings) -> list[myfm.RelationBlock]:
        return [
            myfm.RelationBlock(rows.astype(np.int64).tolist(), side)
            for rows, side in zip((part.user, part.item), sides, strict=True)
        ]

    model = myfm.MyFMRegressor(rank=10, random_seed=0)
    model.fit(
        None, train.rating, X_rel=relations(train), n_iter=300, n_kept_samples=250,
        group_shapes=groups,
    )  # fmt: skip
    predicted = np.clip(model.predict(None, relations(valid)), 1, 5)
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
    changes += [{"sweeps": 133}, {"sweeps": 200}, {"sweeps": 400}]
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
    arguments = parse_arguments(
        __doc__,
        {"movielens_1m": "measure MovieLens 1M: a folder or archive from GroupLens"},
        settings="measure other settings",
    )
    print(surroundings("numpy", "myfm", "scikit-surprise"))
    if arguments.movielens_1m:
        movielens_1m(arguments.movielens_1m)
        sys.exit()
    movielens = palate.movielens("100k")
    if arguments.settings:
        settings(movielens)
    else:
        folds(movielens)
        book_splits(movielens)
        users_not_in_the_fit(movielens)
        few_ratings(movielens)
        new_items(movielens)
