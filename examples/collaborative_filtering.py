# %% [markdown]
# # Collaborative filtering, from a dot product to a neural network
#
# This example follows the fastai book's chapter on collaborative filtering: it learns factors and
# biases from a table of ratings, interprets them, and then replaces them with a network. The names
# (`CollabDataLoaders`, `Module`, `Learner` ...) are the chapter's, so its code runs unchanged.
#
# It requires PyTorch: `pip install 'palate[torch]'`.

# %%
import inspect

import palate
from palate.torch import *

set_seed(42)
path = untar_data(URLs.ML_100k)

# %% [markdown]
# ## The ratings
#
# MovieLens 100k has 100,000 ratings from 1 to 5, by 943 users of 1,682 films, in GroupLens's files:
# `u.data` has the ratings, and `u.item` the titles. Any other table of users, items and ratings can
# take its place.

# %%
columns = ["user", "movie", "rating", "timestamp"]
ratings = pd.read_csv(path / "u.data", sep="\t", names=columns)
films = pd.read_csv(
    path / "u.item", sep="|", encoding="latin-1", usecols=[0, 1], names=["movie", "title"]
)
ratings = ratings.merge(films)
ratings.head()

# %% [markdown]
# Suppose that a few qualities describe every film. One number for each quality says how much of it
# a film has, and another how much a user likes it. The dot product of the two vectors then predicts
# how much this user likes this film. Here are invented values for three qualities: funny,
# frightening and romantic.

# %%
alien = np.array([-0.7, 0.95, -0.8])
annie_hall = np.array([0.9, -0.9, 0.7])
user = np.array([0.3, 0.8, -0.4])

print(f"Alien {user @ alien:+.2f}, Annie Hall {user @ annie_hall:+.2f}")

# %% [markdown]
# Such numbers, the factors, can be learned from the ratings. A fifth of the ratings is held out to
# measure how well this works.

# %%
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64)
dls.show_batch()
n_users, n_movies = len(dls.classes["user"]), len(dls.classes["title"])
print(f"{n_users} users and {n_movies} films, including #na# at position 0")

# %% [markdown]
# Ratings read by Palate work too, `CollabDataLoaders.from_ratings(palate.movielens("100k"))`; films
# with the same title are then kept apart.

# %% [markdown]
# ## A dot product
#
# An embedding is a table of factors. Looking up a row gives the same result as multiplying a
# one-hot vector by the table.

# %%
factors = torch.randn(n_users, 5)
print(torch.allclose(one_hot(3, n_users).float() @ factors, factors[3]))


# %%
class Product(Module):
    """The prediction is the dot product of a user's and a film's factors."""

    def __init__(self, n_users, n_movies, n_factors):
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)

    def forward(self, x):
        user, movie = x.T
        return (self.user_factors(user) * self.movie_factors(movie)).sum(dim=1)


learn = Learner(dls, Product(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3)

# %% [markdown]
# Ratings lie between 1 and 5, and a sigmoid keeps predictions in a range. Because a sigmoid never
# reaches the ends of its range, we use 0 to 5.5.

# %%
learn = Learner(dls, DotProduct(n_users, n_movies, 50, y_range=(0, 5.5)))
learn.fit_one_cycle(5, 5e-3)

# %% [markdown]
# The `train_loss` keeps falling while the `valid_loss` rises again: the model overfits.
#
# ## Biases, and weight decay
#
# Some users rate higher than others, and some films are better liked by everyone. A bias for each
# user and each film expresses this.

# %%
learn = Learner(dls, DotProductBias(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3)

# %% [markdown]
# The model fits the training ratings better still, and overfits more. Weight decay adds a penalty
# for large parameters: the larger a parameter, the more the ratings have to support it. This is the
# penalty for parameters of different sizes, with three strengths.

# %%
values = np.linspace(-2, 2, 101)
_, axes = plt.subplots(figsize=(6, 4))
for strength in (0.1, 0.5, 2):
    axes.plot(values, strength * values**2, label=f"wd={strength}")
axes.set(xlabel="parameter", ylabel="penalty")
axes.legend()
plt.show()

# %%
learn = Learner(dls, DotProductBias(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3, wd=0.1)

# %% [markdown]
# Palate trains `DotProductBias` with `MSELossFlat` in a native kernel, with the same result as
# PyTorch's autograd up to rounding. Autograd trains all other modules, and this one with
# `native=False`.
#
# ## Tables without embeddings
#
# A module's parameters are what its optimiser changes. A plain tensor is not among them; an
# `nn.Parameter` is, and so are the parameters of the modules inside.


# %%
class Parts(Module):
    def __init__(self):
        self.plain = torch.zeros(2)
        self.table = nn.Parameter(torch.zeros(2))
        self.layer = nn.Linear(2, 1, bias=False)


print(L(name for name, _ in Parts().named_parameters()))

# %% [markdown]
# The tables of `DotProductBias` are such parameters. Rows of a table are selected by indexing.

# %%
print(L(learn.model.named_parameters()).map(lambda named: (named[0], tuple(named[1].shape))))

# %% [markdown]
# ## Interpreting biases
#
# A bias is not a mean rating. Users dislike a film with a low bias even if it matches their taste,
# and like a film with a high bias even if it does not.

# %%
movie_bias = learn.model.movie_bias.squeeze()
worst, best = movie_bias.argsort()[:5], movie_bias.argsort(descending=True)[:5]
print("Lowest: ", [dls.classes["title"][i] for i in worst])
print("Highest:", [dls.classes["title"][i] for i in best])

# %% [markdown]
# Factors can be interpreted too. We compute principal components of the factors of the thousand
# most rated films, and draw the fifty most rated. The films at the two ends of a component appeal
# to different users.

# %%
counts = torch.bincount(dls.train.x[:, 1], minlength=n_movies)
n_ratings = ratings["title"].value_counts()
most_rated = tensor([dls.classes["title"].o2i[title] for title in n_ratings.index[:1000]])
first, _, third = learn.model.movie_factors[most_rated].cpu().detach().pca(3).T
plt.figure(figsize=(9, 9))
plt.scatter(first[:50], third[:50])
for film, x, y in zip(most_rated[:50], first, third, strict=False):
    plt.annotate(dls.classes["title"][film], (x, y), fontsize=8)
plt.show()
order = first.argsort()
print("One end:  ", [dls.classes["title"][most_rated[i]] for i in order[:5]])
print("Other end:", [dls.classes["title"][most_rated[i]] for i in order[-5:]])

# %% [markdown]
# ## A ready-made learner
#
# `collab_learner` makes the same model. Its tables have names of their own, and its methods `bias`
# and `weight` take titles.

# %%
learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
learn.fit_one_cycle(5, 5e-3, wd=0.1)
print(learn.model)
best = learn.model.i_bias.weight.squeeze().argsort(descending=True)[:5]
print([dls.classes["title"][i] for i in best])
print(learn.model.bias(["Star Wars (1977)", "Fargo (1996)"]))

# %% [markdown]
# ## Distance
#
# The factors of films that appeal to the same users point in similar directions.

# %%
movie_factors = learn.model.i_weight.weight
silence = dls.classes["title"].o2i["Silence of the Lambs, The (1991)"]
similarity = nn.CosineSimilarity(dim=1)(movie_factors, movie_factors[silence][None])
popular = torch.zeros(n_movies, dtype=torch.bool)
popular[most_rated[:500]] = True
nearest = similarity.masked_fill(~popular, -1).argsort(descending=True)[1:6]
print([dls.classes["title"][i] for i in nearest])

# %% [markdown]
# ## A Palate model
#
# A learner with a bilinear module can be converted to a Palate model. The model recommends to new
# users, explains its predictions with contributions that add up exactly, draws maps, and is saved
# without pickle.

# %%
model = learn.to_palate()
me = model.profile({"Fargo (1996)": 5, "Pulp Fiction (1994)": 5, "Titanic (1997)": 2})
print(me.recommend(5)["item"].to_list())
print(me.explain("Heat (1995)").sentence)
learn.export("learner.safetensors")

# %% [markdown]
# ## A custom module
#
# The number of a film's ratings may also predict how much users like it. The following module adds
# a term for it. Its method `tables()` returns the factors and the biases with this term included,
# so that it can be converted to a Palate model too.


# %%
class WithPopularity(Module):
    """Factors, biases, and a weight for the logarithm of a film's number of ratings."""

    def __init__(self, n_users, n_movies, n_factors, counts, y_range=(0, 5.5)):
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        self.user_bias, self.movie_bias = Embedding(n_users, 1), Embedding(n_movies, 1)
        self.popularity_weight = nn.Parameter(torch.zeros(1))
        popularity = torch.log1p(counts.float())
        self.register_buffer("popularity", popularity - popularity.mean())
        self.y_range = y_range

    def tables(self):
        term = self.popularity_weight * self.popularity
        movie_bias = self.movie_bias.weight.squeeze(1) + term
        user_bias = self.user_bias.weight.squeeze(1)
        return self.user_factors.weight, user_bias, self.movie_factors.weight, movie_bias

    def forward(self, x):
        user, movie = x.T
        p, user_bias, q, movie_bias = self.tables()
        score = (p[user] * q[movie]).sum(dim=1) + user_bias[user] + movie_bias[movie]
        return sigmoid_range(score, *self.y_range)


learn = Learner(dls, WithPopularity(n_users, n_movies, 50, counts))
learn.fit_one_cycle(5, 5e-3, wd=0.1)
print(f"weight of popularity: {learn.model.popularity_weight.item():+.3f}")
print(learn.to_palate().user(196).recommend(3)["item"].to_list())

# %% [markdown]
# ## A network
#
# A small network on the concatenated embeddings can replace the dot product. The widths of the
# embeddings follow fastai's rule of thumb.

# %%
sizes = get_emb_sz(dls)
print(sizes)
learn = Learner(dls, CollabNN(*sizes), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3, wd=0.01)

# %% [markdown]
# `collab_learner` creates deeper networks, of the class `EmbeddingNN`. (The book derives it from
# fastai's `TabularModel`; here it is a class of its own.)

# %%
learn = collab_learner(dls, use_nn=True, y_range=(0, 5.5), layers=[100, 50])
learn.fit_one_cycle(5, 5e-3, wd=0.1)

# %% [markdown]
# A module that passes its arguments on hides their names. `delegates` shows them again in the
# signature.


# %%
def wide(emb_szs, layers, y_range=None):
    return EmbeddingNN(emb_szs, layers, y_range)


@delegates(wide)
def wide_network(emb_szs, **kwargs):
    return wide(emb_szs, [200], **kwargs)


print(inspect.signature(wide_network))
print(wide_network(sizes, y_range=(0, 5.5)).layers)

# %% [markdown]
# On these ratings a network is no better than the dot product with biases, and it is harder to
# interpret. Palate's Gibbs sampler predicts better than all of them, without a choice of epochs,
# learning rate or weight decay:

# %%
bayes = palate.fit(dls.train.ratings)
print(f"Gibbs: {bayes.loss(dls.valid.ratings):.4f}")
