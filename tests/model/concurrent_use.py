"""Processes that save, update and forget in one folder at once, and others that read there.

    python tests/model/concurrent_use.py CHANGES

Of five processes that make a fifth of the changes each, two update a model, one forgets people of
it, and two save over each other's model in a second folder, while two others load the models and
recommend. At the end nothing is lost and nothing is left behind, or an exception says what.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

import palate

FOREVER = -1


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


def forget(folder, _, number):
    for n in range(number):
        palate.modify(folder / "changed", lambda model, n=n: model.forget(f"f{n}"))


def save(folder, name, number):
    model = palate.load(folder / f"source {name}")
    for n in range(number):
        # Each save has other files, and some have those of an earlier one.
        model.forget(f"f{n % 3}").save(folder / "saved")


def use(folder, _, number):
    """Load both models and recommend, until the file "done" is there."""
    uses = 0
    while uses != number and not (folder / "done").exists():
        for name in ("changed", "saved"):
            model = palate.load(folder / name)
            assert model.user("stays 3").recommend(2, seen=True).height == 2
        uses += 1
    print(uses)


ROLES = {role.__name__: role for role in (update, forget, save, use)}


def start(folder, role, name, number):
    command = [sys.executable, __file__, role.__name__, str(folder), name, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


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
    each = changes // 5
    prepare(folder, each)
    writers = [start(folder, forget, "", each)]
    writers += [start(folder, role, name, each) for role in (update, save) for name in "01"]
    readers = [start(folder, use, "", FOREVER) for _ in range(2)]
    for writer in writers:
        writer.communicate()
    (folder / "done").touch()
    uses = [int(reader.communicate()[0] or 0) for reader in readers]
    assert [process.returncode for process in writers + readers] == [0] * 7
    check(folder, each)
    return sum(uses)


def main(arguments):
    if arguments[0] in ROLES:
        role, folder, name, number = arguments
        ROLES[role](Path(folder), name, int(number))
        return
    changes = int(arguments[0])
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        uses = run(Path(folder), changes)
        seconds = time.perf_counter() - begin
    print(
        f"{changes} saves, updates and people forgotten, while each of the two models was loaded "
        f"and used {uses} times, in {seconds:.0f} s: nothing is lost, nothing is left behind"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
