"""Processes that save, update and forget in one folder at once, and others that read there.

    python tests/model/concurrent_use.py CHANGES

Of five processes that make a fifth of the changes each, two update a model, one forgets people of
it, and two save over each other's model in a second folder, while two others load the models and
recommend. At the end nothing is lost and nothing is left behind, or an exception says what.
"""

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

import palate


def read(rows):
    table = pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row")
    return palate.read_ratings(table, kind="ratings")


def prepare(folder, each):
    """Save models of the people to forget, f0, f1 and so on, and of ten who stay."""
    people = [*(f"stays {n}" for n in range(10)), *(f"f{n}" for n in range(each))]
    rows = [(who, f"i{i}", 1.0 + (n * i) % 5) for n, who in enumerate(people) for i in range(4)]
    model = palate.fit(read(rows), palate.Gibbs(factors=2, sweeps=8, burn_in=4))
    for name in ("changed", "saved", "source 0", "source 1"):
        model.save(folder / name)


def update(folder, name, number):
    """Add new people one by one, each with two ratings."""
    for n in range(number):
        rows = [(f"new {name} {n}", item, 1.0 + (n + k) % 5) for k, item in enumerate(("i1", "i2"))]
        new = read(rows)
        palate.modify(folder / "changed", lambda model, new=new: model.update(new).model)


def forget(folder, number):
    for n in range(number):
        palate.modify(folder / "changed", lambda model, n=n: model.forget(f"f{n}"))


def save(folder, name, number):
    model = palate.load(folder / f"source {name}")
    for n in range(number):
        # Each save has other files, and some have those of an earlier one.
        model.forget(f"f{n % 3}").save(folder / "saved")


def use(folder, uses):
    """Load both models and recommend, until the file "done" is there."""
    while not (folder / "done").exists():
        for name in ("changed", "saved"):
            model = palate.load(folder / name)
            assert model.user("stays 3").recommend(2, seen=True).height == 2
        with uses.get_lock():
            uses.value += 1


def check(folder, each):
    """Check that all changes are in the model, and that no file is left over."""
    users = set(palate.load(folder / "changed").users["id"])
    new = {f"new {name} {n}" for name in "01" for n in range(each)}
    assert users == new | {f"stays {n}" for n in range(10)}
    ratings = palate.load(folder / "changed").ratings.frame()
    assert len(ratings) == 2 * len(new) + 40
    for name in ("changed", "saved"):
        description = json.loads((folder / name / "palate.json").read_text())
        files = {"palate.json", *(entry["name"] for entry in description["files"].values())}
        assert {path.name for path in (folder / name).iterdir()} == files


def run(folder, changes):
    """Do all at once; return how often the models were loaded and used."""
    each, context = changes // 5, multiprocessing.get_context("fork")
    uses = context.Value("q", 0)

    def start(role, *arguments):
        process = context.Process(target=role, args=(folder, *arguments))
        process.start()
        return process

    # What is imported is imported once; what has threads of its own is not used before a fork.
    for name in ("load", "modify", "Gibbs", "fit", "read_ratings"):
        getattr(palate, name)
    finish([start(prepare, each)])
    writers = [start(forget, each)]
    writers += [start(role, name, each) for role in (update, save) for name in "01"]
    readers = [start(use, uses) for _ in range(2)]
    finish(writers)
    (folder / "done").touch()
    finish(readers)
    check(folder, each)
    return uses.value


def finish(processes):
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


if __name__ == "__main__":
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as path:
        begin = time.perf_counter()
        used = run(Path(path), number)
        seconds = time.perf_counter() - begin
    print(
        f"{number} saves, updates and people forgotten, while each of the two models was loaded "
        f"and used {used} times, in {seconds:.0f} s: nothing is lost, nothing is left behind"
    )
