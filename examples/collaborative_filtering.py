# %% [markdown]
# # Collaborative filtering, from a dot product to a neural network
#
# The way of the fastai book's chapter on collaborative filtering, with Palate: a table of ratings,
# factors and biases learned from it, what they mean, and a network in their place. Every name
# (`CollabDataLoaders`, `Module`, `Learner` ...) is the chapter's, so its own code runs here too.
#
# It needs PyTorch: `pip install 'palate[torch]'`.

# %%
import palate
from palate.torch import *

torch.manual_seed(42)

# %% [markdown]
# ## The ratings
#
# MovieLens 100k: 943 people, 1,682 films, 100,000 ratings of 1 to 5. It is a table, and any table
# with users, items and ratings would do.

# %%
movielens = palate.movielens("100k")
titles = movielens.items.select("id", "item", "genres", "year")
movielens.frame().join(titles, left_on="item", right_on="id").head()

# %% [markdown]
# What a person would think of a film can be guessed from a few numbers for each: how much of some
# quality the film has, and how much the person cares for it. Here are three, made up: funny,
# frightening, romantic.

# %%
alien = np.array([-0.7, 0.95, -0.8])
annie_hall = np.array([0.9, -0.9, 0.7])
somebody = np.array([0.3, 0.8, -0.4])

print(f"Alien {somebody @ alien:+.2f}, Annie Hall {somebody @ annie_hall:+.2f}")

# %% [markdown]
# Nobody has to make them up: they can be learned. A fifth of the rows is held back, to see how
# well.

# %%
dls = CollabDataLoaders.from_ratings(movielens, bs=64)
dls.show_batch()
n_users, n_movies = len(dls.classes["user"]), len(dls.classes["title"])
print(f"{n_users} users and {n_movies} films, #na# at position 0 counted")

# %% [markdown]
# A table of pandas or polars does as well: `CollabDataLoaders.from_df(table, item_name="title")`.

# %% [markdown]
# ## A dot product
#
# Looking a row up in a table is the same as a product with a vector that is one at its place and
# zero elsewhere. That is all that an embedding is.

# %%
factors = torch.randn(n_users, 5)
print(torch.allclose(one_hot(3, n_users).float() @ factors, factors[3]))


# %%
class Product(Module):
    """A rating is the product of what a person likes and what a film has."""

    def __init__(self, n_users, n_movies, n_factors):
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)

    def forward(self, x):
        user, movie = x.T
        return (self.user_factors(user) * self.movie_factors(movie)).sum(dim=1)


learn = Learner(dls, Product(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3)

# %% [markdown]
# Ratings lie between 1 and 5, so predictions should, too. A sigmoid can't quite reach its ends,
# hence 0 to 5.5.

# %%
learn = Learner(dls, DotProduct(n_users, n_movies, 50, y_range=(0, 5.5)))
learn.fit_one_cycle(5, 5e-3)

# %% [markdown]
# Now `train_loss` falls and falls while `valid_loss` turns round: it learns the rows by heart.
#
# ## Biases, and weight decay
#
# Some people rate higher than others, and some films are simply better liked: one number each says
# that. And weight decay keeps numbers small that the ratings don't insist on.

# %%
learn = Learner(dls, DotProductBias(n_users, n_movies, 50), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3, wd=0.1)

# %% [markdown]
# `DotProductBias` with `MSELossFlat` is trained by Palate's own kernel, to the same numbers as by
# PyTorch's autograd, which trains any other module (and this one with `native=False`).
#
# ## What a bias means
#
# A low bias is not a low mean rating: people dislike the film even where it is of a kind that they
# enjoy. A high one: they like it even where it is not.

# %%
movie_bias = learn.model.movie_bias.squeeze()
worst, best = movie_bias.argsort()[:5], movie_bias.argsort(descending=True)[:5]
print("Lowest: ", [dls.classes["title"][i] for i in worst])
print("Highest:", [dls.classes["title"][i] for i in best])

# %% [markdown]
# The factors have a meaning, too. Along the first principal component of those of the thousand
# most rated films, the films at the two ends are liked by different people.

# %%
positions = dls.train.x[:, 1]
counts = torch.bincount(positions, minlength=n_movies)
most_rated = counts.argsort(descending=True)[:1000]
rows = learn.model.movie_factors[most_rated].detach()
centred = rows - rows.mean(dim=0)
_, _, components = torch.linalg.svd(centred, full_matrices=False)
along = (centred @ components[0]).argsort()
print("One end:  ", [dls.classes["title"][most_rated[i]] for i in along[:5]])
print("The other:", [dls.classes["title"][most_rated[i]] for i in along[-5:]])

# %% [markdown]
# ## Distance
#
# Films that the same people like lie in the same direction.

# %%
movie_factors = learn.model.movie_factors
silence = dls.classes["title"].o2i["Silence of the Lambs, The (1991)"]
similarity = nn.CosineSimilarity(dim=1)(movie_factors, movie_factors[silence][None])
popular = torch.zeros(n_movies, dtype=torch.bool)
popular[most_rated[:500]] = True
nearest = similarity.masked_fill(~popular, -1).argsort(descending=True)[1:6]
print([dls.classes["title"][i] for i in nearest])

# %% [markdown]
# ## Into Palate
#
# A bilinear learner becomes a Palate model: recommendations for people whom it has never seen,
# reasons that sum exactly, maps, files without pickle.

# %%
model = learn.to_palate()
me = model.profile({"Fargo (1996)": 5, "Pulp Fiction (1994)": 5, "Titanic (1997)": 2})
print(me.recommend(5)["item"].to_list())
print(me.explain("Heat (1995)").sentence)
learn.export("learner.safetensors")

# %% [markdown]
# ## A module of your own
#
# Say that how often a film is rated tells something as well. The module is ours alone; nothing in
# Palate knows of it. Its method `tables()` says what a film's bias is in all, and so it too becomes
# a Palate model.


# %%
class WithPopularity(Module):
    """Factors, biases, and a weight for the logarithm of how often a film was rated."""

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
        of_movies = self.movie_bias.weight.squeeze(1) + term
        of_users = self.user_bias.weight.squeeze(1)
        return self.user_factors.weight, of_users, self.movie_factors.weight, of_movies

    def forward(self, x):
        user, movie = x.T
        p, of_users, q, of_movies = self.tables()
        score = (p[user] * q[movie]).sum(dim=1) + of_users[user] + of_movies[movie]
        return sigmoid_range(score, *self.y_range)


learn = Learner(dls, WithPopularity(n_users, n_movies, 50, counts))
learn.fit_one_cycle(5, 5e-3, wd=0.1)
print(f"weight of popularity: {learn.model.popularity_weight.item():+.3f}")
print(learn.to_palate().user(196).recommend(3)["item"].to_list())

# %% [markdown]
# ## A network
#
# In place of the product, the two rows side by side and a small network on top. The widths of the
# embeddings follow a rule of thumb.

# %%
sizes = get_emb_sz(dls)
print(sizes)
learn = Learner(dls, CollabNN(*sizes), loss_func=MSELossFlat())
learn.fit_one_cycle(5, 5e-3, wd=0.01)

# %% [markdown]
# A deeper one, in one line:

# %%
learn = collab_learner(dls, use_nn=True, y_range=(0, 5.5), layers=[100, 50])
learn.fit_one_cycle(5, 5e-3, wd=0.1)

# %% [markdown]
# It is no better than the product here, and nobody can read it. What needs no epochs, no learning
# rate and no weight decay predicts better than all of them:

# %%
bayes = palate.fit(dls.train.ratings)
print(f"Gibbs: {bayes.loss(dls.valid.ratings):.4f}")
