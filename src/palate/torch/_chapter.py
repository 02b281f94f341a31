"""What else the chapter's code calls: its data, a seed and principal components."""

import random
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from palate import _arguments
from palate._files import replace_file
from palate.data._movielens import GENRES_100K, cache_folder, movielens
from palate.data._ratings import Ratings
from palate.errors import SettingError
from palate.torch._refusals import refuses_others

_DATA_FILE, _ITEM_FILE = "u.data", "u.item"
_MAX_NUMPY_SEED = (1 << 32) - 1


class _RefusesOthers(type):
    def __getattr__(cls, name: str) -> str:
        raise AttributeError(
            f"URLs.{name} is not in Palate, which has URLs.ML_100k; read other data with "
            "pd.read_csv, or with palate.movielens"
        )


class URLs(metaclass=_RefusesOthers):
    """The data sets of `untar_data`: ``URLs.ML_100k``."""

    ML_100k = "ml-100k"


@refuses_others
def untar_data(url: str) -> Path:
    """Return a folder with MovieLens 100k in GroupLens's files ``u.data`` and ``u.item``.

    They are written to the cache folder, from what `palate.movielens` downloads or finds there. Of
    the dates of release in ``u.item`` only the year is known; addresses are empty.

    Parameters
    ----------
    url
        ``URLs.ML_100k``.

    Raises
    ------
    SettingError
        If it is anything else.
    DownloadError
        If the data cannot be downloaded.
    """
    if url != URLs.ML_100k:
        raise SettingError(
            f"untar_data is for URLs.ML_100k, not {url!r}; read other data with pd.read_csv, or "
            "with palate.movielens"
        )
    folder = cache_folder() / "grouplens" / URLs.ML_100k
    if not all((folder / name).is_file() for name in (_DATA_FILE, _ITEM_FILE)):
        ratings = movielens("100k")
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / _DATA_FILE, _data_file(ratings))
        replace_file(folder / _ITEM_FILE, _item_file(ratings.items))
    return folder


def _data_file(ratings: Ratings) -> bytes:
    rows = ratings.frame().select("user", "item", pl.col("rating").cast(pl.Int64), "timestamp")
    return rows.write_csv(separator="\t", include_header=False).encode()


def _item_file(items: pl.DataFrame) -> bytes:
    genres = pl.col("genres").fill_null("").str.split("|")
    rows = items.select(
        pl.col("id").cast(pl.String),
        "item",
        pl.format("01-Jan-{}", "year").fill_null(""),
        pl.lit("").alias("video"),
        pl.lit("").alias("url"),
        *(genres.list.contains(genre).cast(pl.Int8).alias(genre) for genre in GENRES_100K),
    )
    # Titles have quotation marks, which the file keeps as they are.
    text = rows.write_csv(separator="|", include_header=False, quote_style="never")
    return text.encode("latin-1")


def set_seed(s: int, reproducible: bool = False) -> None:
    """Seed the generators of Python, NumPy and PyTorch.

    Parameters
    ----------
    s
        The seed.
    reproducible
        Whether cuDNN, on a GPU, uses deterministic algorithms only.

    Raises
    ------
    SettingError
        If the seed is not an integer from 0 to 2^32 - 1.
    """
    seed = _arguments.integer("s", s, 0, _MAX_NUMPY_SEED)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the chapter's code draws from it)
    torch.manual_seed(seed)
    if reproducible:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def pca(x: Tensor, k: int = 2) -> Tensor:
    """Return the first `k` principal components of the rows of `x`; shape (n, k).

    Importing `palate.torch` makes it a method of tensors, ``x.pca(k)``, as fastai does.

    Raises
    ------
    SettingError
        If `x` is not a matrix, or `k` is not from 1 to its number of columns.
    """
    if x.ndim != 2:
        raise SettingError(f"pca needs a matrix; the tensor has the shape {tuple(x.shape)}")
    centred = x - x.mean(dim=0)
    _, _, components = torch.linalg.svd(centred, full_matrices=False)
    projected: Tensor = centred @ components[: _arguments.integer("k", k, 1, len(components))].T
    return projected
