"""Loaders and vocabularies."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import CollabDataLoaders, get_emb_sz


def test_epoch_visits_every_row_once_in_a_new_order(dls):
    passes = []
    for _ in range(2):
        x, y = (torch.cat(parts) for parts in zip(*dls.train, strict=True))
        assert len(x) == len(dls.train) * 64 == 80_000
        passes.append(np.c_[x.numpy(), y.numpy()])
    ratings = dls.train.ratings
    expected = np.c_[ratings.user + 1, ratings.item + 1, ratings.rating]
    assert not np.array_equal(*passes)
    for rows in passes:
        np.testing.assert_array_equal(_sorted(rows), _sorted(expected))


def _sorted(rows):
    return rows[np.lexsort(rows.T)]


def test_only_training_drops_the_last_short_batch(small):
    dls = CollabDataLoaders.from_ratings(small, valid_pct=0.3, bs=3, seed=0)
    assert [len(y) for _, y in dls.train] == [3, 3]
    assert [len(y) for _, y in dls.valid] == [3]
    dls = CollabDataLoaders.from_ratings(small, valid_pct=0.4, bs=64, seed=0)
    assert [len(y) for _, y in dls.train] == [6]


def test_valid_rows_keep_their_order(dls):
    x, y = (torch.cat(parts) for parts in zip(*dls.valid, strict=True))
    assert torch.equal(x, dls.valid.x)
    np.testing.assert_array_equal(y[:, 0].numpy(), dls.valid.ratings.rating)


def test_one_batch_has_shapes_of_the_book(dls):
    x, y = dls.one_batch()
    assert (x.shape, x.dtype) == ((64, 2), torch.int64)
    assert (y.shape, y.dtype) == ((64, 1), torch.float32)


def test_from_df_keeps_duplicate_pairs(table):
    """Two films may share a title, and a user may have rated both."""
    dls = CollabDataLoaders.from_df(table, item_name="title", bs=64)
    assert len(dls.train.ratings) + len(dls.valid.ratings) == 100_000
    assert dls.sizes == (944, 1665)
    assert get_emb_sz(dls) == [(944, 74), (1665, 102)]
    pairs = [set(zip(p.ratings.user, p.ratings.item, strict=True)) for p in (dls.train, dls.valid)]
    assert len(pairs[0]) < 80_000


def test_pandas_and_polars_give_equal_loaders(table):
    one, other = (
        CollabDataLoaders.from_df(frame, item_name="title", seed=5)
        for frame in (table, pl.DataFrame(table.to_dict("list")))
    )
    assert torch.equal(one.train.x, other.train.x)
    assert list(one.classes["title"][:50]) == list(other.classes["title"][:50])


def test_split_depends_on_the_seed(ml100k):
    def valid(seed):
        return CollabDataLoaders.from_ratings(ml100k, seed=seed).valid.x

    assert torch.equal(valid(1), valid(1))
    assert not torch.equal(valid(1), valid(2))
    torch.manual_seed(7)
    one = valid(None)
    assert not torch.equal(one, valid(None))
    torch.manual_seed(7)
    assert torch.equal(one, valid(None))


def test_custom_split(ml100k, small):
    train, valid = palate.splits.official(ml100k, 1)
    dls = CollabDataLoaders.from_ratings(train, valid=valid)
    assert (dls.train.ratings, dls.valid.ratings) == (train, valid)
    with pytest.raises(palate.DataError, match=r"palate\.splits"):
        CollabDataLoaders.from_ratings(train, valid=small)


def test_vocabularies_map_in_both_directions(dls):
    users, titles = dls.classes["user"], dls.classes["title"]
    assert list(dls.classes) == ["user", "title"]
    assert (users[0], titles[0]) == ("#na#", "#na#")
    assert (users.o2i["#na#"], titles.o2i["#na#"]) == (0, 0)
    assert users[users.o2i[196]] == 196
    at = titles.o2i["Fargo (1996)"]
    assert titles[at] == titles[torch.tensor(at)] == "Fargo (1996)"
    assert titles.o2i[100] == at  # an id instead of a title
    assert titles[-1] == titles[len(titles) - 1]
    assert "Fargo (1996)" in titles.o2i
    assert "Fargo" not in titles.o2i
    assert len(titles.o2i) == 1683
    assert repr(users) == "['#na#', 1, 2, 3, 4, 5, 6, 7, 8, 9, ...] (944 in total)"
    with pytest.raises(IndexError):
        titles[1683]


def test_positions_match_rows_of_the_ratings(dls):
    item = dls.train.ratings.item[0]
    title = dls.train.ratings.items["item"][int(item)]
    assert dls.classes["title"][dls.train.x[0, 1]] == title


def test_unknown_and_ambiguous_names_raise(dls):
    titles = dls.classes["title"]
    with pytest.raises(palate.UnknownIdError, match="the nearest are 'Fargo"):
        titles.o2i["Fargo"]
    with pytest.raises(palate.UnknownIdError, match="is the title of 2 items"):
        titles.o2i["Chasing Amy (1997)"]


def test_ids_without_titles_keep_their_type():
    frame = pd.DataFrame({"userId": ["b", "a"], "movieId": [7, 9], "stars": [1, 2]})
    dls = CollabDataLoaders.from_df(frame, valid_pct=0)
    assert list(dls.classes["movieId"]) == ["#na#", 7, 9]
    assert list(dls.classes["userId"]) == ["#na#", "a", "b"]


def test_unrecognised_column_names_are_taken_in_order():
    frame = pd.DataFrame({"who": ["a", "b"], "what": ["x", "y"], "how_good": [1, 2]})
    dls = CollabDataLoaders.from_df(frame, valid_pct=0)
    assert dls.names == ("who", "what")
    assert dls.train.ratings.rating.tolist() in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("frame", "settings", "message"),
    [
        ({"user": [1], "item": [2]}, {}, "it must have three"),
        ({"user": [1], "item": [2], "rating": [3]}, {"item_name": "title"}, "no column 'title'"),
        ({"user": [1, 2], "item": [2, 3], "rating": [3, None]}, {}, "row 2, column 'rating'"),
        ({"user": [1, 2], "item": [2, 3], "rating": [3, 4]}, {"valid_pct": 1.5}, "valid_pct"),
        ({"user": [1, 2], "item": [2, 3], "rating": [3, 4]}, {"bs": 0}, "bs is 0"),
        ({"user": ["#na#", "b"], "item": [2, 3], "rating": [3, 4]}, {}, "reserved for missing"),
        ({"row": [0, 1], "user": [1, 2], "what": [2, 3], "stars": [3, 4]}, {}, "item_name="),
        ({"user": [1, 2], "item": [2, 3], "rating": [3, 4]}, {"seed": -1}, "seed"),
    ],
)
def test_invalid_tables_and_settings(frame, settings, message):
    with pytest.raises((palate.DataError, palate.SettingError), match=message):
        CollabDataLoaders.from_df(pd.DataFrame(frame), **settings)


def test_show_batch_shows_ids_and_titles(dls, capsys):
    dls.show_batch(3)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["user", "title", "rating"]
    assert len(lines) == 4


def test_title_takes_precedence_over_an_equal_id():
    frame = pl.DataFrame(
        {"user": [1, 1, 2], "item": [1, 2, 3], "rating": [3, 4, 5], "title": ["2", "1", "x"]}
    )
    dls = CollabDataLoaders.from_ratings(palate.read_ratings(frame), valid_pct=0)
    titles = dls.classes["title"]
    assert [titles.o2i[titles[at]] for at in range(4)] == [0, 1, 2, 3]
    assert titles.o2i[3] == 3


def test_no_training_ratings(small):
    with pytest.raises(palate.DataError, match="no ratings to train on"):
        CollabDataLoaders.from_ratings(small.take(np.zeros(0, dtype=np.int64)), valid=small)
