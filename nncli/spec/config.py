"""The sections of a configuration, as frozen dataclasses: what each field is, its default and its bounds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, MinLen
from pydantic import AfterValidator, BeforeValidator, Field

from nncli.fields import CHOICE, Choice, Count, Decay, Every, Natural, NonNegative, Positive, Section, Text
from nncli.registry import section
from nncli.responses.stop import Stop

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def _node_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a name has letters, digits, '_' and '-', and starts with a letter or '_'")
    if name == "input":
        raise ValueError("'input' stands for the network's input; choose another name")
    return name


def _run_name(name: str) -> str:
    if not _RUN_NAME.fullmatch(name):
        raise ValueError("a run's name has letters, digits, '_', '-' and '.'; it becomes a folder's name")
    return name


def _inputs(value: Any) -> Any:
    """One name stands for a list of it."""
    return (value,) if isinstance(value, str) else value


def _validation(value: Any) -> Any:
    """A share below 1, or a count from 1."""
    if isinstance(value, int):
        if value < 1:
            raise ValueError("as a count of samples it must be at least 1")
    elif not 0 < value < 1:
        raise ValueError("as a share it must lie between 0 and 1; a count is a whole number")
    return value


class ShareCountOrSource:
    """Annotation: a number as it stands, or a data source."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        chosen = Choice("source").__get_pydantic_core_schema__(source, handler)
        number = core_schema.no_info_plain_validator_function(_validation)
        return core_schema.tagged_union_schema(
            {"number": number, "source": chosen},
            discriminator=lambda v: "number" if isinstance(v, int | float) and not isinstance(v, bool) else "source",
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        share = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
        return {"anyOf": [share, {"type": "integer", "minimum": 1}, {CHOICE: "source"}]}


InputNames = Annotated[tuple[Text, ...], BeforeValidator(_inputs, json_schema_input_type=Text | tuple[Text, ...])]
"""Names of nodes; one name stands for a list of it."""


def _like(pattern: re.Pattern[str], **more: Any) -> Any:
    """What the JSON Schema can say of a name's form."""
    return Field(json_schema_extra={"pattern": f"^{pattern.pattern}$", **more})


NodeName = Annotated[str, AfterValidator(_node_name), _like(_NAME, **{"not": {"const": "input"}})]
RunName = Annotated[str, AfterValidator(_run_name), _like(_RUN_NAME)]


@section
@dataclass(frozen=True, slots=True)
class Input:
    """The `shape` of one sample before preprocessing, where there is no data to ask; `classes` is the number of class
    labels."""

    shape: Annotated[tuple[Count, ...], MinLen(1)]
    classes: Count | None = None


@section
@dataclass(frozen=True, slots=True)
class Fold:
    """One of `of` equal parts of the training samples, `number` counted from 1."""

    number: Count
    of: Annotated[int, Ge(2)]

    def __post_init__(self) -> None:
        if self.number > self.of:
            raise ValueError(f"there are {self.of} folds, counted from 1")


@section
@dataclass(frozen=True, slots=True)
class Data:
    """Where samples come from, how they are split, and what is done to them before the network sees them.

    `train` is a source. `validation` and `test` are each a share or a count of the training samples, or a source of its
    own. `fold` takes the place of `test`: one of several equal parts of the training samples, as `train --folds` does
    one after the other. With `stratified: true` classes stay in proportion when samples are drawn. `preprocess` are
    steps that are done in order, fitted on the training split only; `augment` are changes of the training samples that
    are drawn anew each time. `standardize_targets: true` brings targets that are
    any numbers to mean 0 and deviation 1 for the network; losses and metrics are reported in their own units.
    `shuffle: false` keeps the order of the samples in each epoch.
    """

    train: Annotated[Any, Choice("source")]
    validation: Annotated[Any, ShareCountOrSource()] | None = None
    test: Annotated[Any, ShareCountOrSource()] | None = None
    fold: Annotated[Fold, Section()] | None = None
    stratified: bool = False
    preprocess: tuple[Annotated[Any, Choice("preprocess")], ...] = ()
    augment: tuple[Annotated[Any, Choice("augment")], ...] = ()
    standardize_targets: bool = False
    shuffle: bool = True


@section
@dataclass(frozen=True, slots=True)
class NodeExtras:
    """What an entry of `network` may hold besides its layer.

    `name` is the node's own name. `inputs` are the names of the nodes that it reads, or one name; without it a node
    reads the one before it; `input` stands for the network's input. `share` names a node of the same layer whose
    parameters this one uses instead of its own. With `trainable: false` parameters stay as they are, and so do running
    statistics: `batch_norm` then works as in evaluation.
    """

    name: NodeName | None = None
    inputs: InputNames | None = None
    share: Text | None = None
    trainable: bool = True


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One entry of `network`: a layer, its name, and the names it reads (None: the entry before it).

    `place` is its path in the file.

    `layer` is None where the entry was faulty, so that the rest of the graph can still be checked.
    """

    layer: Any
    name: str
    inputs: tuple[str, ...] | None
    place: tuple[str | int, ...] = field(compare=False)
    share: str | None = None
    trainable: bool = True


@section
@dataclass(frozen=True, slots=True)
class Group:
    """Parameters with a step size or weight decay of their own, instead of the optimizer's.

    `nodes` are names or patterns such as `stem*`, `parameters` likewise (`b` for biases); the first group that fits a
    parameter counts. `lr` and `weight_decay` stand in the place of the optimizer's. The schedule acts on the `lr` of
    groups too.
    """

    nodes: Annotated[
        tuple[Text, ...], MinLen(1), BeforeValidator(_inputs, json_schema_input_type=Text | tuple[Text, ...])
    ]
    parameters: Annotated[
        tuple[Text, ...], MinLen(1), BeforeValidator(_inputs, json_schema_input_type=Text | tuple[Text, ...])
    ] = ("*",)
    lr: Positive | None = None
    weight_decay: NonNegative | None = None

    def __post_init__(self) -> None:
        if self.lr is None and self.weight_decay is None:
            raise ValueError("give `lr`, `weight_decay` or both")


def _path(value: Any) -> Any:
    """A path alone stands for all nodes of it."""
    return {"path": value} if isinstance(value, str) else value


def decaying(value: Any) -> Any:
    """A decay alone stands for itself with the usual warm-up."""
    return {"decay": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


@section
@dataclass(frozen=True, slots=True)
class InitFrom:
    """Initial weights from a checkpoint, by node name; nodes that it does not have begin anew.

    `path` is the checkpoint. `nodes` are names or patterns of the nodes to take. Averaged weights are taken where it
    has some.
    """

    path: Text
    nodes: Annotated[
        tuple[Text, ...], MinLen(1), BeforeValidator(_inputs, json_schema_input_type=Text | tuple[Text, ...])
    ] = ("*",)


def _one(value: Any) -> Any:
    """One entry stands for a list of it."""
    if value == ():
        raise ValueError("must not be empty")
    return value if isinstance(value, tuple | list) else (value,)


def _beside(cls: Callable[[], type]) -> Callable[[Any], Any]:
    """What stands beside a chosen part, apart from it."""

    def read(value: Any) -> Any:
        known = cls()
        if isinstance(value, known):
            return value
        if not isinstance(value, dict):
            return {PART: value}
        beside = [f.name for f in dataclasses.fields(known) if f.name != PART]
        part = {key: item for key, item in value.items() if key not in beside}
        return {PART: part, **{key: item for key, item in value.items() if key in beside}}

    return read


PART = "part"
"""The field of an entry that holds what is chosen; the others stand beside it."""


@section
@dataclass(frozen=True, slots=True)
class LossTerm:
    """A loss, on the output of the node `output` (the network's, unless it is given), times `weight`.

    `target` names what it is compared with, where the data have several targets; `input` is the network's input.
    """

    part: Annotated[Any, Choice("loss")]
    output: Text | None = None
    target: Text | None = None
    weight: Positive = 1.0


@section
@dataclass(frozen=True, slots=True)
class MetricTerm:
    """A metric, on the output and target of the first loss, or of that on the node `output`.

    `name` is what its figure is called; without one that is the metric, and the node where it is given, as in
    `rmse_decoder`.
    """

    part: Annotated[Any, Choice("metric")]
    name: Text | None = None
    output: Text | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ValueError("a name has letters, digits, '_' and '-', and starts with a letter or '_'")

    @property
    def figure(self) -> str:
        if self.name is not None:
            return self.name
        kind = str(self.part.type_name)
        return kind if self.output is None else f"{kind}_{self.output}"


@section
@dataclass(frozen=True, slots=True)
class Clip:
    """Bounds of the gradient: each component by `value`, then the whole by its global L2 `norm`."""

    norm: Positive | None = None
    value: Positive | None = None

    def __post_init__(self) -> None:
        if self.norm is None and self.value is None:
            raise ValueError("give `norm`, `value` or both")


@section
@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stop when the watched figure has not improved by more than `min_delta` for `patience` epochs.

    `metric` is `loss` or one of the metrics, on validation data where there is some; `mode` None is what is better
    for it.
    """

    patience: Count
    metric: Text | None = None
    mode: Literal["min", "max"] | None = None
    min_delta: NonNegative = 0.0


@section
@dataclass(frozen=True, slots=True)
class Ema:
    """An exponential average of the weights, with which validation and test are measured and `eval` works.

    After step t it moves towards the weights by 1 − d, where d = min(decay, (1 + t) / (warmup + t)); with `warmup` 0
    d is `decay` throughout.
    """

    decay: Decay = 0.999
    warmup: Natural = 10


@section
@dataclass(frozen=True, slots=True)
class Train:
    """The loop: `epochs` passes over the training split in batches of `batch` samples.

    `clip` bounds the gradient, `early_stopping` ends the run when there is no more progress, `ema` keeps an average of
    the weights. With `accumulate` N a step of the optimizer uses the gradient of N batches, as one batch of N times the
    size would give it. `on_divergence` says what follows a loss or gradient that is not finite.
    """

    epochs: Count = 10
    batch: Count = 32
    accumulate: Count = 1
    ema: Annotated[Ema, Section(), BeforeValidator(decaying, json_schema_input_type=Decay | Ema)] | None = None
    clip: Annotated[Clip, Section()] | None = None
    early_stopping: Annotated[EarlyStopping, Section()] | None = None
    on_divergence: Annotated[Any, Choice("response")] = field(default_factory=Stop)


@section
@dataclass(frozen=True, slots=True)
class Best:
    """Which figure decides that a checkpoint is the best so far.

    `metric` is `loss` or one of the metrics; `mode` says whether more or less of it is better, if it is not what is
    usual for it.
    """

    metric: Text
    mode: Literal["min", "max"] | None = None


@section
@dataclass(frozen=True, slots=True)
class Checkpoints:
    """When checkpoints are written.

    `last.h5` is written every `last` and at the end; `every` keeps numbered ones besides. Both are a number of epochs,
    or a text: `200 steps`, `5 epochs`, or a time such as `30s`, `10m` or `1h30m`, counted from the run's start and
    looked at after each step. `best` decides on `best.h5`.
    """

    every: Every | None = None
    last: Every = 1
    best: Annotated[Best, Section()] | None = None


@section
@dataclass(frozen=True, slots=True)
class Diagnose:
    """Every `every` steps, before the first of them, the batch is looked at node by node, and figures are recorded."""

    every: Count


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration, validated. `None` stands for a section that the file does not have.

    `name` names the run and its folder. `plugins` are Python files that register parts of the user's own. `seed` is
    that of all random numbers. `dtype` is the type of all arrays of the network. `threads` is how many to use at most.
    `input` says the samples' shape where there is no data. `data` says where samples come from. `network` is the list
    of layers; each reads the one before it, or what its `inputs` name; `blocks` are lists of layers that it uses by
    name. `loss` is what training makes small, `metrics`
    are figures that are measured besides. `optimizer` changes the parameters, `schedule` its step size during the run.
    `groups` are parameters with settings of their own, `init_from` is a checkpoint with weights to begin with. `train`
    is the loop. `checkpoint` says when the run is stored, `diagnose` when the network is looked into.
    """

    name: str
    network: tuple[NodeSpec, ...]
    loss: tuple[LossTerm, ...]
    plugins: tuple[str, ...] = ()
    seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"
    threads: int | None = None
    input: Input | None = None
    data: Data | None = None
    metrics: tuple[MetricTerm, ...] = ()
    optimizer: Any = None
    groups: tuple[Group, ...] = ()
    init_from: InitFrom | None = None
    schedule: Any = None
    train: Train = field(default_factory=Train)
    checkpoint: Checkpoints = field(default_factory=Checkpoints)
    diagnose: Diagnose | None = None


_LOSS = Annotated[LossTerm, Section(), BeforeValidator(_beside(lambda: LossTerm))]
_METRIC = Annotated[MetricTerm, Section(), BeforeValidator(_beside(lambda: MetricTerm))]

SECTIONS: dict[str, Any] = {
    "name": RunName,
    "plugins": Annotated[tuple[Text, ...], BeforeValidator(_inputs, json_schema_input_type=Text | tuple[Text, ...])],
    "seed": Natural,
    "dtype": Literal["float32", "float64"],
    "threads": Count | None,
    "input": Annotated[Input, Section()],
    "data": Annotated[Data, Section()],
    "loss": Annotated[tuple[_LOSS, ...], BeforeValidator(_one)],
    "metrics": tuple[_METRIC, ...],
    "optimizer": Annotated[Any, Choice("optimizer")],
    "init_from": Annotated[InitFrom, Section(), BeforeValidator(_path, json_schema_input_type=Text | InitFrom)],
    "groups": tuple[Annotated[Group, Section()], ...],
    "schedule": Annotated[Any, Choice("schedule")],
    "train": Annotated[Train, Section()],
    "checkpoint": Annotated[Checkpoints, Section()],
    "diagnose": Annotated[Diagnose, Section()],
}
"""The type of each top-level section but `network`, whose entries are read one by one."""

DEFAULTS = {"optimizer": "adam", "schedule": "constant"}
"""What stands in for a choice that the file does not make, by section, which is also the kind."""

__all__ = [
    "DEFAULTS",
    "SECTIONS",
    "Best",
    "Checkpoints",
    "Clip",
    "Config",
    "Data",
    "Diagnose",
    "EarlyStopping",
    "Ema",
    "Fold",
    "Group",
    "InitFrom",
    "Input",
    "LossTerm",
    "MetricTerm",
    "NodeExtras",
    "NodeSpec",
    "Train",
]
