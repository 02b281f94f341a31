"""Choice models on disk: all kinds are restored, and damaged ones are refused."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

import palate
from palate.solvers.choice import _search

ROWS = [(u, int(i)) for u in range(30) for i in np.random.default_rng(u).permutation(20)[:6]]
EVENTS = pl.DataFrame(ROWS, schema=["user", "item"], orient="row")
COUNTS = EVENTS.with_columns(count=1 + pl.col("item") * 3 % 11)
RATINGS = EVENTS.with_columns(rating=1 + (pl.col("item") * 3 + pl.col("user")) % 5)
TABLES = {"events": EVENTS, "counts": COUNTS, "ratings": RATINGS}


def fitted(kind, *, low_rank=False):
    ratings = palate.read_ratings(TABLES[kind], kind=kind)
    with pytest.MonkeyPatch.context() as patch:
        if low_rank:
            patch.setattr(_search, "_MAX_EXACT", 0)
        return palate.fit(
            ratings, palate.Gibbs(factors=2, sweeps=6, burn_in=2) if kind == "ratings" else None
        )


@pytest.fixture(scope="module", params=[False, True], ids=["dense", "low rank"])
def low_rank(request):
    return request.param


@pytest.fixture(scope="module")
def model(low_rank):
    return fitted("events", low_rank=low_rank)


@pytest.fixture
def folder(model, tmp_path):
    model.save(tmp_path / "model")
    return tmp_path / "model"


def same_choice(one, other):
    for name in ("popularity", "discount"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert type(one.weights) is type(other.weights)
    for ours, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert one.weighting == other.weighting
    assert one.rating_power == other.rating_power
    assert one.settings == other.settings
    assert one.chance == other.chance
    assert one.chance is not None


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("copies", [False, True])
def test_a_loaded_model_is_the_same(kind, low_rank, copies, tmp_path):
    model = fitted(kind, low_rank=low_rank)
    model.save(tmp_path / "model")
    (tmp_path / "copies").mkdir()
    options = {"private_copies": tmp_path / "copies"} if copies else {}
    back = palate.load(tmp_path / "model", **options)
    same_choice(back.learned.choice, model.learned.choice)
    assert back.ratings.kind == kind
    assert back.ratings.frame().equals(model.ratings.frame())
    assert back.fit == model.fit
    assert back.recommend(3).equals(model.recommend(3))
    assert back.user(3).recommend(3, explain=True).equals(model.user(3).recommend(3, explain=True))
    assert back.user(3).explain_choice(1).sentence == model.user(3).explain_choice(1).sentence
    assert len(list((tmp_path / "copies").iterdir())) == (2 if copies else 0)
    back.save(tmp_path / "again")
    assert palate.load(tmp_path / "again").recommend(3).equals(model.recommend(3))


@pytest.mark.parametrize("kind", TABLES)
def test_a_model_saved_without_users_serves_new_people(kind, low_rank, tmp_path):
    model = fitted(kind, low_rank=low_rank)
    model.save(tmp_path / "model", users=False)
    back = palate.load(tmp_path / "model")
    history = {1: 1 if kind == "events" else 3, 2: 1}
    assert back.profile(history).recommend(5).equals(model.profile(history).recommend(5))
    if kind != "ratings":
        assert back.profile([1, 2]).recommend(5).equals(model.profile([1, 2]).recommend(5))
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        back.user(1)


def test_arrays_of_private_copies_can_not_be_written_to(folder, tmp_path):
    (tmp_path / "copies").mkdir()
    choice = palate.load(folder, private_copies=tmp_path / "copies").learned.choice
    for array in (*choice.weights, choice.popularity, choice.discount):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def refused(folder, message):
    with pytest.raises(palate.ModelFileError, match=message) as caught:
        palate.load(folder)
    assert "\n" not in str(caught.value)


def edit(folder, change):
    file = folder / "palate.json"
    description = json.loads(file.read_text())
    change(description)
    file.write_text(json.dumps(description))


def forge(folder, change, name="choice"):
    """Change the arrays and put their checksum right."""
    file = next(folder.glob(f"{name}.*"))
    arrays = load_file(file)
    change(arrays)
    save_file(arrays, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    edit(folder, lambda description: description["files"][name].update(sha256=digest))


def put(name, value, at=0):
    """Return a change of one number of an array."""

    def change(arrays):
        arrays[name].flat[at] = value

    return change


def made(name, function):
    """Return a change of a whole array."""

    def change(arrays):
        arrays[name] = np.ascontiguousarray(function(arrays[name]))

    return change


BOTH = [
    put("popularity", np.nan),
    put("popularity", -1),
    put("discount", np.inf),
    made("popularity", np.zeros_like),
    made("popularity", lambda a: a[1:]),
    made("discount", lambda a: a[None, :]),
    made("discount", lambda a: a.astype(np.float64)),
    lambda arrays: arrays.pop("popularity"),
    lambda arrays: arrays.pop("discount"),
]
DENSE = [
    put("matrix", np.nan, 7),
    made("matrix", lambda a: a[1:]),
    made("matrix", lambda a: a.astype(np.float64)),
    made("matrix", lambda a: a.ravel()),
    lambda arrays: arrays.pop("matrix"),
]
LOW_RANK = [
    put("left", np.nan),
    put("values", np.inf),
    made("left", lambda a: a[:, 1:]),
    made("right", lambda a: a[1:]),
    made("left", lambda a: a.ravel()),
    made("values", lambda a: a[1:]),
    put("neighbours", -1),
    put("neighbours", 20, -1),
    made("neighbours", lambda a: a[::-1]),
    made("neighbours", lambda a: a.astype(np.int64)),
    put("starts", 1),
    put("starts", 1000, 5),
    put("starts", -3, 5),
    made("starts", lambda a: a[:-1]),
    made("starts", lambda a: a[:, None]),
    made("starts", lambda a: a.astype(np.int32)),
    lambda arrays: arrays.pop("neighbours"),
]


@pytest.mark.parametrize("number", range(len(BOTH) + max(len(DENSE), len(LOW_RANK))))
def test_damage_that_came_with_a_checksum_of_its_own_is_refused(folder, low_rank, number):
    changes = BOTH + (LOW_RANK if low_rank else DENSE)
    if number < len(changes):
        forge(folder, changes[number])
        refused(folder, "does not describe a model")


@pytest.mark.parametrize(
    "change",
    [
        lambda choice: choice["weighting"].update(kind="stars"),
        lambda choice: choice["weighting"].update(sd=0.0),
        lambda choice: choice["weighting"].update(mean=float("nan")),
        lambda choice: choice["weighting"].update(strength=-1.0),
        lambda choice: choice["weighting"].update(other=1.0),
        lambda choice: choice["weighting"].pop("sd"),
        lambda choice: choice.update(rating_power=-0.5),
        lambda choice: choice.update(rating_power="1"),
        lambda choice: choice.update(rating_power=None),
        lambda choice: choice.update(settings=3),
        lambda choice: choice.pop("weighting"),
        lambda choice: choice.pop("settings"),
        lambda choice: choice.pop("chance"),
        lambda choice: choice["chance"].update(slope=float("nan")),
        lambda choice: choice["chance"].update(slope=-1.0),
        lambda choice: choice["chance"].update(offset=0.0),
        lambda choice: choice["chance"].update(offset="high"),
        lambda choice: choice["chance"].pop("offset"),
    ],
)
def test_a_record_of_no_choice_model_is_refused(folder, change):
    edit(folder, lambda description: change(description["choice"]))
    refused(folder, "does not describe a model")


def test_parts_that_do_not_belong_together_are_refused(folder):
    for changes in ({"choice": None}, {"kind": "stars"}, {"kind": None}):
        before = (folder / "palate.json").read_bytes()
        edit(folder, lambda description, changes=changes: description.update(changes))
        refused(folder, "does not describe a model")
        (folder / "palate.json").write_bytes(before)
    edit(folder, lambda description: description["files"].pop("choice"))
    refused(folder, "neither")


def test_a_truncated_or_missing_file_is_refused(folder):
    file = next(folder.glob("choice.*"))
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    refused(folder, "choice.*is damaged or was changed")
    file.unlink()
    refused(folder, "choice.*is missing or can't be read")


def test_a_model_of_few_users_can_be_loaded(ml100k, tmp_path):
    """Its covariances are tiny, and symmetric up to rounding of the largest entries only."""
    few = palate.read_ratings(ml100k.frame().filter(pl.col("user") <= 100))
    palate.Gibbs(seed=0).fit(few).save(tmp_path / "model")
    assert palate.load(tmp_path / "model").ratings is not None
