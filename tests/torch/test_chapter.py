"""The chapter's code runs unchanged and reproduces its table and its lists."""

import re
import textwrap

import pytest

pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

from palate.torch import _backends

HIGHEST = [
    "L.A. Confidential (1997)",
    "Titanic (1997)",
    "Silence of the Lambs, The (1991)",
    "Shawshank Redemption, The (1994)",
    "Star Wars (1977)",
]
# Listings of the chapter, unchanged.
TRAINING = """
model = DotProductBias(n_users, n_movies, 50)
learn = Learner(dls, model, loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3, wd=0.1)
"""
READING = """
movie_bias = learn.model.movie_bias.squeeze()
idxs = movie_bias.argsort()[:5]
[dls.classes['title'][i] for i in idxs]
idxs = movie_bias.argsort(descending=True)[:5]
[dls.classes['title'][i] for i in idxs]
"""
LOADING = {
    "from_ratings": """
dls = CollabDataLoaders.from_ratings(palate.movielens("100k"), bs=64)
""",
    "from_df": """
encoded = palate.movielens("100k")
frame = encoded.frame().join(encoded.items, left_on="item", right_on="id")
ratings = pd.DataFrame({
    "user": frame["user"], "movie": frame["item"], "rating": frame["rating"],
    "timestamp": frame["timestamp"], "title": frame["item_right"].to_list(),
})
dls = CollabDataLoaders.from_df(ratings, item_name='title', bs=64)
""",
}


@pytest.mark.parametrize("loading", LOADING.values(), ids=LOADING)
@pytest.mark.parametrize("native", [True, False], ids=["native", "autograd"])
def test_listings_reproduce_the_books_table_and_lists(loading, native, capsys):
    """The bounds hold for any seed, as in the test of the one-cycle solver."""
    _backends._announce_native.cache_clear()  # it is once in a process
    training = TRAINING if native else TRAINING.replace("wd=0.1", "wd=0.1, native=False")
    script = (
        "from palate.torch import *\nimport palate\ntorch.manual_seed(0)"
        + loading
        + "n_users, n_movies = len(dls.classes['user']), len(dls.classes['title'])"
        + training
        + re.sub(r"^\[.*\]$", r"print(\g<0>)", READING, flags=re.M)
        + "top = movie_bias.argsort(descending=True)[:15]\n"
        + "print([dls.classes['title'][i] for i in top])"
    )
    exec(script, {})
    printed = capsys.readouterr()
    *table, lowest, highest, top = printed.out.splitlines()
    assert table[0].split() == ["epoch", "train_loss", "valid_loss", "time"]
    assert [row.split()[0] for row in table[1:]] == ["0", "1", "2", "3", "4"]
    assert 0.79 < float(table[-1].split()[2]) < 0.845
    assert "Star Wars (1977)" in highest
    assert sum(title in top for title in HIGHEST) >= 4
    assert "Children of the Corn: The Gathering (1996)" in lowest or "Lawnmower Man 2" in lowest
    assert printed.err.count("native kernel") == native


def test_remaining_listings_run(table):
    """The modules that the chapter defines itself, then embeddings and distances."""
    from palate.torch import __all__ as names

    assert len(set(names)) == len(names)
    namespace = {"ratings": table}
    exec("from palate.torch import *", namespace)
    exec(textwrap.dedent(CHAPTER), namespace)
    assert namespace["nearest"] != "Silence of the Lambs, The (1991)"
    assert namespace["nearest"] in set(table["title"])


CHAPTER = """
torch.manual_seed(2)
dls = CollabDataLoaders.from_df(ratings, item_name='title', bs=64)
dls.show_batch()
n_users = len(dls.classes['user'])
n_movies = len(dls.classes['title'])
n_factors = 5
user_factors = torch.randn(n_users, n_factors)
one_hot_3 = one_hot(3, n_users).float()
assert torch.allclose(user_factors.t() @ one_hot_3, user_factors[3])

class Example:
    def __init__(self, a): self.a = a

class T(Module):
    def __init__(self): self.a = nn.Linear(1, 3, bias=False)
assert len(list(T().parameters())) == 1

x, y = dls.one_batch()
assert x.shape == (64, 2)

class MyDotProduct(Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        self.y_range = y_range

    def forward(self, x):
        users = self.user_factors(x[:, 0])
        movies = self.movie_factors(x[:, 1])
        return sigmoid_range((users * movies).sum(dim=1), *self.y_range)

learn = Learner(dls, MyDotProduct(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(1, 5e-3)

def create_params(size):
    return nn.Parameter(torch.zeros(*size).normal_(0, 0.01))

class MyDotProductBias(Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        self.user_factors = create_params([n_users, n_factors])
        self.user_bias = create_params([n_users])
        self.movie_factors = create_params([n_movies, n_factors])
        self.movie_bias = create_params([n_movies])
        self.y_range = y_range

    def forward(self, x):
        users = self.user_factors[x[:, 0]]
        movies = self.movie_factors[x[:, 1]]
        res = (users * movies).sum(dim=1)
        res += self.user_bias[x[:, 0]] + self.movie_bias[x[:, 1]]
        return sigmoid_range(res, *self.y_range)

learn = Learner(dls, MyDotProductBias(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(2, 5e-3, wd=0.1)
assert learn.to_palate().user(196).recommend(3).height == 3

g = ratings.groupby('title')['rating'].count()
top_movies = g.sort_values(ascending=False).index.values[:1000]
top_idxs = tensor([learn.dls.classes['title'].o2i[m] for m in top_movies])
movie_w = learn.model.movie_factors[top_idxs].cpu().detach()
assert movie_w.shape == (1000, 50)

learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
learn.fit_one_cycle(5, 5e-3, wd=0.1)
movie_bias = learn.model.i_bias.weight.squeeze()
movie_factors = learn.model.i_weight.weight
idx = dls.classes['title'].o2i['Silence of the Lambs, The (1991)']
distances = nn.CosineSimilarity(dim=1)(movie_factors, movie_factors[idx][None])
idx = distances.argsort(descending=True)[1]
nearest = dls.classes['title'][idx]
embs = get_emb_sz(dls)
assert embs == [(944, 74), (1665, 102)]
model = CollabNN(*embs)
"""
