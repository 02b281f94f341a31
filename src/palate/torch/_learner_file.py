"""A learner in one file of safetensors and JSON: weights, vocabularies and ratings."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from palate._files import replace_file
from palate.errors import ModelFileError, SettingError, first_line
from palate.learned._ratings_parquet import (
    parquet_bytes,
    ratings_frame,
    ratings_from_frame,
    read_parquet_bytes,
)
from palate.torch._data import CollabDataLoaders
from palate.torch._modules import (
    CollabNN,
    DotProduct,
    DotProductBias,
    EmbeddingDotBias,
    EmbeddingNN,
    MSELossFlat,
    is_default_loss,
)
from palate.torch._objective import Loss, Objective

FORMAT = 1
_MODULES = {
    kind.__name__: kind
    for kind in (DotProduct, DotProductBias, EmbeddingDotBias, CollabNN, EmbeddingNN)
}
_FRAMES = ("users", "items", "train", "valid")
_WEIGHT_PREFIX = "module."


@dataclass(frozen=True)
class SavedLearner:
    """The contents of a learner's file.

    Attributes
    ----------
    objective
        The module, the ratings and the loss.
    lr, wd, native
        As of `Learner`.
    history
        A row for each epoch.
    """

    objective: Objective
    lr: float
    wd: float
    native: bool | None
    history: list[dict[str, Any]]


def write_learner(saved: SavedLearner, path: Path) -> None:
    """Write a learner to the file `path`; see `Learner.export`."""
    objective = saved.objective
    module, dls = objective.model, objective.dls
    train, valid = dls.train.ratings, dls.valid.ratings
    tensors = {_WEIGHT_PREFIX + name: _plain(value) for name, value in module.state_dict().items()}
    frames = {"users": train.users, "items": train.items}
    frames |= {"train": ratings_frame(train), "valid": ratings_frame(valid)}
    tensors |= {
        name: torch.frombuffer(bytearray(parquet_bytes(frame)), dtype=torch.uint8)
        for name, frame in frames.items()
    }
    supported = type(module) in _MODULES.values()
    default_loss = is_default_loss(objective.loss_func)
    description = {
        "format": FORMAT,
        "palate": version("palate"),
        "torch": torch.__version__,
        "module": type(module).__name__,
        "arguments": module.arguments() if supported else None,  # type: ignore[operator]
        "loss": None if default_loss else _name(objective.loss_func),
        "names": dls.names,
        "settings": {"lr": saved.lr, "wd": saved.wd}
        | {"mixed_precision": objective.mixed_precision, "native": saved.native},
        "bs": dls.bs,
        "source": train.source,
        "history": saved.history,
    }
    _write(description, tensors, path)


def write_weights(module: nn.Module, path: Path) -> None:
    """Write a module's weights to the file `path`; see `Learner.save`."""
    description = {"format": FORMAT, "palate": version("palate"), "weights": _name(module)}
    tensors = {_WEIGHT_PREFIX + name: _plain(value) for name, value in module.state_dict().items()}
    _write(description, tensors, path)


def load_weights(module: nn.Module, path: Path) -> None:
    """Copy the weights in the file `path` to the module; see `Learner.load`."""
    description, tensors = _read(path)
    if "weights" not in description:
        raise ModelFileError(
            f"{path} contains a whole learner; read it with load_learner({str(path)!r})"
        )
    weights = {name.removeprefix(_WEIGHT_PREFIX): value for name, value in tensors.items()}
    _load_weights(module, weights, path, assign=False)


def read_learner(
    path: Path,
    model: nn.Module | None,
    loss_func: Loss | None,
    device: torch.device | str | None,
) -> SavedLearner:
    """Read a learner from the file `path`; see `load_learner`."""
    description, tensors = _read(path)
    if "weights" in description:
        raise ModelFileError(
            f"{path} contains only weights, from Learner.save; create the learner and call its "
            "load, or write the whole learner with export"
        )
    try:
        frames = {name: read_parquet_bytes(tensors.pop(name).numpy().tobytes()) for name in _FRAMES}
        users, items, source = frames["users"], frames["items"], description["source"]
        train, valid = (
            ratings_from_frame(frames[name], users, items, source, "ratings")
            for name in ("train", "valid")
        )
        names, bs = tuple(description["names"]), description["bs"]
        dls = CollabDataLoaders(train, valid, names=names, bs=bs, device=device)
        module = _module(path, description) if model is None else model
        loss = _loss(path, description) if loss_func is None else loss_func
        weights = {name.removeprefix(_WEIGHT_PREFIX): value for name, value in tensors.items()}
        _load_weights(module, weights, path, assign=True)
        if isinstance(module, EmbeddingDotBias):
            user_names, item_names = dls.classes.values()
            module.names = user_names, item_names
        settings = description["settings"]
        objective = Objective(module, dls, loss, settings["mixed_precision"])
        return SavedLearner(
            objective, settings["lr"], settings["wd"], settings["native"], description["history"]
        )
    except SettingError:
        raise
    except (LookupError, RuntimeError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ModelFileError(f"{path} does not contain a learner: {first_line(error)}") from error


def _write(description: dict[str, Any], tensors: dict[str, Tensor], path: Path) -> None:
    """Write a file with a checksum, in one step."""
    description = description | {"sha256": _digest(description, tensors)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, save(tensors, {"palate": json.dumps(description)}))
    except OSError as error:
        raise ModelFileError(f"cannot write the learner to {path}: {error}") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the description and the tensors in the file, its format and checksum verified."""
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {}).get("palate", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise ModelFileError(f"the file {path} does not exist") from error
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelFileError(f"cannot read {path}: {first_line(error)}") from error
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ModelFileError(f"{path} was not written by Learner.export or save")
    if description["format"] > FORMAT:
        raise ModelFileError(
            f"{path} has format {description['format']}, from Palate {description.get('palate')}; "
            f"this is Palate {version('palate')}, which reads formats up to {FORMAT}"
        )
    if description.pop("sha256", None) != _digest(description, tensors):
        raise ModelFileError(
            f"{path} is damaged or was modified: its contents do not match their checksum"
        )
    return description, tensors


def _module(path: Path, description: dict[str, Any]) -> nn.Module:
    kind = _MODULES.get(description["module"])
    if kind is None or description["arguments"] is None:
        raise SettingError(
            f"{path} contains the weights of a custom module, {description['module']}; pass an "
            f"instance to load_learner: model={description['module']}(...)"
        )
    arguments = dict(description["arguments"])
    if kind is EmbeddingDotBias and "n_movies" in arguments:  # its name in files of Palate 0.1
        arguments["n_items"] = arguments.pop("n_movies")
    return kind(**arguments)


def _loss(path: Path, description: dict[str, Any]) -> Loss:
    if description["loss"] is not None:
        raise SettingError(
            f"the learner in {path} has the custom loss {description['loss']}; pass it to "
            "load_learner as loss_func="
        )
    return MSELossFlat()


def _load_weights(
    module: nn.Module, weights: dict[str, Tensor], path: Path, *, assign: bool
) -> None:
    """Load weights; with `assign` in the saved precision, else copied to the parameters."""
    try:
        module.load_state_dict(weights, assign=assign)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise SettingError(
            f"the weights in {path} do not fit {type(module).__name__}: {reason}"
        ) from error


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().clone()


def _digest(description: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _name(loss: Loss | nn.Module) -> str:
    return getattr(loss, "__name__", type(loss).__name__)
