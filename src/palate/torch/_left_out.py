"""What fastai's learner has and this one has not, each with its alternative."""

from collections.abc import Mapping

from palate.errors import SettingError

_ARGUMENTS = {
    "splitter": "all parameters are one group; freeze some with requires_grad_(False)",
    "train_bn": "freeze layers with requires_grad_(False)",
    "moms": "pass moms to fit_one_cycle",
    "default_cbs": "pass callbacks as cbs",
    "config": "pass the module's arguments, such as layers",
    "reset_opt": "every fit starts with a new optimiser",
    "start_epoch": "fit for the remaining epochs",
    "with_opt": "only weights are saved, because every fit starts with a new optimiser",
    "suggest_funcs": "the result has .valley and .suggestion",
}
# Values of these arguments that ask for what happens here.
_SAME = {"reset_opt": True, "start_epoch": 0, "with_opt": False}
_METHODS = {
    "to_fp16": "create the learner with mixed_precision=True",
    "to_bf16": "create the learner with mixed_precision=True",
    "to_fp32": "create the learner with mixed_precision=False, the default",
    "fine_tune": "use fit_one_cycle",
    "fit_flat_cos": "use fit_one_cycle, or fit at a constant rate",
    "fit_sgdr": "use fit_one_cycle",
    "freeze_to": "use learn.model.requires_grad_(False) on the tables to keep",
    "add_cb": "pass callbacks as cbs",
    "add_cbs": "pass callbacks as cbs",
    "remove_cb": "pass callbacks as cbs to one fit",
    "no_bar": "set learn.progress = False",
    "no_logging": "set learn.progress = False",
    "opt": "every fit has an optimiser of its own; see opt_func",
    "create_opt": "every fit has an optimiser of its own; see opt_func",
    "tta": "use get_preds",
}


def refuse_arguments(function: str, given: Mapping[str, object]) -> None:
    """Raise SettingError about the first of the arguments that `function` does not have.

    Those of fastai are not refused if their values ask for what happens here.
    """
    for name, value in given.items():
        if name in _ARGUMENTS and value == _SAME.get(name):
            continue
        alternative = _ARGUMENTS.get(name, "see its documentation for those it has")
        raise SettingError(f"{function} has no argument {name}: {alternative}")


def missing_attribute(owner: str, name: str) -> AttributeError:
    """Return the error about an attribute that a learner does not have."""
    alternative = f": {_METHODS[name]}" if name in _METHODS else ""
    return AttributeError(f"{owner} has no attribute {name!r}{alternative}")
