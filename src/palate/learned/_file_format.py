"""The file format of a model: a folder of JSON, safetensors and Parquet.

``palate.json`` describes the model and names the other files; their names contain a part of their
checksum, as in ``arrays.1a2b3c4d.safetensors``. Saving writes new files beside the old ones and
then replaces ``palate.json`` in one step, which is the moment when the new model replaces the old
one. (A folder that is not empty can't be replaced in one step.) Files are never modified: they
are written under a temporary name, forced to the disk and renamed. Who writes holds the lock of the
folder; who reads needs none.
"""

import json
import re
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._files import (
    MODEL_DESCRIPTION,
    TEMPORARY,
    locked,
    replace_file,
    require_writable,
    sync_folder,
)
from palate._log import log
from palate.errors import ModelFileError
from palate.learned._choice_arrays import choice_arrays, choice_record
from palate.learned._feature_effects import FeatureEffects
from palate.learned._file_content import (
    Content,
    array_content,
    checksum,
    has_content,
    write_content,
)
from palate.learned._learned import Learned
from palate.learned._parameters import Parameters
from palate.learned._ratings_parquet import parquet_bytes, ratings_frame

FORMAT = 8
MODEL_FILE = re.compile(
    r"palate\.json|"
    r"(arrays|choice|posteriors|items|users|ratings)\.[0-9a-f]{8}\.(safetensors|parquet)"
)
# For each part of the users the files that hold it, in the order of their rows.
Parts = dict[str, list[dict[str, str]]]


class ModelFiles(NamedTuple):
    """The files of a model.

    Attributes
    ----------
    description
        The content of ``palate.json``.
    others
        The content of each other file, by name.
    written
        The names of further files, which are in the folder already.
    """

    description: bytes
    others: dict[str, Content]
    written: frozenset[str] = frozenset()


def save_learned(learned: Learned, path: Path, *, users: bool) -> None:
    """Write a model to the folder `path`; see `Model.save`."""
    files = files_of(learned, users=users)
    require_model_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with locked(path):
            write_files(files, path)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"the model can't be written to {path}: {error}") from error
    log.info("saved %r in %s%s", learned, path, "" if users else ", without its users")


def files_of(learned: Learned, *, users: bool) -> ModelFiles:
    """Return the files of a model, with or without its users."""
    return _files(learned, _file_contents(learned, users=users), users=users)


def files_with_parts(learned: Learned, parts: Parts) -> ModelFiles:
    """Return the files of a model without users, whose users are in files that are written."""
    files = _files(learned, _file_contents(learned, users=False), users=False, parts=parts)
    names = frozenset(entry["name"] for entries in parts.values() for entry in entries)
    return files._replace(written=names)


def file_entry(part: str, content: Content) -> dict[str, str]:
    """Return the name and the checksum of a file, as ``palate.json`` has them."""
    digest = checksum(content)
    suffix = "safetensors" if part in {"arrays", "choice", "posteriors"} else "parquet"
    return {"name": f"{part}.{digest[:8]}.{suffix}", "sha256": digest}


def _files(
    learned: Learned, contents: dict[str, Content], *, users: bool, parts: Parts | None = None
) -> ModelFiles:
    entries = {part: file_entry(part, content) for part, content in contents.items()}
    description = {
        "format": FORMAT,
        "palate": version("palate"),
        "likelihood": _likelihood_record(learned),
        "features": _feature_record(learned.rating_parameters),
        "choice": None if learned.choice is None else choice_record(learned.choice),
        "kind": learned.kind,
        "added_items": learned.added_items,
        "added_ratings": learned.added_ratings if users else 0,
        **asdict(learned.fit),
        "files": {**entries, **(parts or {})},
    }
    encoded = json.dumps(description, indent=2).encode()
    others = {entries[part]["name"]: content for part, content in contents.items()}
    return ModelFiles(encoded, others)


def write_files(files: ModelFiles, path: Path) -> None:
    """Write a model to its folder, which exists; the caller holds the lock of the folder.

    Raises
    ------
    OSError
        If a file can't be written.
    """
    for name, content in files.others.items():
        if not has_content(path / name, content):
            write_content(path / name, content)
    replace_file(path / MODEL_DESCRIPTION, files.description)
    _remove_others(path, {MODEL_DESCRIPTION, *files.others, *files.written})
    sync_folder(path)


def require_model_folder(path: Path) -> None:
    """Check that a model can be written to the folder `path`, which need not exist.

    Raises
    ------
    ModelFileError
        If it can't be created or written to, or holds something other than a model.
    """
    try:
        nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
        if not nearest.is_dir():
            raise NotADirectoryError(f"{nearest} is not a folder; name another one")
        foreign = [child.name for child in nearest.iterdir() if not _belongs_to_model(child.name)]
        is_foreign = nearest == path and bool(foreign)
        if not is_foreign:
            require_writable(nearest)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"a model can't be written to {path}: {error}") from error
    if is_foreign:
        raise ModelFileError(
            f"{path} holds something other than a model ({foreign[0]}); choose another folder"
        )


def _file_contents(learned: Learned, *, users: bool) -> dict[str, Content]:
    arrays: dict[str, NDArray[Any]] = {
        "item_counts": learned.item_counts,
        "item_means": learned.item_means,
    }
    if learned.rating_parameters is not None:
        arrays |= _rating_arrays(learned.rating_parameters)
    contents: dict[str, Content] = {"items": [parquet_bytes(learned.items)]}
    if users and learned.ratings is not None:
        if learned.user_table is not None:
            arrays["user_table"] = learned.user_table
        if learned.user_variances is not None:
            arrays["user_variances"] = learned.user_variances
        contents["users"] = [parquet_bytes(learned.ratings.users)]
        contents["ratings"] = [parquet_bytes(ratings_frame(learned.ratings))]
    contents["arrays"] = array_content(arrays)
    if learned.choice is not None:
        contents["choice"] = array_content(choice_arrays(learned.choice))
    return contents


def _rating_arrays(parameters: Parameters) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "item_table": parameters.item_table,
        "prior_coefficients": parameters.user_prior.coefficients,
        "prior_covariance": parameters.user_prior.covariance,
    }
    features = parameters.user_prior.features
    if features is not None:
        arrays["population_covariance"] = parameters.user_prior.of_anyone
        arrays["pair_loadings"] = features.loadings
        arrays["pair_centre"] = features.centre
        arrays["pair_scale"] = np.array([features.damping, *features.log_counts])
    for side, effects in _effects(parameters).items():
        arrays[f"{side[:-1]}_features"] = effects.array
    if parameters.item_prior is not None:
        arrays["item_prior_coefficients"] = parameters.item_prior.coefficients
        arrays["item_prior_covariance"] = parameters.item_prior.covariance
    if parameters.variances is not None:
        arrays["item_variances"] = parameters.variances.items
        arrays["variance_freedoms"] = np.array(
            [parameters.variances.freedom, parameters.variances.item_freedom]
        )
    if parameters.item_posterior is not None:
        arrays["item_bias_sd"] = parameters.item_posterior.bias_sd
        arrays["item_covariance"] = parameters.item_posterior.covariances.values
    return arrays


def _likelihood_record(learned: Learned) -> dict[str, Any] | None:
    if learned.rating_parameters is None:
        return None
    likelihood: Any = learned.likelihood
    return {"name": likelihood.name, **asdict(likelihood)}


def _feature_record(parameters: Parameters | None) -> dict[str, Any] | None:
    """Return the names of the features of each side whose effects are known."""
    found = {} if parameters is None else _effects(parameters)
    return {side: effects.record for side, effects in found.items()} or None


def _effects(parameters: Parameters) -> dict[str, FeatureEffects]:
    sides = {"items": parameters.effects, "users": parameters.user_effects}
    return {side: effects for side, effects in sides.items() if effects is not None}


def _belongs_to_model(name: str) -> bool:
    return bool(MODEL_FILE.fullmatch(name) or TEMPORARY.fullmatch(name))


def _remove_others(path: Path, names: set[str]) -> None:
    """Remove the files of older models, and temporary files of killed processes."""
    for child in path.iterdir():
        if child.name not in names and _belongs_to_model(child.name) and not child.is_dir():
            child.unlink(missing_ok=True)
