"""A learner in one file, by safetensors and JSON: weights, vocabularies and ratings."""

import hashlib
import io
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from palate.errors import ModelFileError, SettingError, first_line
from palate.model._storage import parquet, ratings_frame, ratings_of, write
from palate.torch._data import CollabDataLoaders
from palate.torch._learner import Learner, Loss
from palate.torch._modules import (
    CollabNN,
    DotProduct,
    DotProductBias,
    EmbeddingDotBias,
    EmbeddingNN,
    MSELossFlat,
    is_usual,
)

FORMAT = 1
_MODULES = {
    kind.__name__: kind
    for kind in (DotProduct, DotProductBias, EmbeddingDotBias, CollabNN, EmbeddingNN)
}
_PARTS = ("users", "items", "train", "valid")
_WEIGHT = "module."


def export(learn: Learner, path: Path) -> None:
    """Write the learner to the file `path`; see `Learner.export`."""
    train, valid = learn.dls.train.ratings, learn.dls.valid.ratings
    tensors = {_WEIGHT + name: _plain(value) for name, value in learn.model.state_dict().items()}
    frames = {"users": train.users, "items": train.items}
    frames |= {"train": ratings_frame(train), "valid": ratings_frame(valid)}
    tensors |= {
        name: torch.frombuffer(bytearray(parquet(frame)), dtype=torch.uint8)
        for name, frame in frames.items()
    }
    ours = type(learn.model) in _MODULES.values()
    description = {
        "format": FORMAT,
        "palate": version("palate"),
        "torch": torch.__version__,
        "module": type(learn.model).__name__,
        "arguments": learn.model.arguments() if ours else None,  # type: ignore[operator]
        "loss": None if is_usual(learn.loss_func) else _name(learn.loss_func),
        "names": learn.dls.names,
        "settings": {"lr": learn.lr, "wd": learn.wd, "mixed_precision": learn.mixed_precision}
        | {"native": learn.native},
        "bs": learn.dls.bs,
        "source": train.source,
        "history": learn.history,
    }
    description["sha256"] = _digest(description, tensors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, save(tensors, {"palate": json.dumps(description)}))
    except OSError as error:
        raise ModelFileError(f"the learner can't be written to {path}: {error}") from error


def load_learner(
    path: str | Path,
    model: nn.Module | None = None,
    loss_func: Loss | None = None,
    device: torch.device | str | None = None,
) -> Learner:
    """Read a learner that `Learner.export` has written. Nothing in the file is run as code.

    Parameters
    ----------
    path
        The file.
    model
        For a module of your own, one made as it was made then; the weights are put into it.
    loss_func
        The loss, where it was another than `MSELossFlat()`.
    device
        As of `CollabDataLoaders.from_ratings`.

    Returns
    -------
    Learner
        With its ratings and history; metrics and callbacks are yours to give again.

    Raises
    ------
    ModelFileError
        If there is no such file, or it is damaged or was not written by `Learner.export`.
    SettingError
        If a `model` or a `loss_func` is needed and not given, or the weights don't fit it.
    """
    path = Path(path)
    description, tensors = _read(path)
    try:
        frames = {
            name: pl.read_parquet(io.BytesIO(tensors.pop(name).numpy().tobytes()))
            for name in _PARTS
        }
        users, items, source = frames["users"], frames["items"], description["source"]
        train, valid = (ratings_of(frames[name], users, items, source) for name in _PARTS[2:])
        dls = CollabDataLoaders(
            train,
            valid,
            names=tuple(description["names"]),
            bs=description["bs"],
            device=device,
        )
        module = _module(path, description) if model is None else model
        loss = _loss(path, description) if loss_func is None else loss_func
        _put(module, {name.removeprefix(_WEIGHT): value for name, value in tensors.items()}, path)
        learn = Learner(dls, module, loss, **description["settings"])
        learn.history = description["history"]
    except SettingError:
        raise
    except (LookupError, RuntimeError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ModelFileError(f"{path} does not hold a learner: {first_line(error)}") from error
    return learn


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {}).get("palate", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no file {path}") from error
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelFileError(f"{path} can't be read: {first_line(error)}") from error
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ModelFileError(f"{path} was not written by Learner.export")
    if description["format"] > FORMAT:
        raise ModelFileError(
            f"{path} has format {description['format']}, from Palate {description.get('palate')}; "
            f"this is Palate {version('palate')}, which reads formats up to {FORMAT}"
        )
    if description.pop("sha256", None) != _digest(description, tensors):
        raise ModelFileError(f"{path} is damaged or was changed: its checksum is another")
    return description, tensors


def _module(path: Path, description: dict[str, Any]) -> nn.Module:
    kind = _MODULES.get(description["module"])
    if kind is None or description["arguments"] is None:
        raise SettingError(
            f"{path} holds the weights of a module of your own, {description['module']}; give "
            f"load_learner one as model={description['module']}(...)"
        )
    return kind(**description["arguments"])


def _loss(path: Path, description: dict[str, Any]) -> Loss:
    if description["loss"] is not None:
        raise SettingError(
            f"{path} was trained with the loss {description['loss']}; give it as loss_func="
        )
    return MSELossFlat()


def _put(module: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(weights, assign=True)  # of the precision that they were of
    except RuntimeError as error:
        why = " ".join(str(error).split())
        raise SettingError(
            f"the weights in {path} don't fit {type(module).__name__}: {why}"
        ) from error


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().clone()


def _digest(description: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _name(loss: Loss) -> str:
    return getattr(loss, "__name__", type(loss).__name__)
