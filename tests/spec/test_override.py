"""`--set path=value`: what each changes, how shorthand is expanded, and what is refused with which words."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import yaml

from nncli.spec import load, read_text
from nncli.spec.override import apply
from nncli.spec.yaml12 import Document, parse
from tests.spec.bad_configs import SECTIONS

BASE = """\
name: base
data: {train: {npz: x.npz}, validation: 0.1, preprocess: [{scale: 2}]}
network:
  - {conv2d: {filters: 32, kernel: 3, padding: 1}, name: stem}
  - relu
  - {conv2d: 16}
  - flatten
  - dense: 10
loss: softmax_cross_entropy
metrics: [accuracy]
"""

# The override, and the same change written into the file by hand: (old text, new text), or what is added at the end.
CHANGES: dict[str, tuple[str, str] | str] = {
    "name=other": ("name: base", "name: other"),
    "seed=3": "seed: 3",
    "seed=0o17": "seed: 15",
    "name='on'": ("name: base", "name: 'on'"),
    "optimizer=adam": "optimizer: adam",
    "optimizer={adam: 0.1}": "optimizer: {adam: 0.1}",
    "optimizer.adam=1e-2": "optimizer: {adam: {lr: 0.01}}",
    "optimizer.adam.lr=1e-2": "optimizer: {adam: {lr: 0.01}}",
    "optimizer.lr=1e-2": "optimizer: {adam: {lr: 0.01}}",
    "schedule.cosine.warmup=5": "schedule: {cosine: {warmup: 5}}",
    "schedule.warmup=5": "schedule: {constant: {warmup: 5}}",
    "train.epochs=3": "train: {epochs: 3}",
    "train={epochs: 3}": "train: {epochs: 3}",
    "train.clip.norm=1": "train: {clip: {norm: 1}}",
    "train.early_stopping.patience=2": "train: {early_stopping: {patience: 2}}",
    "checkpoint.best.metric=loss": "checkpoint: {best: {metric: loss}}",
    "input.shape=[3, 8, 8]": "input: {shape: [3, 8, 8]}",
    "data.validation=500": ("validation: 0.1", "validation: 500"),
    "data.validation=null": (", validation: 0.1", ""),
    "data.validation={npz: v.npz}": ("validation: 0.1", "validation: {npz: v.npz}"),
    "data.test.npz.path=t.npz": ("validation: 0.1", "validation: 0.1, test: {npz: t.npz}"),
    "data.train.npz.path=y.npz": ("{npz: x.npz}", "{npz: y.npz}"),
    "data.train.npz.y=labels": ("{npz: x.npz}", "{npz: {path: x.npz, y: labels}}"),
    "data.train.y=labels": ("{npz: x.npz}", "{npz: {path: x.npz, y: labels}}"),
    "data.train={npz: z.npz}": ("{npz: x.npz}", "{npz: z.npz}"),
    "data.preprocess[0].scale.offset=1": ("{scale: 2}", "{scale: {factor: 2, offset: 1}}"),
    "data.preprocess=[]": (", preprocess: [{scale: 2}]", ""),
    "metrics=[]": ("metrics: [accuracy]", "metrics: []"),
    "metrics[0]=accuracy": ("[accuracy]", "[accuracy]"),
    "loss=least_squares": ("softmax_cross_entropy", "least_squares"),
    "network[0].conv2d.filters=8": ("filters: 32", "filters: 8"),
    "network[0].filters=8": ("filters: 32", "filters: 8"),
    "network.stem.conv2d.filters=8": ("filters: 32", "filters: 8"),
    "network.stem.filters=8": ("filters: 32", "filters: 8"),
    "network.stem.kernel[1]=5": ("kernel: 3", "kernel: [3, 5]"),
    "network.stem.stride[0]=2": ("kernel: 3", "kernel: 3, stride: [2, 1]"),
    "network.stem.padding[0][1]=0": ("padding: 1", "padding: [[1, 0], 1]"),
    "network.stem.init=zeros": ("kernel: 3", "kernel: 3, init: zeros"),
    "network.stem.name=first": ("name: stem", "name: first"),
    "network[1].inputs=stem": ("- relu", "- {relu: {}, inputs: [stem]}"),
    "network[1]=tanh": ("- relu", "- tanh"),
    "network.relu_1={leaky_relu: 0.1}": ("- relu", "- {leaky_relu: 0.1}"),
    "network[2].kernel=5": ("{conv2d: 16}", "{conv2d: {filters: 16, kernel: 5}}"),
    "network.conv2d_2.kernel=5": ("{conv2d: 16}", "{conv2d: {filters: 16, kernel: 5}}"),
    "network[4].dense=20": ("dense: 10", "dense: 20"),
    "network[4].dense.units=20": ("dense: 10", "dense: 20"),
    "network[4].units=20": ("dense: 10", "dense: 20"),
    "network[4].bias=false": ("dense: 10", "dense: {units: 10, bias: false}"),
    "network.dense_1.units=20": ("dense: 10", "dense: 20"),
    "network=[{dense: 2}]": (BASE[BASE.index("network:") : BASE.index("loss:")], "network: [{dense: 2}]\n"),
}


@pytest.mark.parametrize("text", CHANGES)
def test_an_override_does_what_an_edit_of_the_file_does(text: str) -> None:
    change = CHANGES[text]
    if isinstance(change, str):
        edited = BASE + change + "\n"
    else:
        assert BASE.count(change[0]) == 1
        edited = BASE.replace(*change)
    loaded = read_text(BASE, "b.yaml", [text])
    assert loaded.check() == read_text(edited, "b.yaml").check()


def test_later_ones_are_stronger() -> None:
    texts = ["optimizer.lr=1", "train.epochs=3", "optimizer={adam: {beta1: 0.5}}", "optimizer.adam.lr=2"]
    config = read_text(BASE, "b.yaml", texts).check()
    assert (config.optimizer.lr, config.optimizer.beta1, config.train.epochs) == (2.0, 0.5, 3)


def test_the_document_that_was_read_is_not_changed_inside() -> None:
    """Plain values are replaced, never written into: values that an alias repeats stay apart."""
    text = "network: [{conv2d: &c {filters: 4}}, {conv2d: *c}]\ninput: {shape: [1, 8, 8]}\n"
    config = read_text(text, "b.yaml", ["network[1].filters=9"]).check()
    assert [node.layer.filters for node in config.network] == [4, 9]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("optimizer.lr=-1", "optimizer.adam.lr"),
        ("optimizer={adam: {lr: -1}}", "optimizer.adam.lr"),
        ("network.stem.kernel[1]=-1", "network[0].conv2d.kernel[1]"),
        ("network[1]={dense: -1}", "network[1].dense.units"),
    ],
)
def test_faults_of_what_was_set_point_to_the_option(text: str, path: str) -> None:
    (fault,) = read_text(BASE, "b.yaml", [text]).faults
    assert str(fault) == f"--set {text}: {path}: must be greater than 0, found -1"
    assert fault.line is None


def test_faults_beside_what_was_set_keep_their_places() -> None:
    text = BASE.replace("filters: 32, kernel: 3", "filters: 32, kernel: -3")
    (fault,) = read_text(text, "b.yaml", ["network.stem.filters=8"]).faults
    line = text[: text.index("-3")].count("\n") + 1
    assert str(fault).startswith(
        f"b.yaml:{line}:{text.splitlines()[line - 1].index('-3') + 1}: network[0].conv2d.kernel: "
    )


def test_no_place_is_left_of_what_was_replaced() -> None:
    document = parse(BASE, "b.yaml")
    assert apply(document, "network[0]={conv2d: {filters: 8, kernel: -3}}") == []
    assert not [path for path in {**document.values, **document.keys} if path[:2] == ("network", 0)]
    assert document.fault(("network", 0, "conv2d", "kernel"), "x").line is None
    assert document.place(("network", 0)) == "--set network[0]={conv2d: {filters: 8, kernel: -3}}"
    assert apply(document, "network=[relu]") == []
    assert [path for path in document.overridden if path] == [("network",)]


FORM = "write `path=value`, such as `optimizer.adam.lr=0.01` or `network[3].filters=8`"
REFUSED = {
    "": (": there is no '='", FORM),
    "optimizer": (": there is no '='", FORM),
    "=3": (": there is no path", FORM),
    "a..b=3": (": 'a..b' is no path; indices count from 0", FORM),
    "network[-1].units=3": (": 'network[-1].units' is no path; indices count from 0", FORM),
    "[0]=3": (": '[0]' is no path; indices count from 0", FORM),
    "optimzer.adam.lr=3": (": optimzer: unknown section", "did you mean 'optimizer'?"),
    "x=3": (": x: unknown section", f"known: {SECTIONS}"),
    "seed=[1": (": seed: the value cannot be read: not valid YAML: the bracket of line 1 is not closed with ']'", None),
    "name=@x": (
        ": name: the value cannot be read: not valid YAML: a text cannot begin with '@'",
        "put the text in quotes",
    ),
    "seed.x=3": (": seed.x: 'seed' is a whole number from 0, it has no parts", "write `seed=...`"),
    "train.epoch=3": (": train.epoch: unknown field", "did you mean 'epochs'?"),
    "train[0]=3": (
        ": train[0]: 'train' has fields, not entries",
        "known: accumulate, batch, clip, early_stopping, ema, epochs, on_divergence",
    ),
    "train.clip.nrm=3": (": train.clip.nrm: unknown field", "did you mean 'norm'?"),
    "optimizer.adam.lrr=3": (": optimizer.adam.lrr: unknown field", "did you mean 'lr'?"),
    "optimizer.adma.lr=3": (": optimizer.adma: neither an optimizer nor a field of adam", "did you mean 'adam'?"),
    "optimizer.zzqq=3": (
        ": optimizer.zzqq: neither an optimizer nor a field of adam",
        "fields of adam: lr, beta1, beta2, eps, weight_decay, decoupled, decay_all",
    ),
    "data.test.npzz.path=3": (": data.test.npzz: unknown source 'npzz'", "did you mean 'npz'?"),
    "data.test[0]=3": (": data.test[0]: unknown source '0'", None),
    "data.shuffle.x=3": (
        ": data.shuffle.x: 'data.shuffle' is true or false, it has no parts",
        "write `data.shuffle=...`",
    ),
    "loss.least_squares={}": (
        ": loss.least_squares: here stands 'softmax_cross_entropy'",
        "to choose another loss: --set loss='{least_squares: {}}'",
    ),
    "network[1].dense.units=3": (
        ": network[1].dense: here stands 'relu'",
        "to choose another layer: --set network[1]='{dense: {units: 3}}'",
    ),
    "data.validation.npz.path=v.npz": (
        ": data.validation.npz: here stands 0.1",
        "to choose another source: --set data.validation='{npz: {path: v.npz}}'",
    ),
    "network[5].units=3": (
        ": network[5]: there is no entry 5: 'network' has 5 entries, counted from 0",
        "to add entries write the whole list, `network=[...]`",
    ),
    "metrics[1]=accuracy": (
        ": metrics[1]: there is no entry 1: 'metrics' has 1 entry, counted from 0",
        "to add entries write the whole list, `metrics=[...]`",
    ),
    "metrics.0=accuracy": (": metrics.0: 'metrics' is a list", "write `metrics[0]`"),
    "network.stm.filters=3": (": network.stm: no node is called 'stm'", "did you mean 'stem'?"),
    "network.0.filters=3": (": network.0: no node is called '0'", "write `network[0]`"),
    "network.stem.filtrs=3": (": network[0].filtrs: no field of conv2d", "did you mean 'filters'?"),
    "network.stem.conv2d.filtrs=3": (": network[0].conv2d.filtrs: unknown field", "did you mean 'filters'?"),
    "network.stem.filters.x=3": (
        ": network[0].conv2d.filters.x: 'network[0].conv2d.filters' is a whole number from 1, it has no parts",
        None,
    ),
    "network.stem.kernel[2]=3": (
        ": network[0].conv2d.kernel[2]: there is no entry 2: 'network[0].conv2d.kernel' has 2 entries, counted from 0",
        None,
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    """The fault in its exact words; the file itself stays as it is, and its own faults are told beside it."""
    message, hint = REFUSED[text]
    document = parse(BASE, "b.yaml")
    (fault,) = apply(document, text)
    assert str(fault) == f"--set {text}{message}"
    if hint is not None:
        assert fault.hint == hint
    assert document.plain == parse(BASE, "b.yaml").plain
    assert document.overridden == {}
    faults = read_text(BASE + "sed: 1\n", "b.yaml", [text, "train.epochs=0"]).faults
    assert [str(fault).split(": ")[-1] for fault in faults[1:]] == [
        "must be greater than 0, found 0",
        "unknown section",
    ]


@pytest.mark.parametrize("text", [text for text, (_, hint) in REFUSED.items() if hint and "--set" in hint])
def test_the_remedy_that_a_hint_names_works(text: str) -> None:
    hint = str(REFUSED[text][1])
    _, remedy = shlex.split(hint[hint.index("--set") :])
    assert apply(parse(BASE, "b.yaml"), remedy) == []
    assert read_text(BASE, "b.yaml", [remedy]).check() != read_text(BASE, "b.yaml").check()


@pytest.mark.parametrize(
    ("text", "override", "message"),
    [
        ("network: 3", "network[0].units=3", "here stands 3, not a list"),
        ("seed: 3", "network[0].units=3", "the file has no network"),
        ("network: [3]", "network[0].units=3", "here stands 3, not a layer"),
        ("network: [rleu]", "network[0].units=3", "unknown layer 'rleu'"),
        ("optimizer: 3", "optimizer.adam.lr=3", "here stands 3"),
        ("optimizer: adma", "optimizer.adma.lr=3", "unknown optimizer 'adma'"),
        ("train: 3", "train.epochs=3", "here stands 3, not a mapping"),
        ("metrics: accuracy", "metrics[0]=accuracy", "here stands 'accuracy', not a list"),
        ("metrics: {a: 1}", "metrics[0]=accuracy", "here stands {a: 1}, not a list"),
    ],
)
def test_nothing_is_set_in_what_is_faulty(text: str, override: str, message: str) -> None:
    document = parse(text, "b.yaml")
    (fault,) = apply(document, override)
    assert fault.message == message


@pytest.mark.parametrize("plain", [None, 3, (1,)])
def test_a_document_without_sections_is_left_to_the_decoder(plain: Any) -> None:
    document = Document(plain, "b.yaml")
    assert apply(document, "seed=3") == []
    assert document.plain == plain


def test_values_are_yaml_as_in_the_file() -> None:
    """A value means what PyYAML's structure and the scalars of YAML 1.2 make of it."""
    document = parse("name: x\n", "b.yaml")
    assert apply(document, "train={epochs: 1e-3, batch: [no, {a: ~}]}") == []
    plain = yaml.load("{epochs: 1e-3, batch: [no, {a: ~}]}", yaml.BaseLoader)
    assert document.plain["train"] == {"epochs": 0.001, "batch": ("no", {"a": None})}
    assert list(plain) == list(document.plain["train"])


def test_a_shipped_configuration(tmp_path: Any) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(BASE)
    assert load(path, ["seed=5"]).check().seed == 5
