"""Loading a model from its folder, with validation of every file."""

import hashlib
import json
import mmap
import re
import struct
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._files import MODEL_DESCRIPTION, locked, replace_file
from palate._linear_algebra import cholesky_roots
from palate._log import log
from palate.data._ratings import KINDS, Ratings
from palate.errors import ModelFileError, first_line
from palate.learned._choice_arrays import choice_from
from palate.learned._file_format import FORMAT, MODEL_FILE
from palate.learned._item_posterior import ItemPosterior
from palate.learned._learned import FitRecord, Learned
from palate.learned._parameter_arrays import MAX_MAGNITUDE, item_posterior, rating_parameters
from palate.learned._ratings_parquet import ratings_from_frame, read_parquet_bytes

Bytes = bytes | mmap.mmap
_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}
# The parts that hold arrays.
_ARRAYS = ("arrays", "choice")
# The arrays of users, where these are in files of their own.
_POSTERIORS = "posteriors"
# Larger numbers can't come from a fit, and single precision can't work with them.
_TOLERANCE = 1e-4
_MAX_ATTEMPTS = 5
# Covariances are checked for this number of items at a time.
_BLOCK = 4096


def load_learned(path: Path, *, private_copies: Path | None = None) -> Learned:
    """Read the model in the folder `path`; see `palate.load`.

    Parameters
    ----------
    path
        The folder.
    private_copies
        A folder that no other program writes to. The arrays are copied there once and mapped into
        memory, so that several processes share them. (The model's own folder is read rather than
        mapped, since a process is killed if a file that it has mapped is truncated.)

    Raises
    ------
    ModelFileError
        If there is no model, its format is that of another version of Palate, or a file is missing,
        damaged or changed; the message says which.
    """
    for _ in range(_MAX_ATTEMPTS):
        description = read_description(path)
        try:
            return learned_from(path, description, private_copies)
        except ModelFileError:
            # If the model was replaced meanwhile, its old files are gone: load the new one.
            if read_description(path) == description:
                break
    with locked(path, shared=True):  # nobody replaces it now
        return learned_from(path, read_description(path), private_copies)


def read_description(path: Path) -> dict[str, Any]:
    """Return the description of the model in a folder, whose format this version can read.

    Raises
    ------
    ModelFileError
        If there is none, or it can't be read.
    """
    file = path / MODEL_DESCRIPTION
    try:
        description: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        what = f"it has no {MODEL_DESCRIPTION}"
        if path.is_file():
            what = "it is a file, and a model is a folder, such as palate fit and Model.save write"
        raise ModelFileError(f"there is no model in {path}: {what}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} can't be read: {error}") from error
    found = description.get("format") if isinstance(description, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ModelFileError(f"{file} was not written by Palate: it has no format number")
    if found < FORMAT:
        raise ModelFileError(
            f"{path} has format {found}, from before Palate's first release; fit the model again"
        )
    if found > FORMAT:
        raise ModelFileError(
            f"{path} has format {found}, from Palate {description.get('palate', 'unknown')}; this "
            f"is Palate {version('palate')}, which reads formats up to {FORMAT}. Upgrade Palate"
        )
    return description


def learned_from(
    path: Path, description: dict[str, Any], private_copies: Path | None = None
) -> Learned:
    """Load a model whose description has been read, without waiting for the lock of its folder.

    Raises
    ------
    ModelFileError
        If a file is missing, damaged or changed.
    """
    try:
        entries = description["files"]
        tables = {
            part: pl.concat([read_parquet_bytes(_content(path, file)) for file in _files_of(entry)])
            for part, entry in entries.items()
            if part not in (*_ARRAYS, _POSTERIORS)
        }
        arrays: dict[str, dict[str, NDArray[Any]]] = {
            part: _arrays(_content(path, entries[part], private_copies))
            for part in _ARRAYS
            if part in entries
        }
        if _POSTERIORS in entries:
            arrays["arrays"] |= _stacked(path, entries[_POSTERIORS])
        learned = _assemble(path, description, tables, **arrays)
    except (
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
        *(struct.error, pl.exceptions.PolarsError),
    ) as error:
        raise ModelFileError(
            f"{path / MODEL_DESCRIPTION} does not describe a model: {type(error).__name__} "
            f"{first_line(error)}"
        ) from error
    log.info("loaded %r from %s", learned, path)
    return learned


def _files_of(entry: Any) -> list[dict[str, str]]:
    """Return the files of a part, which may be one or several."""
    return entry if isinstance(entry, list) else [entry]


def _stacked(path: Path, entry: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays of a part in several files, the rows of the first file first."""
    parts = [_arrays(_content(path, file)) for file in _files_of(entry)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _content(path: Path, entry: dict[str, str], private_copies: Path | None = None) -> Any:
    file, digest = path / entry["name"], entry["sha256"]
    if not MODEL_FILE.fullmatch(file.name) or file.parent != path:
        raise ModelFileError(f"{path / MODEL_DESCRIPTION} names a file that is not part of a model")
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ModelFileError(f"{path / MODEL_DESCRIPTION} has no checksum of {file.name}")
    copy = None if private_copies is None else private_copies / digest
    if copy is not None:
        with suppress(FileNotFoundError):
            return _mapped(copy)
    try:
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{file} is missing or can't be read: {error}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise ModelFileError(
            f"{file} is damaged or was changed: its checksum differs from the one in "
            f"{MODEL_DESCRIPTION}"
        )
    if copy is None:
        return data
    replace_file(copy, data)
    try:
        return _mapped(copy)
    except FileNotFoundError:  # another process serves a newer model already
        return data


def remove_other_copies(path: Path, private_copies: Path) -> None:
    """Remove the copies of all models but the one in the folder `path`; see `load_learned`.

    Processes that have mapped one keep it until they load another model.
    """
    files = read_description(path)["files"].values()
    used = {entry["sha256"] for part in files for entry in _files_of(part)}
    for copy in private_copies.iterdir():
        if re.fullmatch("[0-9a-f]{64}", copy.name) and copy.name not in used:
            with suppress(OSError):  # on Windows, while a process has mapped it
                copy.unlink()


def _mapped(file: Path) -> Bytes:
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _arrays(data: Bytes) -> dict[str, NDArray[Any]]:
    """Return read-only views of the arrays in a safetensors file.

    The file begins with the length of its header, 8 bytes, and the header, JSON. It is parsed here
    because the safetensors library would copy every array.
    """
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(bytes(data[8 : 8 + size]))
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        dtype, (first, last) = np.dtype(_DTYPES[entry["dtype"]]), entry["data_offsets"]
        count = (last - first) // dtype.itemsize
        flat = np.frombuffer(data, dtype, count, offset=8 + size + first)
        arrays[name] = flat.reshape(entry["shape"])
    return arrays


def _assemble(
    path: Path,
    description: dict[str, Any],
    tables: dict[str, pl.DataFrame],
    arrays: dict[str, NDArray[Any]],
    choice: dict[str, NDArray[Any]] | None = None,
) -> Learned:
    items, ratings = tables["items"], None
    if {"users", "ratings"} <= set(tables):
        users, frame = tables["users"], tables["ratings"]
        if (kind := description["kind"]) not in KINDS:
            raise ValueError(f"there is no table of {kind}")
        ratings = ratings_from_frame(frame, users, items, description["source"], kind)
    if choice is None and description["likelihood"] is None:
        raise ValueError("it has neither a rating model nor a choice model")
    _validate_tables(path, items, ratings)
    _validate_arrays(path, arrays, items, ratings)
    return Learned(
        items=items,
        rating_parameters=rating_parameters(
            arrays, description["likelihood"], description["features"]
        ),
        item_counts=arrays["item_counts"],
        item_means=arrays["item_means"],
        ratings=ratings,
        user_table=arrays.get("user_table"),
        user_variances=arrays.get("user_variances"),
        added_items=_count(description["added_items"], items.height, "items"),
        added_ratings=_count(
            description.get("added_ratings", 0), 0 if ratings is None else len(ratings), "ratings"
        ),
        fit=_fit_record({name: description[name] for name in FitRecord.__dataclass_fields__}),
        choice=None if choice is None else choice_from(choice, description["choice"], items.height),
    )


def _count(value: Any, most: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not a number of {what}")
    return value


def _fit_record(values: dict[str, Any]) -> FitRecord:
    types = {"solver": str, "settings": dict, "source": str, "history": list, "interrupted": bool}
    for name, kind in types.items():
        if not isinstance(values[name], kind):
            raise TypeError(f"{name} should be a {kind.__name__}")
    return FitRecord(**values)


def _validate_tables(path: Path, items: pl.DataFrame, ratings: Ratings | None) -> None:
    if not {"id", "item"} <= set(items.columns) or items["item"].dtype != pl.String:
        raise ModelFileError(f"{path}: the items have no ids or names")
    if ratings is not None and "id" not in ratings.users.columns:
        raise ModelFileError(f"{path}: the users have no ids")
    tables = {"items": items} if ratings is None else {"items": items, "users": ratings.users}
    for name, table in tables.items():
        if table["id"].has_nulls() or table["id"].is_duplicated().any():
            raise ModelFileError(f"{path}: the ids of {name} are not unique")


def _validate_arrays(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    items: pl.DataFrame,
    ratings: Ratings | None,
) -> None:
    """Check the types and shapes of the arrays, and that they hold finite numbers."""
    for name, (shape, dtype) in _expected_arrays(arrays, items, ratings).items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            raise ModelFileError(
                f"{path}: {name} should be of {np.dtype(dtype)} with the shape {shape}; it is not"
            )
        known = arrays["item_counts"] > 0 if name == "item_means" else ...
        finite = np.abs(array[known]).max(initial=0) < MAX_MAGNITUDE  # false for NaN
        if not finite or (name == "item_counts" and array.min(initial=0) < 0):
            raise ModelFileError(f"{path}: {name} holds values that are not finite numbers")
    if "item_table" not in arrays:
        return
    if arrays["item_table"].shape[1] < 2:
        raise ModelFileError(f"{path}: item_table has no factors")
    for name in ("prior_covariance", "population_covariance", "item_prior_covariance"):
        if name in arrays and not _is_covariance(arrays[name]):
            raise ModelFileError(f"{path}: {name} is not a covariance matrix")
    if arrays.get("user_variances", np.ones(1)).min(initial=1) <= 0:
        raise ModelFileError(f"{path}: user_variances are not positive")
    if not _are_valid(item_posterior(arrays)):
        raise ModelFileError(f"{path}: the covariances of the items are not covariance matrices")


def _expected_arrays(
    arrays: dict[str, NDArray[Any]], items: pl.DataFrame, ratings: Ratings | None
) -> dict[str, tuple[tuple[int, ...], type]]:
    """Return the shape and the type that each array should have."""
    rows = items.height
    expected: dict[str, tuple[tuple[int, ...], type]] = {
        "item_counts": ((rows,), np.int64),
        "item_means": ((rows,), np.float32),
    }
    if "item_table" not in arrays:
        return expected
    width = arrays["item_table"].shape[-1]
    expected |= {
        "item_table": ((rows, width), np.float32),
        "prior_coefficients": ((1, width), np.float64),
        "prior_covariance": ((width, width), np.float64),
    }
    if "pair_loadings" in arrays:
        features = arrays["pair_loadings"].shape[-1]
        known = arrays["user_features"].shape[-1] if "user_features" in arrays else 0
        expected |= {
            "pair_loadings": ((rows, features), np.float32),
            "pair_centre": ((features,), np.float32),
            "pair_scale": ((5,), np.float64),
            "prior_coefficients": ((features + 2 + known, width), np.float64),
            "population_covariance": ((width, width), np.float64),
        }
    for name in ("item_features", "user_features"):
        if name in arrays:
            expected[name] = ((6, arrays[name].shape[-1]), np.float64)
    if "item_features" in arrays:
        rows_of_prior = 1 + arrays["item_features"].shape[-1]
        expected |= {
            "item_prior_coefficients": ((rows_of_prior, width), np.float64),
            "item_prior_covariance": ((width, width), np.float64),
        }
    if "item_variances" in arrays:
        expected |= {
            "item_variances": ((rows,), np.float32),
            "variance_freedoms": ((2,), np.float64),
        }
    if "item_bias_sd" in arrays or "item_covariance" in arrays:
        full = arrays["item_covariance"].shape[-1] != width - 1
        size = (width - 1) ** 2 if full else width - 1
        expected["item_bias_sd"] = ((rows,), np.float32)
        expected["item_covariance"] = ((rows, size), np.float32)
    if ratings is not None:
        expected["user_table"] = ((ratings.users.height, width), np.float32)
        if "item_variances" in arrays:
            expected["user_variances"] = ((ratings.users.height,), np.float64)
    return expected


def _is_covariance(matrix: NDArray[np.float64]) -> bool:
    """Return whether a matrix is symmetric and positive semidefinite, up to rounding."""
    sd = np.sqrt(np.maximum(np.diag(matrix), 1 / MAX_MAGNITUDE))
    correlation = matrix / np.outer(sd, sd)
    symmetric = np.allclose(correlation, correlation.T)
    return bool(symmetric and np.linalg.eigvalsh(correlation)[0] > -_TOLERANCE)


def _are_valid(posterior: ItemPosterior | None) -> bool:
    """Return whether all covariances of the items are symmetric and positive definite."""
    if posterior is None:
        return True
    covariances = posterior.covariances
    if not (posterior.bias_sd.min(initial=0) >= 0 and covariances.variances.min(initial=1) > 0):
        return False
    if not covariances.full:
        return True
    for first in range(0, len(covariances), _BLOCK):
        block = covariances.take(np.arange(first, min(first + _BLOCK, len(covariances))))
        matrices = block.matrices()
        sd = np.sqrt(block.variances.astype(np.float64))
        correlations = matrices / (sd[:, :, None] * sd[:, None, :])
        if np.abs(correlations - correlations.transpose(0, 2, 1)).max() > _TOLERANCE:
            return False
        try:
            cholesky_roots(matrices)
        except np.linalg.LinAlgError:
            return False
    return True
