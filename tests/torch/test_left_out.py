"""What fastai 2.8 has is here with its meaning, or refused with its alternative.

`FASTAI` has its parameters, which `test_the_parameters_are_those_of_fastai` compares where fastai
is installed.
"""

import inspect
from operator import attrgetter
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
import palate.torch
from palate.torch import CollabDataLoaders, Learner, collab_learner
from palate.torch._left_out import ARGUMENTS, ATTRIBUTES, WITHOUT_EFFECT
from palate.torch._recorder import Recorder

_LOADER = (
    "num_workers verbose do_setup pin_memory timeout batch_size drop_last indexed n device "
    "persistent_workers pin_memory_device wif before_iter after_item before_batch after_batch "
    "after_iter create_batches create_item create_batch retain get_idxs sample shuffle_fn do_batch"
)
# The names of parameters, those before the star in fastai's order, which is ours too. The first is
# missing where it has another name here.
FASTAI = {
    "CollabDataLoaders.from_df": "ratings valid_pct user_name item_name rating_name seed path * bs "
    f"val_bs shuffle shuffle_train val_shuffle dl_type dl_kwargs {_LOADER}",
    "CollabDataLoaders.show_batch": "* b max_n ctxs show unique",
    "CollabDataLoaders.test_dl": f"test_items * rm_type_tfms with_labels bs shuffle {_LOADER}",
    "collab_learner": "dls n_factors use_nn emb_szs layers * config y_range loss_func opt_func lr "
    "splitter cbs metrics path model_dir wd wd_bn_bias train_bn moms default_cbs",
    "Learner": "dls model loss_func opt_func lr * splitter cbs metrics path model_dir wd "
    "wd_bn_bias train_bn moms default_cbs",
    "Learner.fit_one_cycle": "n_epoch lr_max div div_final pct_start wd moms cbs * reset_opt "
    "start_epoch",
    "Learner.fit": "n_epoch lr wd cbs * reset_opt start_epoch",
    "Learner.lr_find": "start_lr end_lr num_it stop_div show_plot * suggest_funcs",
    "Learner.get_preds": "ds_idx dl with_input with_decoded * with_loss act inner reorder cbs "
    "save_preds save_targs with_preds with_targs concat_dim pickle_protocol",
    "Learner.predict": "* rm_type_tfms with_input",
    "Learner.validate": "ds_idx dl * cbs",
    "Learner.show_results": "ds_idx dl max_n shuffle",
    "Learner.save": "file * with_opt pickle_protocol",
    "Learner.load": "file * device with_opt strict",
    "Learner.export": "fname * pickle_module pickle_protocol",
    "Learner.summary": "",
    "Learner.freeze": "",
    "Learner.unfreeze": "",
    "load_learner": "fname * cpu pickle_module",
    "EmbeddingDotBias": "n_factors n_users n_items y_range",
    "EmbeddingDotBias.from_classes": "n_factors classes user item y_range",
    "EmbeddingDotBias.bias": "arr is_item",
    "EmbeddingDotBias.weight": "arr is_item",
    "EmbeddingNN": "emb_szs layers * ps embed_p y_range use_bn bn_final bn_cont act_cls lin_first",
    "Embedding": "ni nf std",
    "get_emb_sz": "* sz_dict",
    "MSELossFlat": "* axis floatify reduction",
    "CrossEntropyLossFlat": "* axis weight ignore_index reduction flatten floatify is_2d",
    "TrackerCallback": "monitor comp min_delta reset_on_fit",
    "EarlyStoppingCallback": "monitor comp min_delta patience reset_on_fit",
    "SaveModelCallback": "monitor comp min_delta fname every_epoch at_end * with_opt reset_on_fit",
    "Adam": "params lr mom sqr_mom eps * wd decouple_wd",
    "SGD": "params lr mom * wd decouple_wd",
    "rmse": "preds targs",
    "mse": "inp targ",
    "mae": "inp targ",
    "accuracy": "inp targ axis",
    "error_rate": "inp targ axis",
    "Recorder.plot_loss": "skip_start with_valid log show_epochs ax",
    "Recorder.plot_sched": "* keys figsize",
    "untar_data": "url * archive data c_key force_download base",
    "set_seed": "s reproducible",
    "sigmoid_range": "x low high",
    "one_hot": "x c",
}
PAIRS = [
    (function, name)
    for function, names in FASTAI.items()
    for name in names.replace("*", "").split()
]
# What a user of fastai may reach for.
LOADERS = (
    "train valid train_ds valid_ds dataset items loaders classes vocab cat_names cont_names "
    "x_names y_names procs xs ys bs device path n n_inp split_idx shuffle drop_last num_workers "
    "one_batch show_batch test_dl new add_tfms after_item after_batch before_batch decode "
    "decode_batch to cuda cpu show_results"
)
LEARNER = (
    "dls model loss_func opt_func lr wd wd_bn_bias metrics cbs path model_dir recorder history "
    "epoch splitter train_bn moms default_cbs opt create_opt to_fp16 to_bf16 to_fp32 fine_tune "
    "freeze freeze_to unfreeze fit fit_one_cycle fit_flat_cos fit_sgdr lr_find validate predict "
    "get_preds show_results summary save load export add_cb add_cbs remove_cb remove_cbs "
    "added_cbs removed_cbs ordered_cbs no_bar no_mbar no_logging logger progress tta "
    "validation_context one_batch loss smooth_loss n_epoch iter train_iter pct_train training "
    "pred x y xb yb to cuda cpu show_training_loop"
)


def ours(function):
    return attrgetter(function)(SimpleNamespace(**vars(palate.torch), Recorder=Recorder))


def signature(function):
    return list(inspect.signature(ours(function)).parameters.values())


def is_missing(function, name):
    """Return whether it is in none of the signatures that get the argument."""
    passed_on = {"collab_learner": ["Learner"]}.get(function, [])
    return all(name not in {p.name for p in signature(one)} for one in [function, *passed_on])


MISSING = [pair for pair in PAIRS if is_missing(*pair)]


def alternative(function, name):
    return ARGUMENTS.get(specific(function, name), ARGUMENTS.get(name))


def specific(function, name):
    return f"{function.rpartition('.')[2]}.{name}"


@pytest.fixture
def learn(tiny):
    return collab_learner(tiny, n_factors=2, progress=False)


@pytest.mark.parametrize("function", FASTAI)
def test_parameters_by_position_are_those_of_fastai(function):
    by_position = FASTAI[function].partition("*")[0].split()
    ours = [p.name for p in signature(function) if p.name != "self"]
    assert ours[: len(by_position)] == by_position


@pytest.mark.parametrize(
    ("function", "name"), [pair for pair in MISSING if pair[1] not in WITHOUT_EFFECT]
)
def test_an_argument_that_is_left_out_is_refused_with_its_alternative(function, name, tiny):
    """Before anything else is looked at."""
    given = [tiny] if function == "collab_learner" else []  # which passes it on
    with pytest.raises(palate.SettingError) as refusal:
        ours(function)(*given, **{name: object()})
    refusing = {"collab_learner": "Learner"}.get(function, function.rpartition(".")[2])
    assert str(refusal.value) == (
        f"{refusing} has no argument {name}: {alternative(function, name)[0]}"
    )


def test_every_alternative_is_that_of_an_argument_of_fastai():
    names = {name for _, name in MISSING}
    assert set(ARGUMENTS) <= names | {specific(*pair) for pair in MISSING}
    assert names >= WITHOUT_EFFECT


def test_values_that_ask_for_what_happens_anyway_are_accepted(table, tiny, learn, tmp_path):
    few = table.head(40)
    dls = CollabDataLoaders.from_df(
        few, shuffle=True, shuffle_train=True, val_shuffle=False, drop_last=None, num_workers=4
    )
    assert len(dls.train.ratings) == 32
    learn = collab_learner(
        tiny, config=None, moms=(0.95, 0.85, 0.95), train_bn=True, splitter=None, progress=False
    )
    learn.fit_one_cycle(1, reset_opt=True, start_epoch=0)
    learn.fit(1, reset_opt=True)
    path = learn.save(tmp_path / "own", with_opt=False, pickle_protocol=2)
    assert learn.load(path, device=None, with_opt=False, strict=True) is learn
    assert len(learn.get_preds(with_loss=False, reorder=True, inner=False, cbs=None)) == 2
    palate.torch.EmbeddingNN(
        [(3, 2), (3, 2)], [2], ps=0.0, embed_p=0.0, use_bn=True, bn_final=False
    )


@pytest.mark.parametrize(
    ("function", "given"),
    [
        ("Learner.fit", {"reset_opt": False}),
        ("Learner.fit", {"start_epoch": 1}),
        ("Learner.fit", {"reset_opt": 1}),
        ("CollabDataLoaders.from_df", {"shuffle": False}),
        ("CollabDataLoaders.test_dl", {"shuffle": True}),
        ("Learner.load", {"strict": False}),
        ("Learner", {"moms": np.array([0.95, 0.85, 0.95])}),
        ("EmbeddingNN", {"ps": [0.1, 0.1]}),
    ],
)
def test_other_values_are_refused(function, given):
    with pytest.raises(palate.SettingError, match=f"has no argument {next(iter(given))}: "):
        ours(function)(**given)


@pytest.mark.parametrize(
    ("owner", "names"), [("CollabDataLoaders", LOADERS), ("Loader", LOADERS), ("Learner", LEARNER)]
)
def test_an_attribute_of_fastai_is_there_or_refused_with_its_alternative(owner, names, tiny, learn):
    value = {"CollabDataLoaders": tiny, "Loader": tiny.train, "Learner": learn}[owner]
    for name in names.split():
        if name in ATTRIBUTES[owner]:
            with pytest.raises(AttributeError) as refusal:
                getattr(value, name)
            expected = f"{owner} has no attribute {name!r}: {ATTRIBUTES[owner][name]}"
            assert str(refusal.value) == expected
            assert not hasattr(value, name)
        elif owner != "Loader":
            getattr(value, name)
    assert set(ATTRIBUTES[owner]) <= set(names.split())


def test_an_attribute_of_the_module_is_named_as_such(learn):
    """Fastai's learner passes them on."""
    with pytest.raises(
        AttributeError, match=r"no attribute 'u_weight': use learn\.model\.u_weight$"
    ):
        learn.u_weight  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        learn.nonsense  # noqa: B018


def test_a_learner_of_ones_own_names_alternatives_too(tiny):
    class Own(Learner):
        def __init__(self, dls):
            self.before = hasattr(self, "model")
            super().__init__(dls, palate.torch.DotProductBias(*dls.sizes, 2))

    learn = Own(tiny)
    assert not learn.before
    with pytest.raises(AttributeError, match="Own has no attribute 'to_fp16': create the learner"):
        learn.to_fp16()


def test_loaders_by_number_and_their_folder(table, tmp_path):
    dls = CollabDataLoaders.from_df(table.head(40), path=tmp_path, bs=4)
    assert (dls[0], dls[1], list(dls)) == (dls.train, dls.valid, [dls.train, dls.valid])
    learn = collab_learner(dls, progress=False)
    assert learn.path == dls.path == tmp_path
    assert learn.save("own") == tmp_path / "models" / "own.safetensors"
    learn.export()
    assert palate.torch.load_learner(tmp_path / "export.safetensors").dls.bs == 4
    with pytest.raises(palate.SettingError, match="model is True; it must be a module"):
        palate.torch.load_learner(tmp_path / "export.safetensors", True)  # fastai's cpu=True


def test_a_class_of_the_chapter_that_derives_from_a_name_left_out(tiny):
    """It is refused where the class is written, not at its first use."""
    message = r"fastai's TabularModel is not in palate\.torch; use CollabNN or EmbeddingNN"
    with pytest.raises(palate.SettingError, match=message):
        exec(
            "from palate.torch import *\n"
            "@delegates(TabularModel)\n"
            "class Own(TabularModel):\n"
            "    def __init__(self, emb_szs, layers, **kwargs):\n"
            "        super().__init__(emb_szs, layers=layers, n_cont=0, out_sz=1, **kwargs)\n",
            {},
        )


def test_a_name_left_out_as_an_argument(tiny):
    module = palate.torch.DotProductBias(*tiny.sizes, 2)
    learn = Learner(tiny, module, opt_func=palate.torch.ranger, progress=False)
    with pytest.raises(palate.SettingError, match=r"fastai's ranger is not in .* use Adam as opt_"):
        learn.fit(1)
    with pytest.raises(palate.SettingError, match=r"no argument suggest_funcs: .* has \.valley"):
        learn.lr_find(suggest_funcs=(palate.torch.valley, palate.torch.slide))
    with pytest.raises(
        palate.SettingError,
        match=r"use learn\.history after the fit.* is not an instance of Callback",
    ):
        learn.fit(1, cbs=palate.torch.CSVLogger)
