"""What fastai's own tests of its collab module ask for, asked of Palate."""

import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import (
    CollabDataLoaders,
    EmbeddingDotBias,
    EmbeddingNN,
    Learner,
    collab_learner,
    get_emb_sz,
    load_learner,
)

N_FACTORS = 6


@pytest.fixture(scope="module")
def table():
    """Return 60 ratings in half points, in columns named as in MovieLens's newer files."""
    rows = [(user, item, 0.5 + (user * item) % 10 / 2) for user in range(6) for item in range(10)]
    return pd.DataFrame(rows, columns=["userId", "movieId", "rating"]).assign(timestamp=1)


@pytest.fixture(scope="module")
def loaders(table):
    return CollabDataLoaders.from_df(table, bs=16, seed=0, device="cpu")


@pytest.fixture
def named(loaders):
    return EmbeddingDotBias.from_classes(N_FACTORS, loaders.classes, y_range=(0, 5))


def in_range(model, x):
    out = model(x)
    return len(out) == len(x) and bool(((out >= 0) & (out <= 5)).all())


def test_from_df_finds_the_columns(loaders, capsys):
    assert list(loaders.classes) == ["userId", "movieId"]
    loaders.show_batch()
    assert capsys.readouterr().out.split()[:3] == ["userId", "movieId", "rating"]


def test_from_csv_gives_the_loaders_of_from_df(table, loaders, tmp_path):
    table.to_csv(tmp_path / "ratings.csv", index=False)
    read = CollabDataLoaders.from_csv(tmp_path / "ratings.csv", bs=16, seed=0, device="cpu")
    assert read.bs == 16
    assert torch.equal(read.train.x, loaders.train.x)
    assert torch.equal(read.train.y, loaders.train.y)


def test_dot_product_from_sizes(loaders):
    n_users, n_items = loaders.sizes
    model = EmbeddingDotBias(N_FACTORS, n_users, n_items, y_range=(0, 5))
    assert model.u_weight.weight.shape == (n_users, N_FACTORS)
    assert model.i_weight.weight.shape == (n_items, N_FACTORS)
    assert in_range(model, loaders.one_batch()[0])


def test_dot_product_is_unbounded_by_default(loaders):
    model = EmbeddingDotBias(N_FACTORS, *loaders.sizes)
    with torch.no_grad():
        model.i_bias.weight.fill_(100)
    assert model(loaders.one_batch()[0]).min() > 50


def test_dot_product_from_classes(loaders, named):
    assert named.u_weight.weight.shape == (7, N_FACTORS)
    assert named.i_weight.weight.shape == (11, N_FACTORS)
    assert in_range(named, loaders.one_batch()[0])
    swapped = EmbeddingDotBias.from_classes(2, loaders.classes, user="movieId", item="userId")
    assert len(swapped.u_bias.weight) == 11


def test_classes_are_a_dictionary_of_vocabularies(loaders):
    assert {name: list(names[:3]) for name, names in loaders.classes.items()} == {
        "userId": ["#na#", 0, 1],
        "movieId": ["#na#", 0, 1],
    }


def test_weight_by_name(loaders, named):
    items = [loaders.classes["movieId"][at] for at in (4, 2)]
    assert torch.equal(named.weight(items), named.i_weight(torch.tensor([4, 2])))
    users = [loaders.classes["userId"][3]]
    assert torch.equal(named.weight(users, is_item=False), named.u_weight(torch.tensor([3])))


def test_bias_by_name(loaders, named):
    items = [loaders.classes["movieId"][at] for at in (4, 2)]
    assert torch.equal(named.bias(items), named.i_bias(torch.tensor([4, 2])).squeeze())
    users = [loaders.classes["userId"][3]]
    assert torch.equal(named.bias(users, is_item=False), named.u_bias.weight[3])
    assert not named.bias(items).requires_grad


def test_network(loaders):
    sizes = get_emb_sz(loaders, {})
    assert sizes == get_emb_sz(loaders)
    assert get_emb_sz(loaders, {"movieId": 3}) == [sizes[0], (11, 3)]
    model = EmbeddingNN(sizes, [5], y_range=(0, 5))
    assert in_range(model, loaders.one_batch()[0])


@pytest.mark.parametrize("settings", [{}, {"y_range": (0, 5.5)}, {"use_nn": True}])
def test_collab_learner_trains(loaders, settings):
    learn = collab_learner(loaders, N_FACTORS, lr=0.05, progress=False, **settings)
    assert learn.model.y_range == settings.get("y_range")
    before = learn.validate()[0]
    learn.fit_one_cycle(1)
    assert learn.history[-1]["valid_loss"] < before


def test_network_of_collab_learner_has_a_hidden_layer_by_default(loaders):
    def widths(**settings):
        layers = collab_learner(loaders, use_nn=True, **settings).model.layers
        return [layer.out_features for layer in layers if isinstance(layer, torch.nn.Linear)]

    assert widths() == [50, 1]
    assert widths(n_factors=7) == [7, 1]
    assert widths(layers=[4, 3]) == [4, 3, 1]


def test_names_survive_export(loaders, named, tmp_path):
    Learner(loaders, named).export(tmp_path / "learner")
    loaded = load_learner(tmp_path / "learner").model
    assert torch.equal(loaded.bias([3, 5]), named.bias([3, 5]))


def test_refusals(loaders, named):
    with pytest.raises(palate.UnknownIdError):
        named.bias([99])
    with pytest.raises(palate.SettingError, match="pass a list"):
        named.weight("Fargo")
    with pytest.raises(palate.SettingError, match="from_classes"):
        EmbeddingDotBias(N_FACTORS, *loaders.sizes).bias([1])
    with pytest.raises(palate.SettingError, match="classes has no 'title'; it has userId"):
        EmbeddingDotBias.from_classes(2, loaders.classes, item="title")
    with pytest.raises(palate.SettingError, match="no column 'title'"):
        get_emb_sz(loaders, {"title": 3})
    with pytest.raises(palate.SettingError, match="width of movieId is 0"):
        get_emb_sz(loaders, {"movieId": 0})
