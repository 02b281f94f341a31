"""Lists of unseen items: nDCG and recall of Palate and of its peers, on five tables.

    python benchmarks/lists.py                              all tables that can be had
    python benchmarks/lists.py folds steam --data FOLDER    some of them
    python benchmarks/lists.py --peers                      also peers: pip install implicit scipy
    python benchmarks/lists.py --outside                    people outside the fit, who are inferred
    python benchmarks/lists.py --speed --data FOLDER        seconds and memory instead

folds, random, last and last-liked are MovieLens 100k. The other tables are read from the FOLDER; a
table that is missing is skipped.

ml-1m     ml-1m-ratings.parquet (columns user, item, rating), else palate.movielens("1m")
gowalla   gowalla/train.txt and gowalla/test.txt: data/gowalla of LightGCN-PyTorch
          (github.com/gusye1234/LightGCN-PyTorch); or
          gowalla-train.parquet and gowalla-test.parquet (columns user, item)
anime     anime/anime_ratings.dat.gz, and
steam     steam/game_purchase.dat.gz: from anime.zip and steam.zip in "Processed Datasets" of
          github.com/caserec/Datasets-for-Recommender-Systems

All unseen items with a training event are ranked for each user with a relevant held-out item.
A user without a training event gets the most popular items from each system; "known" is the nDCG of
the other users. Nothing is chosen by held-out data: Palate has no settings, and each peer takes the
setting that is best at a random fifth of each training history, then learns from all of it. Seconds
are those of a fit, and those of the choice of its setting (tuning), which is a part of the fit in
Palate.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _common import surroundings
from _list_outside import outside
from _list_peers import Lists, Peer, installed_peers, ndcg_and_recall, tuned
from _list_speed import speed
from _list_tables import TABLES, NotThereError, Table

import palate
from palate._threads import thread_count
from palate.evaluation._baselines import Popularity

# nDCG, its mean over known users, recall; seconds to fit and to tune; the setting.
Row = tuple[float, float, float, float, float, str]


def palate_lists(train: palate.Ratings, n: int) -> tuple[dict[str, Lists], float, str]:
    """Return lists by each question that the table can answer, the seconds to fit, the settings."""
    start = time.perf_counter()
    model = palate.fit(train)
    seconds = time.perf_counter() - start
    questions = ("both", "choice", "rating") if train.kind == "ratings" else ("choice",)
    people, eligible = model.profiles(), np.bincount(train.item, minlength=train.items.height) > 0
    lists = {by: people.top_items(n, eligible=eligible, by=by) for by in questions}
    choice = model.learned.choice
    chosen = {**choice.settings, "rating_power": choice.rating_power}
    return lists, seconds, " ".join(f"{name} {value:.3g}" for name, value in chosen.items())


def palate_rows(table: Table) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for train, test in table.splits:
        lists, seconds, setting = palate_lists(train, table.n)
        for by, top in lists.items():
            row = (*figures(top, train, test, table), seconds, 0.0, setting)
            rows.setdefault(f"Palate, by {by}", []).append(row)
    return rows


def popularity_rows(table: Table) -> list[Row]:
    rows: list[Row] = []
    for train, test in table.splits:
        start = time.perf_counter()
        fitted = Popularity.of(train)
        seconds = time.perf_counter() - start
        top = fitted.top_items(train, fitted.counts > 0, table.n, thread_count(None))
        rows.append((*figures(top, train, test, table), seconds, 0.0, ""))
    return rows


def peer_rows(peer: Peer, table: Table) -> list[Row]:
    rows: list[Row] = []
    for train, test in table.splits:
        result = tuned(peer, train, table)
        seconds = result.fit_seconds, result.tuning_seconds
        rows.append((*figures(result.lists, train, test, table), *seconds, result.setting))
    return rows


def figures(
    top: Lists, train: palate.Ratings, test: palate.Ratings, table: Table
) -> tuple[float, float, float]:
    """Return the nDCG, that of users with a training event, and the recall."""
    ndcg, recall = ndcg_and_recall(top, test, table)
    known = test.take(np.isin(test.user, train.user))
    return ndcg, ndcg_and_recall(top, known, table)[0], recall


def without_history(table: Table) -> str:
    """Return how many of the users judged in all splits have no training event."""
    judged = new = 0
    for train, test in table.splits:
        users = np.unique(test.user[test.rating >= table.relevant])
        judged += len(users)
        new += int(np.sum(~np.isin(users, train.user)))
    return f"{new:,} of {judged:,}"


def measure(table: Table, peers: dict[str, Peer]) -> None:
    train = table.splits[0][0]
    users, items = train.users.height, train.items.height
    print(f"\n{table.title}")
    print(f"{len(train):,} training events of {users:,} users and {items:,} items")
    print(f"{without_history(table)} of the users judged have no training event")
    print(f"  {'':28} nDCG@{table.n}   known  recall@{table.n}       fit     tuning    setting")
    for name, rows in palate_rows(table).items():
        show(name, rows)
    show("popularity", popularity_rows(table))
    for name, peer in peers.items():
        if items > peer.most_items:
            print(f"  {name:28} skipped: more than {peer.most_items:,} items")
        else:
            show(name, peer_rows(peer, table))


def show(name: str, rows: list[Row]) -> None:
    """Print the means over the splits, and the settings chosen in them."""
    ndcg, known, recall, fit, tuning = np.mean([row[:5] for row in rows], axis=0)
    settings = "; ".join(dict.fromkeys(row[5] for row in rows))
    lists = f"{ndcg:7.4f} {known:7.4f} {recall:10.4f}"
    print(f"  {name:28} {lists} {fit:9.2f} s {tuning:8.2f} s    {settings}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", metavar="table", help=", ".join(TABLES))
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where the tables are")
    parser.add_argument("--peers", action="store_true", help="also measure peers")
    parser.add_argument("--outside", action="store_true", help="measure people outside the fit")
    parser.add_argument("--speed", action="store_true", help="measure seconds and memory instead")
    given = parser.parse_args()
    if unknown := set(given.tables) - TABLES.keys():
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    return given


def main() -> None:
    given = arguments()
    print(surroundings("numpy", "scipy", "implicit"))
    if given.outside:
        print("\nMovieLens 100k, half of each person's ratings held out")
        outside(groups=20)
        outside(groups=5)
        return
    if given.speed:
        speed(given.data)
        return
    for name in given.tables or TABLES:
        try:
            table = TABLES[name](given.data)
        except NotThereError as error:
            print(f"\n{name} is skipped: {error}")
        else:
            measure(table, installed_peers() if given.peers else {})


if __name__ == "__main__":
    main()
