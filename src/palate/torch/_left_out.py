"""What fastai has and palate.torch has not, each with its alternative; see `_refusals`."""

from collections.abc import Mapping

# Names that it exports.
NAMES = {
    "TabularModel": "CollabNN or EmbeddingNN, or write a module with layers of its own",
    "TabularPandas": "CollabDataLoaders.from_df",
    "TabularCollab": "CollabDataLoaders.from_df",
    "TabularDataLoaders": "CollabDataLoaders",
    "DataBlock": "CollabDataLoaders.from_df",
    "DataLoaders": "CollabDataLoaders",
    "Categorify": "CollabDataLoaders.from_df, which numbers users and items by itself",
    "FillMissing": "palate.read_ratings, which says what is missing",
    "Normalize": "CollabDataLoaders.from_df, which takes ratings as they are",
    "RandomSplitter": "valid_pct= and seed= of CollabDataLoaders.from_df",
    "tabular_config": "the arguments of EmbeddingNN",
    "tabular_learner": "collab_learner",
    "TabularLearner": "Learner",
    "trainable_params": "requires_grad_(False) on the tables to keep: all are one group",
    "CSVLogger": "learn.history after the fit, as in pd.DataFrame(learn.history).to_csv(...)",
    "ShowGraphCallback": "learn.recorder.plot_loss() after the fit",
    "ProgressCallback": "learn.progress",
    "ReduceLROnPlateau": "fit_one_cycle, whose learning rate falls",
    "ParamScheduler": "fit_one_cycle",
    "GradientClip": "a Callback whose after_backward clips the gradients",
    "MixedPrecision": "mixed_precision=True of the learner",
    "RMSProp": "torch.optim.RMSprop as opt_func",
    "RAdam": "torch.optim.RAdam as opt_func",
    "ranger": "Adam as opt_func",
    "L1LossFlat": "nn.L1Loss()",
    "valley": "lr_find(), whose result has .valley",
    "slide": "lr_find(), whose result has .valley and .suggestion",
    "steep": "lr_find(), whose result has .valley and .suggestion",
    "minimum": "lr_find(), whose result has .valley and .suggestion",
}


_ONE_GROUP = "all parameters are one group; freeze some with requires_grad_(False)"
_FREEZE_LAYERS = "freeze layers with requires_grad_(False)"
_OWN_MODULE = "write a module of your own with it; see CollabNN for an example"
_BATCHES = "batches are tensors; change the table before, or the module's forward"
_DATA_FOLDER = "the folder is set by the environment variable PALATE_DATA"
_WHAT_RETURNED = "use what it returns"
_ORDER = "training ratings are always shuffled; dls.train.x and dls.train.y are in order"
# Arguments by their names, or by function and name where functions differ: the alternative, and
# the values that ask for what happens here anyway.
ARGUMENTS: Mapping[str, tuple[object, ...]] = {
    "splitter": (_ONE_GROUP, None),
    "train_bn": (_FREEZE_LAYERS, True),
    "moms": ("pass moms to fit_one_cycle", None, (0.95, 0.85, 0.95)),
    "default_cbs": ("pass callbacks as cbs; progress=False prints nothing", True),
    "config": ("pass the module's arguments, such as layers", None),
    "reset_opt": ("every fit starts with a new optimiser", True),
    "start_epoch": ("fit for the remaining epochs", 0),
    "with_opt": ("only weights are saved, because every fit starts with a new optimiser", False),
    "strict": ("all weights must fit; copy some with learn.model.load_state_dict", True),
    "cpu": ("pass device='cpu' or device='cuda'",),
    "suggest_funcs": ("the result has .valley and .suggestion",),
    "with_loss": ("compute the losses from the predictions and ratings that it returns", False),
    "inner": (_WHAT_RETURNED, False),
    "save_preds": ("save what it returns with torch.save", None),
    "save_targs": ("save what it returns with torch.save", None),
    "with_preds": (_WHAT_RETURNED, True),
    "with_targs": (_WHAT_RETURNED, True),
    "concat_dim": ("batches are joined along the first axis", 0),
    "cbs": ("callbacks are for fits", None),
    "with_input": ("the row is the first that it returns", False),
    "rm_type_tfms": ("ids are taken as they are", None),
    "with_labels": ("pass batches (dls.positions(users, items), ratings) as dl", False),
    "b": ("it shows a new batch; see one_batch() for its tensors", None),
    "ctxs": ("it prints text", None),
    "show": ("it prints text", True),
    "unique": ("it prints different rows", False),
    "shuffle": (_ORDER, True),
    "test_dl.shuffle": ("shuffle the table before", False),
    "shuffle_train": (_ORDER, None, True),
    "val_shuffle": ("held-out ratings keep their order, which changes no loss", False),
    "test_dl.drop_last": ("all rows are in batches", False),
    "drop_last": ("only training drops a last short batch; choose bs so that there is none", None),
    "n": ("pass the rows of the table to use", None),
    "device": ("tensors are on the device of the loaders; create those with device=", None),
    "batch_size": ("pass bs", None),
    "dl_kwargs": ("pass bs and val_bs", None),
    "ps": (_OWN_MODULE, None, 0, 0.0),
    "embed_p": (_OWN_MODULE, 0, 0.0),
    "use_bn": (_OWN_MODULE, True),
    "bn_final": (_OWN_MODULE, False),
    "act_cls": (_OWN_MODULE,),
    "lin_first": (_OWN_MODULE, True),
    "axis": ("both are flattened; for an axis of classes use CrossEntropyLossFlat", -1),
    "flatten": ("both are flattened; use nn.CrossEntropyLoss", True),
    "floatify": ("the class of a rating is a whole number", False),
    "MSELossFlat.floatify": ("ratings are floating-point numbers", True),
    "is_2d": ("there is one axis of classes; use nn.CrossEntropyLoss", True),
    "Adam.wd": ("pass wd to the learner or the fit",),
    "SGD.wd": ("pass wd to the learner or the fit",),
    "Adam.decouple_wd": ("use torch.optim.Adam", True),
    "SGD.decouple_wd": ("the decay is part of the gradient, as in torch.optim.SGD", False),
    "archive": (_DATA_FOLDER, None),
    "data": (_DATA_FOLDER, None),
    "c_key": (_DATA_FOLDER, "data"),
    "base": (_DATA_FOLDER, None),
    "force_download": ("remove the folder that it returned before", False),
    "keys": ("learning rates are drawn; see recorder.moms for the others", None),
    "figsize": ("pass ax=plt.subplots(figsize=...)[1]", None),
} | dict.fromkeys(
    [
        *("indexed", "dl_type", "wif", "retain", "sample", "get_idxs", "shuffle_fn", "do_batch"),
        *("before_iter", "after_item", "before_batch", "after_batch", "after_iter"),
        *("create_batches", "create_item", "create_batch"),
    ],
    (_BATCHES, None),
)
# Arguments of any value: ratings are tensors in memory, no file has a pickle, and there is no
# continuous variable.
WITHOUT_EFFECT = {
    *("num_workers", "pin_memory", "pin_memory_device", "persistent_workers", "timeout"),
    *("verbose", "do_setup", "reorder", "pickle_module", "pickle_protocol", "bn_cont"),
}

_DEVICE = "create the loaders with device="
_CBS = "pass callbacks as cbs to the learner or to one fit"
_PROGRESS = "set learn.progress = False"
_OPTIMISER = "every fit has an optimiser of its own; see opt_func"
_MIXED = "create the learner with mixed_precision=True"
_CURRENT = "use learn.step, learn.steps and learn.epoch"
_BATCH = "a callback has no batch; use learn.outputs(dls.train.x)"
_RATINGS = "use dls.train.ratings and dls.valid.ratings, or x and y of dls.train and dls.valid"
_ONE_TABLE = "a batch is x, the positions of users and items (see dls.classes), and y, the ratings"
_OF_LOADERS = {
    "train_ds": f"{_RATINGS}; get_emb_sz takes dls",
    "valid_ds": _RATINGS,
    "dataset": _RATINGS,
    "items": _RATINGS,
    "loaders": "use dls.train and dls.valid",
    "vocab": "use dls.classes",
    "cat_names": "use list(dls.classes)",
    "cont_names": "there are no continuous variables",
    "x_names": "use list(dls.classes)",
    "y_names": _ONE_TABLE,
    "procs": _ONE_TABLE,
    "xs": _RATINGS,
    "ys": _RATINGS,
    "decode": "use dls.shown(x)",
    "decode_batch": "use dls.shown(x)",
    "n": "use len(dls.train.ratings)",
    "n_inp": _ONE_TABLE,
    "split_idx": "use len(dls.train.ratings)",
    "shuffle": "use dls.train.shuffled",
    "drop_last": "only training drops a last short batch",
    "num_workers": "ratings are tensors in memory; there are no workers",
    "new": "create other loaders",
    "add_tfms": _BATCHES,
    "after_item": _BATCHES,
    "before_batch": _BATCHES,
    "after_batch": _BATCHES,
    "to": _DEVICE,
    "cuda": _DEVICE,
    "cpu": _DEVICE,
    "show_results": "use learn.show_results()",
}
# By the names of classes; those that inherit from them have the same.
ATTRIBUTES = {
    "Learner": {
        "to_fp16": _MIXED,
        "to_bf16": _MIXED,
        "to_fp32": "create the learner with mixed_precision=False, the default",
        "fine_tune": "use fit_one_cycle",
        "fit_flat_cos": "use fit_one_cycle, or fit at a constant rate",
        "fit_sgdr": "use fit_one_cycle",
        "freeze_to": "use learn.model.requires_grad_(False) on the tables to keep",
        "add_cb": _CBS,
        "add_cbs": _CBS,
        "added_cbs": _CBS,
        "remove_cb": _CBS,
        "remove_cbs": _CBS,
        "removed_cbs": _CBS,
        "ordered_cbs": "use learn.cbs",
        "default_cbs": "use learn.cbs",
        "show_training_loop": "see Callback for the events of a fit",
        "no_bar": _PROGRESS,
        "no_mbar": _PROGRESS,
        "no_logging": _PROGRESS,
        "logger": "set learn.progress to a function, which gets each row of the history",
        "opt": _OPTIMISER,
        "create_opt": _OPTIMISER,
        "moms": "pass moms to fit_one_cycle",
        "splitter": _ONE_GROUP,
        "train_bn": _FREEZE_LAYERS,
        "tta": "use get_preds",
        "validation_context": "use validate",
        "one_batch": "use dls.one_batch()",
        "loss": "use learn.last_loss",
        "smooth_loss": "use learn.recorder.train_loss",
        "n_epoch": _CURRENT,
        "iter": _CURRENT,
        "train_iter": _CURRENT,
        "pct_train": _CURRENT,
        "training": "use learn.model.training",
        "pred": _BATCH,
        "x": _BATCH,
        "y": _BATCH,
        "xb": _BATCH,
        "yb": _BATCH,
        "to": _DEVICE,
        "cuda": _DEVICE,
        "cpu": _DEVICE,
    },
    "CollabDataLoaders": _OF_LOADERS,
    "Loader": _OF_LOADERS
    | {"device": "use dls.device", "classes": "use dls.classes", "show_batch": "use dls"},
}
