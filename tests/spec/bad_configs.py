"""Faulty configurations, each with every line that must be said about it.

In a row's text the sign § stands before each place that a fault points to, in the order of the faults; it is taken out
before the text is read, so that line and column are those of what follows it, found in the text itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nncli import registry
from nncli.errors import NncliError
from nncli.spec import config, read_text

MARK = "§"
TAIL = "input: {shape: [4]}\n"
NETWORK = "network: [{dense: 3}]\n"
SECTIONS = ", ".join(sorted([*config.SECTIONS, "blocks", "network"]))
LIST = "write `network:` and below it one `- layer` for each node"
NUMBERS = "write the number with a decimal point and without separators"


def known(kind: str) -> str:
    """The hint that lists all classes of a kind."""
    return "known: " + ", ".join(sorted(name for name, _ in registry.KINDS[kind].items()))


@dataclass(frozen=True)
class Row:
    """A faulty text, its places marked, and for each place `path: message` and the hint.

    `network` False: the text has (or lacks) a network of its own. `input` False: nothing says the input's shape, so
    that commands that need it say more than these lines.
    """

    marked: str
    faults: tuple[tuple[str, str], ...]
    network: bool = True
    input: bool = True

    @property
    def whole(self) -> str:
        return (NETWORK if self.network else "") + self.marked.rstrip("\n") + "\n" + (TAIL if self.input else "")

    @property
    def text(self) -> str:
        return self.whole.replace(MARK, "")

    def lines(self, file: str) -> list[tuple[str, str]]:
        """What must be said: `file:line:column: path: message` and hint."""
        return [
            (f"{file}:{line}:{column}: {message}", hint)
            for (line, column), (message, hint) in zip(places(self.whole), self.faults, strict=True)
        ]


def places(marked: str) -> Iterator[tuple[int, int]]:
    """Line and column, from 1, of what follows each mark."""
    for number, line in enumerate(marked.splitlines(), 1):
        pieces = line.split(MARK)
        column = 1
        for piece in pieces[:-1]:
            column += len(piece)
            yield number, column


def found(text: str, file: str, *overrides: str) -> list[tuple[str, str]]:
    """What the spec room says of a text."""
    try:
        faults = read_text(text, file, overrides).faults
    except NncliError as error:
        faults = list(error.faults)
    return [(str(fault), fault.hint) for fault in faults]


def layers(marked: str, *faults: tuple[str, str]) -> Row:
    return Row(f"network: [{marked}]", faults, network=False)


def row(marked: str, *faults: tuple[str, str]) -> Row:
    return Row(marked, faults)


UNREADABLE = {
    "a tab": Row(
        "train:\n§\tepochs: 3",
        (("not valid YAML: a tab where spaces are wanted", "YAML indents with spaces, not with tabs"),),
    ),
    "a bracket left open": Row(
        "metrics: [accuracy\nseed§: 3\n",
        (("not valid YAML: the bracket of line 2 is not closed with ']'", "or a comma is missing before this"),),
    ),
    "a quote left open": Row("name: §'x\n", (("not valid YAML: a quote that is not closed", ""),)),
    "a colon too many": Row(
        "name: a§: b",
        (
            (
                "not valid YAML: a ':' in a place where no key can stand",
                "check the indentation of this line and the one before; a text that holds ': ' wants quotes",
            ),
        ),
    ),
    "indentation": Row(
        "metrics:\n  - accuracy\n §- accuracy\n",
        (
            (
                "not valid YAML: the indentation does not fit the lines before",
                "entries of one list or section begin in the same column",
            ),
        ),
    ),
    "a key twice": row("seed: 1\n§seed: 2", ("seed: 'seed' stands twice (first in line 2)", "keep one of the two")),
    "two tags": row(
        "seed: §!!int 3\nname: §!!python/object:os.system x",
        ("seed: the tag '!!int' is not allowed", "remove it; values are read by their form"),
        ("name: the tag '!!python/object:os.system' is not allowed", "remove it; values are read by their form"),
    ),
    "an alias of nothing": row("seed: §*x", ("seed: nothing is anchored as '&x' before this place", "")),
    "a merge key": row(
        "train: {§<<: {epochs: 3}}", ("train: merge keys ('<<') are no part of YAML 1.2", "write the fields out")
    ),
    "a second document": row("seed: 1\n§---\nseed: 2", ("a second YAML document", "keep one document in a file")),
    "a number without end": row("seed: §" + "9" * 30, ("seed: a whole number beyond 9223372036854775807", "")),
    "a control character": row("seed: §\x01", ("a character that YAML does not allow: U+0001", "is this a text file?")),
    "an unknown escape": row(
        'name: "C:\\§data"',
        (
            "not valid YAML: an escape in double quotes that YAML does not know",
            "single quotes take backslashes as they are",
        ),
    ),
    "nested without end": Row(
        "seed: " + "[" * 64 + "§" + "[" * 40,
        (("seed[0][0]: nested deeper than 64 levels", "is a bracket not closed?"),),
    ),
}
"""Texts that are no YAML of ours: nothing is said about sections until they are."""

NETWORKS = {
    "empty file": Row(
        "§", (("the file is empty", "a configuration begins with sections such as `network:`"),), False, False
    ),
    "a list of sections": Row(
        "§- seed\n",
        (("expected sections, found [seed]", "a configuration begins with sections such as `network:`"),),
        False,
        False,
    ),
    "no network": Row("§seed: 1\n", (("there is no network", LIST),), False),
    "network is no list": Row(
        "network: §{dense: 3}\n", (("network: expected a list of layers, found {dense: 3}", LIST),), False
    ),
    "network is empty": Row("network: §[]\n", (("network: expected a list of layers, found []", LIST),), False),
    "entry is a number": layers("§3", ("network[0]: expected a layer, found 3", "write `- relu` or `- dense: 10`")),
    "entry is nothing": layers(
        "§null", ("network[0]: expected a layer, found nothing", "write `- relu` or `- dense: 10`")
    ),
    "entry without layer": layers(
        "§{name: x}", ("network[0]: the entry names no layer", "write `- {dense: 10, name: ...}`")
    ),
    "unknown layer": layers("§rleu", ("network[0]: unknown layer 'rleu'", "did you mean 'relu'?")),
    "unknown layer with fields": layers(
        "{§desne: 3}", ("network[0].desne: unknown layer 'desne'", "did you mean 'dense'?")
    ),
    "nothing like it": layers("§zzqq", ("network[0]: unknown layer 'zzqq'", known("layer"))),
    "field beside the layer": layers(
        "{dense: 3, §bias: false}",
        (
            "network[0].bias: unknown key beside the layer",
            "fields of dense go inside its braces: `dense: {bias: false}`",
        ),
    ),
    "misspelt name": layers(
        "{dense: 3, §nam: x}", ("network[0].nam: unknown key beside the layer", "did you mean 'name'?")
    ),
    "two layers in one entry": layers(
        "§{dense: 3, relu: {}}",
        (
            "network[0]: expected a layer, found several keys: 'dense' and 'relu'",
            "each layer is an entry of its own, with its own `-`",
        ),
    ),
    "type as a key": layers(
        "{§type: dense, units: 3}",
        ("network[0].type: unknown key", "the layer itself is the key: write `dense: {units: 3}`"),
    ),
    "required field": layers(
        "§dense", ("network[0].dense: the field 'units' is required", "write `dense: {units: ...}`")
    ),
    "required field in braces": layers(
        "{dense: §{bias: true}}", ("network[0].dense: the field 'units' is required", "write `dense: {units: ...}`")
    ),
    "unknown field": layers(
        "{conv2d: {filters: 3, §kernal: 3}}", ("network[0].conv2d.kernal: unknown field", "did you mean 'kernel'?")
    ),
    "a field of a layer without": layers("{relu: {§x: 3}}", ("network[0].relu.x: unknown field", "it has no fields")),
    "a value for a layer without": layers(
        "{relu: §3}", ("network[0].relu: 'relu' has no fields, found 3", "write `relu`")
    ),
    "text for a number": layers(
        "{dense: §many}", ("network[0].dense.units: expected a whole number from 1, found 'many'", "")
    ),
    "number in quotes": layers(
        "{dense: §'3'}",
        ("network[0].dense.units: expected a whole number from 1, found '3'", "write the number without quotes"),
    ),
    "separators": layers(
        "{dense: §1_000}", ("network[0].dense.units: expected a whole number from 1, found '1_000'", NUMBERS)
    ),
    "a share for a count": layers(
        "{dense: §3.5}", ("network[0].dense.units: expected a whole number from 1, found 3.5", "")
    ),
    "3.0 for a count": layers(
        "{dense: §3.0}", ("network[0].dense.units: expected a whole number from 1, found 3.0", "write 3")
    ),
    "zero units": layers("{dense: §0}", ("network[0].dense.units: must be greater than 0, found 0", "")),
    "true for a count": layers(
        "{dense: §true}", ("network[0].dense.units: expected a whole number from 1, found true", "")
    ),
    "yes for true": layers(
        "{dense: {units: 3, bias: §yes}}", ("network[0].dense.bias: expected true or false, found 'yes'", "write true")
    ),
    "1 for true": layers(
        "{dense: {units: 3, bias: §1}}", ("network[0].dense.bias: expected true or false, found 1", "write true")
    ),
    "kernel of zero": layers(
        "{conv2d: {filters: 3, kernel: §0}}", ("network[0].conv2d.kernel: must be greater than 0, found 0", "")
    ),
    "half a kernel": layers(
        "{conv2d: {filters: 3, kernel: §[3]}}", ("network[0].conv2d.kernel: expected 2 values, found 1", "")
    ),
    "more than a kernel": layers(
        "{conv2d: {filters: 3, kernel: §[3, 3, 3]}}", ("network[0].conv2d.kernel: expected 2 values, found 3", "")
    ),
    "half of it wrong": layers(
        "{conv2d: {filters: 3, kernel: [3, §-1]}}",
        ("network[0].conv2d.kernel[1]: must be greater than 0, found -1", ""),
    ),
    "a word for a kernel": layers(
        "{conv2d: {filters: 3, kernel: §big}}",
        ("network[0].conv2d.kernel: expected a whole number from 1 or a list of 2, found 'big'", ""),
    ),
    "a padding's name": layers(
        "{conv2d: {filters: 3, padding: §sam}}",
        ("network[0].conv2d.padding: expected 'valid', 'same' or 'full', found 'sam'", ""),
    ),
    "a padding's number": layers(
        "{conv2d: {filters: 3, padding: §-1}}", ("network[0].conv2d.padding: must be at least 0, found -1", "")
    ),
    "padding of a side": layers(
        "{conv2d: {filters: 3, padding: [[1, 1], [1, §x]]}}",
        ("network[0].conv2d.padding[1][1]: expected a whole number from 0, found 'x'", ""),
    ),
    "padding of one axis": layers(
        "{conv2d: {filters: 3, padding: [1, §x]}}",
        ("network[0].conv2d.padding[1]: expected a whole number from 0 or a list of 2, found 'x'", ""),
    ),
    "padding of no kind": layers(
        "{conv2d: {filters: 3, padding: §true}}",
        (
            "network[0].conv2d.padding: expected 'valid', 'same', 'full', a whole number from 0 or a list of 2, "
            "found true",
            "",
        ),
    ),
    "unknown initializer": layers(
        "{dense: {units: 3, init: §zeroes}}",
        ("network[0].dense.init: unknown initializer 'zeroes'", "did you mean 'zeros'?"),
    ),
    "no initializer": layers(
        "{dense: {units: 3, init: §3}}",
        (
            "network[0].dense.init: expected an initializer, found 3",
            "write the name of an initializer, or one `name: {fields}`",
        ),
    ),
    "a name that stands for the input": layers(
        "{dense: 3, name: §input}", ("network[0].name: 'input' stands for the network's input; choose another name", "")
    ),
    "a name with a blank": layers(
        "{dense: 3, name: §a b}",
        ("network[0].name: a name has letters, digits, '_' and '-', and starts with a letter or '_'", ""),
    ),
    "a name that is a number": layers("{dense: 3, name: §3}", ("network[0].name: expected a text, found 3", "")),
    "inputs": layers(
        "{dense: 3, inputs: [§3, §'']}",
        ("network[0].inputs[0]: expected a text, found 3", ""),
        ("network[0].inputs[1]: must not be empty", ""),
    ),
}

CHOICES = {
    "unknown optimizer": row("optimizer: §adma", ("optimizer: unknown optimizer 'adma'", "did you mean 'adam'?")),
    "unknown optimizer with fields": row(
        "optimizer:\n  §adma: {lr: 1}", ("optimizer.adma: unknown optimizer 'adma'", "did you mean 'adam'?")
    ),
    "field beside the optimizer": row(
        "optimizer: §{adam: {}, lr: 3}",
        ("optimizer: expected an optimizer, found {adam: {}, lr: 3}", "fields go inside its braces: `adam: {lr: 3}`"),
    ),
    "indented too little": row(
        "optimizer:\n  §adam:\n  lr: 3",
        ("optimizer: expected an optimizer, found {adam: null, lr: 3}", "fields go inside its braces: `adam: {lr: 3}`"),
    ),
    "two losses": row(
        "loss: §{least_squares: {}, softmax_cross_entropy: {}}",
        (
            "loss: expected a loss, found {least_squares: {}, softmax_cross_entropy: {}}",
            "choose one of 'least_squares' or 'softmax_cross_entropy'",
        ),
    ),
    "optimizer's type as a key": row(
        "optimizer: §{type: adam, lr: 3}",
        (
            "optimizer: expected an optimizer, found {type: adam, lr: 3}",
            "the optimizer itself is the key: write `adam: {lr: 3}`",
        ),
    ),
    "optimizer's type as its only key": row(
        "optimizer: {§type: adam}",
        ("optimizer.type: unknown optimizer 'type'", "the optimizer itself is the key: write `adam: {...}`"),
    ),
    "a number for an optimizer": row(
        "optimizer: §3",
        ("optimizer: expected an optimizer, found 3", "write the name of an optimizer, or one `name: {fields}`"),
    ),
    "a rate below zero": row(
        "optimizer: {adam: {lr: §-1e-3}}", ("optimizer.adam.lr: must be greater than 0, found -0.001", "")
    ),
    "a rate below zero in short": row(
        "optimizer: {adam: §-1}", ("optimizer.adam.lr: must be greater than 0, found -1", "")
    ),
    "a rate that is no number": row(
        "optimizer: {adam: {lr: §.nan}}", ("optimizer.adam.lr: expected a finite number, found nan", "")
    ),
    "a rate without bound": row(
        "optimizer: {adam: {lr: §1e999}}", ("optimizer.adam.lr: expected a finite number, found inf", "")
    ),
    "a rate in quotes": row(
        "optimizer: {adam: {lr: §'1e-3'}}",
        ("optimizer.adam.lr: expected a number, found '1e-3'", "write the number without quotes"),
    ),
    "a decimal comma": row(
        "optimizer: {adam: {lr: §'0,1'}}", ("optimizer.adam.lr: expected a number, found '0,1'", NUMBERS)
    ),
    "no rate": row(
        "optimizer:\n  adam:\n    lr:§",
        ("optimizer.adam.lr: expected a number, found nothing", "write a value, or leave the field out"),
    ),
    "a decay of one": row("optimizer: {adam: {beta1: §1}}", ("optimizer.adam.beta1: must be less than 1, found 1", "")),
    "unknown loss": row(
        "loss: §softmax_crossentropy",
        ("loss: unknown loss 'softmax_crossentropy'", "did you mean 'softmax_cross_entropy'?"),
    ),
    "a metric that is no list": row(
        "metrics: §accuracy", ("metrics: expected a list, found 'accuracy'", "write `[accuracy]`")
    ),
    "unknown metric": row("metrics: [§acuracy]", ("metrics[0]: unknown metric 'acuracy'", "did you mean 'accuracy'?")),
    "a metric twice": row(
        "metrics: [accuracy, §accuracy]",
        (
            "metrics[1]: the metric 'accuracy' stands twice (first as metrics[0])",
            "keep one of the two, or give one a name: `{accuracy: {...}, name: ...}`",
        ),
    ),
    "a value for a metric without fields": row(
        "metrics: [{accuracy: §3}]", ("metrics[0].accuracy: 'accuracy' has no fields, found 3", "write `accuracy`")
    ),
    "a schedule's field": row(
        "schedule: {cosine: {§warmpu: 3}}", ("schedule.cosine.warmpu: unknown field", "did you mean 'warmup'?")
    ),
}

OTHERS = {
    "unknown section": row("§optimzer: adam", ("optimzer: unknown section", "did you mean 'optimizer'?")),
    "nothing like it": row("§x: 1", ("x: unknown section", f"known: {SECTIONS}")),
    "a key with a line break": row('§"x\\ny": 1', ("'x\\ny': unknown section", f"known: {SECTIONS}")),
    "seed": row("seed: §-1", ("seed: must be at least 0, found -1", "")),
    "dtype": row("dtype: §float16", ("dtype: expected 'float32' or 'float64', found 'float16'", "")),
    "threads": row("threads: §0", ("threads: must be greater than 0, found 0", "")),
    "a run's name": row(
        "name: §../x", ("name: a run's name has letters, digits, '_', '-' and '.'; it becomes a folder's name", "")
    ),
    "a name that is a list": row("name: §[a]", ("name: expected a text, found [a]", "")),
    "data without train": row(
        "data: §{shuffle: true}", ("data: the field 'train' is required", "write `data: {train: ...}`")
    ),
    "data is a number": row("data: §3", ("data: expected a mapping of its fields, found 3", "write `{train: 3}`")),
    "a file for a source": row(
        "data: {train: §a/x.npz}",
        ("data.train: unknown source 'a/x.npz'", "a file is written with its kind: `{npz: a/x.npz}`"),
    ),
    "a source without file": row(
        "data: {train: {npz: §{y: labels}}}",
        ("data.train.npz: the field 'path' is required", "write `npz: {path: ...}`"),
    ),
    "no validation": row(
        "data: {train: {npz: x.npz}, validation: §0}",
        ("data.validation: as a count of samples it must be at least 1", ""),
    ),
    "more than all": row(
        "data: {train: {npz: x.npz}, validation: §1.5}",
        ("data.validation: as a share it must lie between 0 and 1; a count is a whole number", ""),
    ),
    "validation is true": row(
        "data: {train: {npz: x.npz}, validation: §true}",
        (
            "data.validation: expected a share, a count or a source, found true",
            "write the name of a source, or one `name: {fields}`",
        ),
    ),
    "validation is a bad source": row(
        "data: {train: {npz: x.npz}, validation: {npz: §{§pth: 3}}}",
        ("data.validation.npz: the field 'path' is required", "write `npz: {path: ...}`"),
        ("data.validation.npz.pth: unknown field", "did you mean 'path'?"),
    ),
    "a step that is no list": row(
        "data: {train: {npz: x.npz}, preprocess: §{scale: 2}}",
        ("data.preprocess: expected a list, found {scale: 2}", "write `[{scale: 2}]`"),
    ),
    "two steps": row(
        "data: {train: {npz: x.npz}, preprocess: [{scale: §x}, §scle]}",
        ("data.preprocess[0].scale.factor: expected a number, found 'x'", ""),
        ("data.preprocess[1]: unknown preprocessing step 'scle'", "did you mean 'scale'?"),
    ),
    "epochs and batch": row(
        "train: {epochs: §0, batch: §1.5}",
        ("train.epochs: must be greater than 0, found 0", ""),
        ("train.batch: expected a whole number from 1, found 1.5", ""),
    ),
    "clip without bound": row("train: {clip: §{}}", ("train.clip: give `norm`, `value` or both", "")),
    "clip is a number": row(
        "train: {clip: §1}", ("train.clip: expected a mapping of its fields, found 1", "write `{norm: 1}`")
    ),
    "clip by zero": row("train: {clip: {norm: §0}}", ("train.clip.norm: must be greater than 0, found 0", "")),
    "early stopping without patience": row(
        "train: {early_stopping: §{mode: min}}",
        ("train.early_stopping: the field 'patience' is required", "write `early_stopping: {patience: ...}`"),
    ),
    "early stopping by what is not measured": row(
        "train: {early_stopping: {patience: 3, metric: §accuracy, mode: §up}}",
        ("train.early_stopping.metric: 'accuracy' is not measured", "add it to `metrics`: `metrics: [accuracy]`"),
        ("train.early_stopping.mode: expected 'min' or 'max', found 'up'", ""),
    ),
    "best by what there is not": row(
        "metrics: [accuracy]\ncheckpoint: {best: {metric: §acuracy}}",
        ("checkpoint.best.metric: 'acuracy' is not measured", "did you mean 'accuracy'?"),
    ),
    "plateau by what is not measured": row(
        "schedule: {plateau: {patience: 3, metric: §accuracy}}",
        ("schedule.plateau.metric: 'accuracy' is not measured", "add it to `metrics`: `metrics: [accuracy]`"),
    ),
    "plateau by what there is not, in short": row(
        "metrics: [accuracy]\nschedule: {plateau: §acuracy}",
        ("schedule.plateau.metric: 'acuracy' is not measured", "did you mean 'accuracy'?"),
    ),
    "input without shape": Row(
        "input: §{classes: 3}", (("input: the field 'shape' is required", "write `input: {shape: ...}`"),), input=False
    ),
    "input without axes": Row(
        "input: {shape: §[]}", (("input.shape: must not be empty", "give at least one"),), input=False
    ),
    "a group that is no list": row(
        "groups: §{nodes: a, lr: 1}",
        ("groups: expected a list, found {nodes: a, lr: 1}", "write `[{nodes: a, lr: 1}]`"),
    ),
    "a group that is a name": row(
        "groups: [§a]", ("groups[0]: expected a mapping of its fields, found 'a'", "write `{nodes: a}`")
    ),
    "diagnose is true": row(
        "diagnose: §true", ("diagnose: expected a mapping of its fields, found true", "known: every")
    ),
    "best is a name": row(
        "checkpoint: {best: §accuracy}",
        ("checkpoint.best: expected a mapping of its fields, found 'accuracy'", "write `{metric: accuracy}`"),
    ),
    "input with an axis of zero": Row(
        "input: {shape: [§0, 3]}", (("input.shape[0]: must be greater than 0, found 0", ""),), input=False
    ),
    "input of one axis": Row(
        "input: {shape: §3}", (("input.shape: expected a list, found 3", "write `[3]`"),), input=False
    ),
}

TOGETHER = {
    "all at once": Row(
        "seed: §-1\nnetwork:\n  - conv2d: {filters: 8, §kernal: 3}\n  - §rleu\n  - dense: §ten\n"
        "§lost: least_squares\noptimizer: {adam: {lr: §fast}}\ntrain:\n  epochs: §0\n  §bach: 3\n",
        (
            ("seed: must be at least 0, found -1", ""),
            ("network[0].conv2d.kernal: unknown field", "did you mean 'kernel'?"),
            ("network[1]: unknown layer 'rleu'", "did you mean 'relu'?"),
            ("network[2].dense.units: expected a whole number from 1, found 'ten'", ""),
            ("lost: unknown section", "did you mean 'loss'?"),
            ("optimizer.adam.lr: expected a number, found 'fast'", ""),
            ("train.epochs: must be greater than 0, found 0", ""),
            ("train.bach: unknown field", "did you mean 'batch'?"),
        ),
        network=False,
    ),
    "in an anchored value": Row(
        "network: [{dense: §&many 0}, {dense: §*many}]",
        (
            ("network[0].dense.units: must be greater than 0, found 0", ""),
            ("network[1].dense.units: must be greater than 0, found 0", ""),
        ),
        network=False,
    ),
    "with Windows line ends": Row(
        "seed: §x\r\ntrain:\r\n  epochs: §0\r\n",
        (
            ("seed: expected a whole number from 0, found 'x'", ""),
            ("train.epochs: must be greater than 0, found 0", ""),
        ),
    ),
}

ROWS: dict[str, Row] = {
    f"{group}: {name}": row
    for group, rows in (
        ("yaml", UNREADABLE), ("network", NETWORKS), ("choices", CHOICES), ("sections", OTHERS), ("together", TOGETHER)
    )
    for name, row in rows.items()
}  # fmt: skip
