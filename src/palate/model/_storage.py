"""A model on disk: a folder of JSON, safetensors and Parquet, written so that no crash spoils it.

``palate.json`` describes the model and names the other files, each by its first name and a part
of its checksum: ``arrays.1a2b3c4d.safetensors``. Saving writes new files beside the old ones and
then replaces ``palate.json`` in one step, which is the moment when the new model takes the place
of the old. (A folder that is not empty can't be replaced by a rename in one step on any system.)
"""

import hashlib
import io
import json
import mmap
import os
import re
import struct
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from palate.data._ratings import Ratings
from palate.errors import ModelFileError, first_line
from palate.inference._infer import Parameters, UserPrior
from palate.inference._link import LINKS, Link
from palate.model._model import Fit, Model

Bytes = bytes | mmap.mmap
FORMAT = 2
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
# Larger numbers can't come from a fit, and single precision can't work with them.
_LARGEST = 1e18
_ROUNDING = 1e-4
DESCRIPTION = "palate.json"
_OURS = re.compile(
    r"(palate\.json|(arrays|items|users|ratings)\.[0-9a-f]{8}\.(safetensors|parquet))(\.new)?"
)


def save(model: Model, path: Path, *, users: bool) -> None:
    """Write `model` to the folder `path`; see `Model.save`."""
    blobs = _blobs(model, users=users)
    digests = {part: hashlib.sha256(blob).hexdigest() for part, blob in blobs.items()}
    names = {part: _file_name(part, digest) for part, digest in digests.items()}
    description = {
        "format": FORMAT,
        "palate": version("palate"),
        "link": {"name": model.link.name, **asdict(model.link)},
        "noise_sd": model.parameters.noise_sd,
        **asdict(model.fit),
        "files": {
            part: {"name": names[part], "sha256": digest} for part, digest in digests.items()
        },
    }
    described = json.dumps(description, indent=2).encode()
    claim(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        for part, blob in blobs.items():
            write(path / names[part], blob)
        write(path / DESCRIPTION, described)
        _sync_folder(path)
        for old in set(path.iterdir()) - {path / name for name in (DESCRIPTION, *names.values())}:
            if _OURS.fullmatch(old.name) and not old.is_dir():
                old.unlink()
    except (OSError, ValueError) as error:
        raise ModelFileError(f"the model can't be written to {path}: {error}") from error


def claim(path: Path) -> None:
    """See that a model can be written to the folder `path`, which need not be there yet.

    Raises
    ------
    ModelFileError
        If it can't be made or written to, or holds something other than a model.
    """
    try:
        nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
        children = list(nearest.iterdir())
        if not os.access(nearest, os.W_OK):
            raise PermissionError(f"{nearest} is read-only")
    except (OSError, ValueError) as error:
        raise ModelFileError(f"a model can't be written to {path}: {error}") from error
    foreign = [child.name for child in children if not _OURS.fullmatch(child.name)]
    if nearest == path and foreign:
        raise ModelFileError(
            f"{path} holds something other than a model ({foreign[0]}); choose another folder"
        )


def load(path: str | Path) -> Model:
    """Read the model in the folder `path`.

    Raises
    ------
    ModelFileError
        If there is no model, it was written by a newer Palate, or a file is missing, damaged or
        changed; the message says which.
    """
    path = Path(path)
    description = _description(path)
    try:
        return _model(path, description)
    except (
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
        *(struct.error, pl.exceptions.PolarsError),
    ) as error:
        raise ModelFileError(
            f"{path / DESCRIPTION} does not describe a model: {type(error).__name__} "
            f"{first_line(error)}"
        ) from error


def _blobs(model: Model, *, users: bool) -> dict[str, bytes]:
    learned = model.parameters
    arrays: dict[str, NDArray[Any]] = {
        "item_table": learned.item_table,
        "item_counts": model.item_counts,
        "item_means": model.item_means,
        "prior_mean": learned.prior.mean,
        "prior_covariance": learned.prior.covariance,
    }
    if learned.item_bias_sd is not None and learned.item_covariance is not None:
        arrays["item_bias_sd"] = learned.item_bias_sd
        arrays["item_covariance"] = learned.item_covariance
    blobs = {"items": parquet(model.items)}
    if users and model.ratings is not None and model.user_table is not None:
        arrays["user_table"] = model.user_table
        blobs["users"] = parquet(model.ratings.users)
        blobs["ratings"] = parquet(ratings_frame(model.ratings))
    blobs["arrays"] = save_arrays({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    return blobs


def ratings_frame(ratings: Ratings) -> pl.DataFrame:
    """Return the ratings as rows of the tables of users and items; see `ratings_of`."""
    columns = {name: getattr(ratings, name) for name in ("user", "item", "rating")}
    if ratings.timestamp is not None:
        columns["timestamp"] = ratings.timestamp
    return pl.DataFrame(columns)


def parquet(frame: pl.DataFrame) -> bytes:
    """Return the frame as a file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _file_name(part: str, digest: str) -> str:
    suffix = "safetensors" if part == "arrays" else "parquet"
    return f"{part}.{digest[:8]}.{suffix}"


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file `path` in one step; a file that has it stays."""
    if path.is_file() and path.read_bytes() == data:
        return
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _sync_folder(path: Path) -> None:
    if os.name != "posix":  # elsewhere a folder can't be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _description(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION
    try:
        description: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelFileError(f"there is no model in {path}: it has no {DESCRIPTION}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} can't be read: {error}") from error
    found = description.get("format") if isinstance(description, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ModelFileError(f"{file} was not written by Palate: it names no format")
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


def _read(path: Path, entry: dict[str, str]) -> Bytes:
    file = path / entry["name"]
    if not _OURS.fullmatch(file.name) or file.parent != path:
        raise ModelFileError(f"{path / DESCRIPTION} names a file that is no part of a model")
    try:
        data = _mapped(file)
    except (OSError, ValueError) as error:  # ValueError: an empty file can't be mapped
        raise ModelFileError(f"{file} is missing or can't be read: {error}") from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise ModelFileError(
            f"{file} is damaged or was changed: its checksum is not the one in {DESCRIPTION}"
        )
    return data


def _mapped(file: Path) -> Bytes:
    """Return what is in a file: several processes that load one model have it in memory once.

    Files of a model are replaced, never written to. Where a file in use can't be replaced, it is
    read.
    """
    if os.name != "posix":
        return file.read_bytes()
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _arrays(data: Bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file where they are, read-only.

    (Its header is a length, 8 bytes, and JSON; the library of that name would copy every array.)
    """
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(bytes(data[8 : 8 + size]))
    header.pop("__metadata__", None)
    arrays = {}
    for name, told in header.items():
        dtype, (first, last) = np.dtype(_DTYPES[told["dtype"]]), told["data_offsets"]
        count = (last - first) // dtype.itemsize
        flat = np.frombuffer(data, dtype, count, offset=8 + size + first)
        arrays[name] = flat.reshape(told["shape"])
    return arrays


def _model(path: Path, description: dict[str, Any]) -> Model:
    files = {part: _read(path, entry) for part, entry in description["files"].items()}
    arrays = _arrays(files["arrays"])
    items = pl.read_parquet(files["items"][:])
    ratings = None
    if {"users", "ratings"} <= set(files):
        users = pl.read_parquet(files["users"][:])
        ratings = ratings_of(
            pl.read_parquet(files["ratings"][:]), users, items, description["source"]
        )
    _check_arrays(path, arrays, items, ratings)
    return Model(
        items=items,
        parameters=Parameters(
            item_table=arrays["item_table"],
            link=_link(**description["link"]),
            prior=UserPrior(arrays["prior_mean"], arrays["prior_covariance"]),
            noise_sd=_noise_sd(description["noise_sd"]),
            item_bias_sd=arrays.get("item_bias_sd"),
            item_covariance=arrays.get("item_covariance"),
        ),
        item_counts=arrays["item_counts"],
        item_means=arrays["item_means"],
        ratings=ratings,
        user_table=arrays.get("user_table"),
        fit=_fit({name: description[name] for name in Fit.__dataclass_fields__}),
    )


def _link(name: str, **settings: float) -> Link:
    numbers = settings.values()
    if name not in LINKS or any(
        isinstance(value, bool) or not abs(value) < _LARGEST for value in numbers
    ):
        raise ValueError(f"there is no link {name} with {settings}")
    link = LINKS[name](**settings)
    if link.low > link.high:
        raise ValueError(f"there is no link {name} from {link.low} to {link.high}")
    return link


def _noise_sd(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, float)
        or not 1 / _LARGEST < value < _LARGEST
    ):
        raise ValueError(f"there is no noise with an sd of {value}")
    return value


def _fit(record: dict[str, Any]) -> Fit:
    types = {"solver": str, "settings": dict, "source": str, "history": list, "interrupted": bool}
    for name, kind in types.items():
        if not isinstance(record[name], kind):
            raise TypeError(f"{name} should be a {kind.__name__}")
    return Fit(**record)


def ratings_of(
    frame: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame, source: str
) -> Ratings:
    """Return the ratings that `ratings_frame` made a frame of.

    Raises
    ------
    ValueError
        If they are none.
    """
    for name, rows in (("user", users.height), ("item", items.height)):
        column = frame[name]
        if column.dtype != pl.Int32 or column.has_nulls():
            raise ValueError(f"the ratings' column {name} holds no row numbers")
        if not column.is_between(0, rows - 1).all():
            raise ValueError(f"the ratings name a {name} who is not there")
    if (
        frame["rating"].dtype != pl.Float32
        or not frame["rating"].is_finite().fill_null(False).all()
    ):
        raise ValueError("the ratings' column rating holds no finite numbers")
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    timestamp = columns.pop("timestamp", None)
    return Ratings(**columns, timestamp=timestamp, users=users, items=items, source=source)


def _check_arrays(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    items: pl.DataFrame,
    ratings: Ratings | None,
) -> None:
    """Refuse arrays whose type or shape does not fit, or that hold NaN or infinity."""
    if not {"id", "item"} <= set(items.columns) or items["item"].dtype != pl.String:
        raise ModelFileError(f"{path}: the items lack their ids or names")
    width = arrays["item_table"].shape[-1]
    wanted: dict[str, tuple[tuple[int, ...], type]] = {
        "item_table": ((items.height, width), np.float32),
        "item_counts": ((items.height,), np.int64),
        "item_means": ((items.height,), np.float32),
        "prior_mean": ((width,), np.float64),
        "prior_covariance": ((width, width), np.float64),
    }
    if "item_bias_sd" in arrays or "item_covariance" in arrays:
        full = arrays["item_covariance"].shape[-1] != width - 1
        spread = (width - 1) ** 2 if full else width - 1
        wanted["item_bias_sd"] = ((items.height,), np.float32)
        wanted["item_covariance"] = ((items.height, spread), np.float32)
    if ratings is not None:
        wanted["user_table"] = ((ratings.users.height, width), np.float32)
        if ratings.users.columns != ["id"]:
            raise ModelFileError(f"{path}: the users lack their ids")
    for name, (shape, dtype) in wanted.items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype or width < 2:
            raise ModelFileError(
                f"{path}: {name} should be of {np.dtype(dtype)} with the shape {shape}; it is not"
            )
        known = arrays["item_counts"] > 0 if name == "item_means" else ...
        finite = np.abs(array[known]).max(initial=0) < _LARGEST  # and no NaN
        if not finite or (name == "item_counts" and array.min() < 0):
            raise ModelFileError(f"{path}: {name} holds values that are not finite numbers")
    if not _is_covariance(arrays["prior_covariance"]) or not _are_covariances(arrays, width - 1):
        raise ModelFileError(f"{path}: the covariances of users or items are no covariances")


def _is_covariance(matrix: NDArray[np.float64]) -> bool:
    sd = np.sqrt(np.maximum(np.diag(matrix), 1 / _LARGEST))
    correlation = matrix / np.outer(sd, sd)
    alike = np.allclose(correlation, correlation.T)
    return bool(alike and np.linalg.eigvalsh(correlation)[0] > -_ROUNDING)


def _are_covariances(arrays: dict[str, NDArray[Any]], factors: int) -> bool:
    covariance = arrays.get("item_covariance")
    if covariance is None:
        return True
    variance = covariance[:, :: factors + 1] if covariance.shape[1] > factors else covariance
    return bool(
        variance.min(initial=0) >= -_ROUNDING * variance.max(initial=0)
        and arrays["item_bias_sd"].min(initial=0) >= 0
    )
