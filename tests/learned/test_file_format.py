"""Models on disk: loading restores them, and refuses anything else."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

import palate


@pytest.fixture
def little(small):
    return palate.OneCycle(factors=3, epochs=1).fit(small)


@pytest.fixture
def folder(little, tmp_path):
    little.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_is_the_same(model, tmp_path):
    model.save(tmp_path / "model")
    back = palate.load(tmp_path / "model")
    np.testing.assert_array_equal(back.learned.item_table, model.learned.item_table)
    np.testing.assert_array_equal(back.learned.user_table, model.learned.user_table)
    assert back.fit == model.fit
    assert back.learned.likelihood == model.learned.likelihood
    assert back.items.equals(model.items)
    assert back.biases().equals(model.biases())
    assert back.user(196).recommend().equals(model.user(196).recommend())
    assert back.ratings.frame().equals(model.ratings.frame())
    assert back.history.equals(model.history)


def test_settings_and_seed_are_written(folder):
    description = json.loads((folder / "palate.json").read_text())
    assert description["settings"]["seed"] == 0
    assert description["settings"]["y_range"] == [0.0, 5.5]
    assert description["palate"] == palate.__version__


def test_a_model_saved_without_users(little, tmp_path):
    little.save(tmp_path / "model", users=False)
    parts = {path.name.split(".")[0] for path in (tmp_path / "model").iterdir()}
    assert parts == {"palate", "arrays", "items"}
    back = palate.load(tmp_path / "model")
    assert "no users" in repr(back)
    assert back.similar("tea").equals(little.similar("tea"))
    for call in (lambda: back.user("ann"), lambda: back.predict(["ann"], ["tea"])):
        with pytest.raises(palate.UnknownIdError, match="saved without its users"):
            call()
    back.save(tmp_path / "again")
    assert palate.load(tmp_path / "again").users is None


def test_saving_over_a_model_leaves_only_the_new_one(little, small, folder):
    palate.OneCycle(factors=2).fit(small).save(folder)
    assert palate.load(folder).factors == 2
    assert len(list(folder.iterdir())) == 5


def refused(path, message):
    with pytest.raises(palate.ModelFileError, match=message) as caught:
        palate.load(path)
    assert "\n" not in str(caught.value)


def part(folder, name):
    return next(folder.glob(f"{name}.*"))


def edit(folder, **changes):
    file = folder / "palate.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_folders_without_a_model_are_refused(tmp_path):
    refused(tmp_path / "none", "there is no model in .*none: it has no palate.json")
    refused(tmp_path, "there is no model in")
    for text in ("{", "[]", "{}", '{"format": "x"}'):
        (tmp_path / "palate.json").write_text(text)
        refused(tmp_path, "can't be read|was not written by Palate")
    (tmp_path / "palate.json").write_text('{"format": 8}')
    refused(tmp_path, "does not describe a model: KeyError 'files'")


@pytest.mark.parametrize("name", ["arrays", "items", "users", "ratings"])
def test_a_truncated_edited_or_missing_file(folder, name):
    file = part(folder, name)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    refused(folder, f"{name}.*is damaged or was changed")
    file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    refused(folder, f"{name}.*is damaged or was changed")
    file.unlink()
    refused(folder, f"{name}.*is missing or can't be read")
    file.write_bytes(data)
    palate.load(folder)


def test_an_older_and_a_newer_format(folder):
    edit(folder, format=1)
    refused(folder, "has format 1, from before Palate's first release; fit the model again")
    edit(folder, format=99, palate="9.0")
    refused(folder, r"has format 99, from Palate 9.0; this is Palate .* Upgrade Palate")


def test_a_file_outside_the_folder_is_never_read(folder, tmp_path):
    part(folder, "items").rename(tmp_path / part(folder, "items").name)
    files = json.loads((folder / "palate.json").read_text())["files"]
    files["items"]["name"] = f"../{files['items']['name']}"
    edit(folder, files=files)
    refused(folder, "names a file that is not part of a model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a["item_table"].fill(np.nan), "item_table holds values that are not finite"),
        (lambda a: a.update(item_table=a["item_table"][1:].copy()), "item_table should be of"),
        (lambda a: a.update(user_table=a["user_table"][:, 1:].copy()), "user_table should be of"),
        (lambda a: a.pop("user_table"), "user_table should be of"),
        (lambda a: a.update(item_table=a["item_table"].ravel()), "item_table should be of"),
        (lambda a: a.update(item_table=a["item_table"].astype("f8")), "should be of float32"),
        (lambda a: a.update(item_means=a["item_means"][1:].copy()), "item_means should be of"),
        (lambda a: a["item_counts"].fill(-1), "item_counts holds"),
        (lambda a: a.pop("item_counts"), "item_counts should be of int64"),
        (lambda a: a["item_table"].fill(1e25), "item_table holds values that are not finite"),
        (lambda a: a.update(prior_covariance=-a["prior_covariance"]), "is not a covariance matrix"),
        (lambda a: a["prior_covariance"].__setitem__((0, 1), 9.0), "is not a covariance matrix"),
        (lambda a: a.pop("prior_coefficients"), "prior_coefficients should be of float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(folder, change, message):
    """Damage that came with a checksum of its own."""
    arrays = load_file(part(folder, "arrays"))
    change(arrays)
    forge(folder, "arrays", lambda file: save_file(arrays, file))
    refused(folder, message)


def forge(folder, name, write):
    """Change a part of the model and put its checksum right."""
    file = part(folder, name)
    write(file)
    files = json.loads((folder / "palate.json").read_text())["files"]
    files[name]["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    edit(folder, files=files)


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("items", {"id": [1, 2, 3, 4]}, "the items have no ids or names"),
        ("users", {"name": list("abcde")}, "the users have no ids"),
        (
            "ratings",
            {"user": [9], "item": [0], "rating": [1.0]},
            "to a user that does not exist",
        ),
        (
            "ratings",
            {"user": [-1], "item": [0], "rating": [1.0]},
            "to a user that does not exist",
        ),
        (
            "ratings",
            {"user": [0], "item": [None], "rating": [1.0]},
            "column item of the ratings does not",
        ),
        (
            "ratings",
            {"user": [0], "item": [0], "rating": [np.nan]},
            "column rating of the ratings does not hold finite",
        ),
        ("ratings", {"user": [0]}, "does not describe a model: ColumnNotFoundError"),
    ],
)
def test_tables_that_do_not_fit_are_refused(folder, name, table, message):
    types = {"user": pl.Int32, "item": pl.Int32, "rating": pl.Float32}
    overrides = {key: types[key] for key in table if key in types}
    forge(folder, name, pl.DataFrame(table, schema_overrides=overrides).write_parquet)
    refused(folder, message)


def likelihood(**changes):
    valid = {"name": "sigmoid", "low": 0.0, "high": 5.5, "noise_sd": 1.0}
    return {"likelihood": valid | changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": None}, "does not describe a model: AttributeError"),
        (likelihood(low=5, high=1), "the range 5 to 1 is empty"),
        (likelihood(high=float("nan")), "there is no likelihood"),
        (likelihood(name="identity"), "there is no likelihood identity with"),
        (likelihood(high="a"), "does not describe a model: Type"),
        (likelihood(mu=3.0), "does not describe a model: TypeError"),
        ({"history": 5}, "does not describe a model: TypeError history should be a list"),
        (likelihood(low=True), "there is no likelihood sigmoid with"),
        (likelihood(high=1e300), "there is no likelihood sigmoid with"),
        (likelihood(noise_sd=1e-300), "noise_sd is 1e-300"),
        (likelihood(noise_sd=-1.0), "noise_sd is -1.0"),
        (likelihood(noise_sd="1"), "does not describe a model: TypeError"),
        ({"format": True}, "was not written by Palate"),
        ({"format": -1}, "was not written by Palate"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(folder, changes, message):
    edit(folder, **changes)
    refused(folder, message)


def test_a_folder_with_other_files_is_not_written_to(little, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(palate.ModelFileError, match="holds something other than a model"):
        little.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_path_that_cannot_be_written_is_refused(little, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "model", "nul\0byte"):
        with pytest.raises(palate.ModelFileError, match="can't be written to"):
            little.save(place)


# For n = 1, 2, ...: a process saves a model of two factors over the one of three in folder n, and
# dies by SIGKILL at its n-th change of the folder: a file opened, written, synced, renamed or
# deleted. The last process completes its save. (They are forked, because imports take a second.)
KILLED = """
    import os, pathlib, signal, sys
    import palate
    palate.load, palate.OneCycle
    def save_and_die(folder, fatal):
        model = palate.load(folder)
        new = palate.OneCycle(factors=2, epochs=1).fit(model.ratings, threads=1)
        changes = 0
        def changed():
            nonlocal changes
            changes += 1
            if changes == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
        def deadly(function):
            def call(*args, **kwargs):
                result = function(*args, **kwargs)
                changed()
                return result
            return call
        os.fsync = deadly(os.fsync)
        for name in ("open", "replace", "unlink"):
            setattr(pathlib.Path, name, deadly(getattr(pathlib.Path, name)))
        changed()
        new.save(folder)
    for fatal, folder in enumerate(sys.argv[1:], start=1):
        process = os.fork()
        if process == 0:
            save_and_die(folder, fatal)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(status, flush=True)
        if status == 0:
            break
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process by SIGKILL: run it on Unix")
def test_a_save_that_is_killed_leaves_the_old_model_or_the_new(little, tmp_path):
    folders = [tmp_path / str(fatal) for fatal in range(1, 40)]
    for folder in folders:
        little.save(folder)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), *folders],
        capture_output=True,
        text=True,
        check=True,
    )
    *killed, last = map(int, done.stdout.split())
    assert set(killed) == {-signal.SIGKILL}, done.stderr
    assert last == 0
    factors = [palate.load(folder).factors for folder in folders[: len(killed) + 1]]
    for folder in folders[: len(killed)]:
        palate.load(folder).save(folder)  # which removes what the killed process left behind
        assert len(list(folder.iterdir())) == 5
    assert factors == sorted(factors, reverse=True)  # the old one until a moment, then the new
    assert factors.count(3) > 4
    assert factors.count(2) > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(item_covariance=-a["item_covariance"]), "not covariance matrices"),
        (lambda a: a.update(item_bias_sd=-a["item_bias_sd"]), "not covariance matrices"),
        (lambda a: a.pop("item_bias_sd"), "item_bias_sd should be of float32"),
        (
            lambda a: a.update(item_covariance=a["item_covariance"][:, :-1].copy()),
            "item_covariance should be of float32",
        ),
    ],
)
def test_covariances_that_do_not_fit_are_refused(bayes, tmp_path, change, message):
    bayes.save(tmp_path / "model")
    arrays = load_file(part(tmp_path / "model", "arrays"))
    change(arrays)
    forge(tmp_path / "model", "arrays", lambda file: save_file(arrays, file))
    refused(tmp_path / "model", message)


def test_files_are_on_the_disk_before_the_description_names_them(little, tmp_path, monkeypatch):
    """Write, sync and rename each array and table, sync the folder; only then palate.json."""
    events = []
    replace, fsync = os.replace, os.fsync

    def name_of(descriptor):
        return "folder" if pathlib.Path(f"/proc/self/fd/{descriptor}").is_dir() else "file"

    def recorded_fsync(descriptor):
        events.append(f"sync {name_of(descriptor)}")
        fsync(descriptor)

    def recorded_replace(self, target):
        events.append(f"rename {target.name.split('.')[0]}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(pathlib.Path, "replace", recorded_replace)
    little.save(tmp_path / "model")
    parts = [event.removeprefix("rename ") for event in events if event.startswith("rename")]
    assert parts[-1] == "palate"
    assert sorted(parts[:-1]) == ["arrays", "items", "ratings", "users"]
    for part in parts:
        at = events.index(f"rename {part}")
        assert events[at - 1] == "sync file"
        assert events[at + 1] == "sync folder"


SAVERS = """
    import sys
    import palate
    model = palate.load(sys.argv[1])
    sys.stdin.readline()
    for _ in range(30):
        model.save(sys.argv[2])
"""


def test_two_processes_that_save_at_once_leave_a_whole_model(small, tmp_path):
    """Neither deletes what the other has written; a reader in the meantime always finds one."""
    sources = [tmp_path / "two", tmp_path / "three"]
    for factors, source in zip((2, 3), sources, strict=True):
        palate.OneCycle(factors=factors, epochs=1).fit(small).save(source)
    target = tmp_path / "model"
    palate.load(sources[0]).save(target)
    code = textwrap.dedent(SAVERS)
    savers = [
        subprocess.Popen([sys.executable, "-c", code, source, target], stdin=subprocess.PIPE)
        for source in sources
    ]
    for saver in savers:
        saver.stdin.write(b"\n")
        saver.stdin.flush()
    loaded = []
    while any(saver.poll() is None for saver in savers):
        loaded.append(palate.load(target).factors)
    for saver in savers:
        saver.communicate()
    assert [saver.returncode for saver in savers] == [0, 0]
    assert set(loaded) <= {2, 3}
    assert palate.load(target).factors in {2, 3}
    assert len(list(target.iterdir())) == 5


@pytest.mark.parametrize("damage", ["truncated", "garbage"])
def test_a_loaded_model_outlives_its_files(little, folder, damage):
    """Files that are overwritten in place, as by cp, change nothing in a model that is loaded."""
    back = palate.load(folder)
    for file in folder.iterdir():
        with file.open("r+b") as opened:
            if damage == "truncated":
                opened.truncate(16)
            else:
                opened.write(b"\xff" * file.stat().st_size)
    assert back.user("ann").recommend(seen=True).equals(little.user("ann").recommend(seen=True))
    np.testing.assert_array_equal(back.learned.item_table, little.learned.item_table)


def test_damaged_parquet_under_a_matching_checksum_is_refused(folder):
    """Whatever polars makes of it: an error, or a panic, which is no Exception."""
    rng = np.random.default_rng(0)
    name = "ratings"
    original = part(folder, name).read_bytes()
    refusals = 0
    for _ in range(400):
        damaged = bytearray(original)
        for at in rng.integers(0, len(damaged), 3):
            damaged[at] = rng.integers(0, 256)
        forge(folder, name, lambda file, data=bytes(damaged): file.write_bytes(data))
        try:
            palate.load(folder)
        except palate.ModelFileError:
            refusals += 1
    assert refusals > 100


def test_a_panic_of_polars_is_a_model_file_error(folder, monkeypatch):
    def panic(data):
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(pl, "read_parquet", panic)
    refused(folder, "not a valid Parquet file: index out of bounds")


@pytest.mark.parametrize("name", ["items", "users"])
def test_ids_that_are_not_unique_are_refused(folder, name):
    table = pl.read_parquet(part(folder, name))
    twice = table.with_columns(id=pl.lit(table["id"][0]))
    forge(folder, name, twice.write_parquet)
    refused(folder, f"the ids of {name} are not unique")
    missing = table.with_columns(id=pl.lit(None, dtype=pl.String))
    forge(folder, name, missing.write_parquet)
    refused(folder, f"the ids of {name} are not unique")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda matrix: matrix.__setitem__((0, 1), 9 * np.sqrt(matrix[0, 0] * matrix[1, 1])),
        lambda matrix: matrix.__setitem__(
            ([0, 1], [1, 0]), 1.5 * np.sqrt(matrix[0, 0] * matrix[1, 1])
        ),
        lambda matrix: matrix.__setitem__((1, 1), 0),
    ],
    ids=["not symmetric", "not positive definite", "no variance"],
)
def test_the_whole_covariance_of_every_item_is_checked(bayes, tmp_path, spoil):
    """Also off the diagonal, also of the last item."""
    bayes.save(tmp_path / "model")
    arrays = load_file(part(tmp_path / "model", "arrays"))
    spoil(arrays["item_covariance"][-1].reshape(bayes.factors, bayes.factors))
    forge(tmp_path / "model", "arrays", lambda file: save_file(arrays, file))
    refused(tmp_path / "model", "the covariances of the items are not covariance matrices")
