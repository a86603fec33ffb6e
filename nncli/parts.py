"""What a network is made of: the contracts between descriptions (layers, losses, optimizers, …) and the engine.

A description is a frozen dataclass and owns no array. The engine asks it what it needs (`declare`, `workspace`),
allocates everything once, and hands the arrays back in a frame. Inside the program the batch is the last axis:
images (C, H, W, N), vectors (F, N). Shapes in declarations are those of one sample, without N.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nncli.errors import ShapeError

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A trainable array. `axes` names its axes in the checkpoint; `fan_in` and `fan_out` scale its initial values.

    `decay` False keeps weight decay off (biases, gains). `init` is an initializer, a number that every element starts
    at, or the name of an initializer with its defaults. None asks for the default: zeros where weight decay is off,
    else what suits the activation that follows.
    """

    shape: Shape
    axes: tuple[str, ...]
    fan_in: int = 1
    fan_out: int = 1
    init: Any = None
    decay: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """An array that is kept in checkpoints but not trained, such as running statistics; starts at `fill`."""

    shape: Shape
    axes: tuple[str, ...]
    fill: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """An array of a node for one shard, of full `shape` (with the batch axis where it has one).

    `dtype` None is the program's. `scratch` arrays hold nothing between two calls of the layer, so all nodes of a
    shard share their memory. `zero` asks for zeros at the start (only for what is not scratch).
    """

    shape: Shape
    dtype: Any = None
    scratch: bool = False
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What a layer needs and gives for certain input shapes. `flops` counts one sample's forward pass, a
    multiplication and an addition as two."""

    output: Shape
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    state: Mapping[str, State] = field(default_factory=dict)
    flops: int = 0


@dataclass(frozen=True, slots=True)
class Traits:
    """What the program may use of a layer without knowing it by name.

    in_place     forward may write y over x, and backward dx over dy
    needs_x      backward reads x            needs_y      backward reads y
    view         y is x in another shape: the program makes the view, forward and backward are not called
    fusable      elementwise, may be applied to parts of the output of the layer before (`apply(part)`), and in_place
    finishes     calls `f.finish(part)` once on each finished part of y, unless it is None
    random       draws random numbers while training
    evaluation   "same", "differs" (another result than in training) or "identity" (y = x when not training)
    coupled      couples the samples of a batch (uses `f.sum_over_shards`)
    inputs       least and largest number of inputs (None: any)
    suits        the initializer that suits weights before this activation; "pass" lets the one after decide
    """

    in_place: bool = False
    needs_x: bool = True
    needs_y: bool = False
    view: bool = False
    fusable: bool = False
    finishes: bool = False
    random: bool = False
    evaluation: Literal["same", "differs", "identity"] = "same"
    coupled: bool = False
    inputs: tuple[int, int | None] = (1, 1)
    suits: str | None = None


class Frame:
    """The arrays of one node for one shard, made once by the program.

    n, total    samples of this shard, and of the whole batch
    leads       whether this shard is the first of its batch: it alone writes what is kept once (`state`)
    training    whether this program trains (constant). False in it too for nodes with `state` that are not trainable:
                their way back is that of what they do in evaluation
    xs, x       inputs, and the first of them        y    output
    dxs, dx     dL/dx for each input; None where nobody needs it
    dy          dL/dy
    p, g        parameters and their gradients by name; g is None where the node is frozen
    state       arrays kept in the checkpoint but not trained
    work        what `workspace` asked for
    plan        what `choose` chose (empty for layers without choices)
    views       whatever `prepare` returned: views of these arrays that are worth making once
    finish      the fused activation, to be called with each finished part of y, or None
    uniform     fills a float32 array (n, any) with numbers from [0, 1): row i belongs to sample i of the shard, the
                same whatever the number of shards
    sum_over_shards    adds a small array over all shards, in place, in fixed order
    """

    __slots__ = (
        "dx",
        "dxs",
        "dy",
        "finish",
        "g",
        "leads",
        "n",
        "p",
        "plan",
        "state",
        "sum_over_shards",
        "total",
        "training",
        "uniform",
        "views",
        "work",
        "x",
        "xs",
        "y",
    )  # fmt: skip

    def __init__(self, **values: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, values.pop(name, None))
        assert not values, values

    n: int
    total: int
    leads: bool
    training: bool
    xs: tuple[Array, ...]
    x: Array
    y: Array
    dxs: tuple[Array | None, ...]
    dx: Array | None
    dy: Array
    p: Mapping[str, Array]
    g: Mapping[str, Array] | None
    state: Mapping[str, Array]
    work: Mapping[str, Array]
    plan: Mapping[str, Any]
    views: Any
    finish: Callable[[Array], None] | None
    uniform: Callable[[Array], None]
    sum_over_shards: Callable[[Array], None]


Plain: TypeAlias = Mapping[str, Any]
"""Texts and numbers by name, as a plan holds them."""


def with_algorithm(plan: Plain) -> dict[str, Any]:
    """A node's plan with `algorithm` for people: what its passes have in common, or each pass with its own.

    The algorithm of a pass is under `<pass>_algorithm`; a plan without such keys stays as it is.
    """
    ending = "_algorithm"
    passes = {key.removesuffix(ending): str(value) for key, value in plan.items() if key.endswith(ending)}
    if not passes:
        return dict(plan)
    names = list(passes.values())
    alike = len(set(names)) == 1
    text = names[0] if alike else ", ".join(f"{which} {name}" for which, name in passes.items())
    return {"algorithm": text, **{key: value for key, value in plan.items() if key != "algorithm"}}


class Layer:
    """Base of layers: the defaults of the contract. A layer overrides `declare`, `forward` and `backward`."""

    __slots__ = ()
    type_name: ClassVar[str]
    traits: ClassVar[Traits] = Traits()

    def declare(self, *inputs: Shape) -> Declared:
        """Output shape, parameters, state and cost for these input shapes; raises ShapeError where they do not fit."""
        raise NotImplementedError

    def indices(self) -> int | None:
        """How many different whole numbers from 0 the inputs may hold; None where they may hold any number.

        There is no derivative with respect to whole numbers: nobody asks such a layer for dL/dx.
        """
        return None

    def flat(self) -> tuple[float, float] | None:
        """Outputs (low, high) of an activation from which on outwards its slope is as good as zero: less than a tenth
        of its steepest. None where there are none such.

        A unit that is there for every sample learns nothing. An activation that is flat to one side only, as
        rectifiers are, gives infinity for the other; one that is bounded to both sides is called saturated there.
        """
        return None

    def choose(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, Any]:
        """What the plan holds for this node: algorithms and block sizes, by a deterministic cost model of shapes.

        `n` is the number of samples of a shard. The result is plain data (texts and numbers) that can be stored.
        """
        return {}

    def alternatives(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, tuple[Plain, ...]]:
        """For each pass with a choice, what the plan could hold of it instead of what `choose` says.

        An entry replaces the keys that it has; entries of different passes go together. All of them are right, within
        what the layer's fields allow: which one is fastest has to be measured.
        """
        return {}

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: Mapping[str, Any]) -> Mapping[str, Work]:
        """Arrays besides x and y for a shard of n samples."""
        return {}

    def prepare(self, f: Frame) -> Any:
        """Views that are worth making once; the result is `f.views` in every call."""
        return None

    def forward(self, f: Frame) -> None:
        """Write f.y from f.xs."""
        raise NotImplementedError

    def backward(self, f: Frame) -> None:
        """Overwrite f.g and each f.dxs that is not None from f.dy. May overwrite f.dy too."""
        raise NotImplementedError


class Mixed(NamedTuple):
    """Samples of two classes, as `mixup` makes them: `second` (n,) the class numbers besides those of the target,
    `share` (n,) how much of each sample is of the target's class. `place` and `spare` (n,) are scratch of the loss."""

    second: Array
    share: Array
    place: Array
    spare: Array

    @classmethod
    def of(cls, n: int, dtype: Any) -> Mixed:
        return cls(np.zeros(n, np.intp), np.ones(n, dtype), np.zeros(n, np.intp), np.zeros(n, dtype))


class LossFrame:
    """The arrays of the loss for one shard: x the network's output (…, n), t the target, dx = dL/dx of the mean loss.

    `weight` is what the sum is divided by: the batch's number of samples, or where the loss weighs them, the sum of
    their weights over all shards. `mixed` is None unless the samples of a training step belong to two classes each.
    """

    __slots__ = ("dx", "mixed", "n", "t", "total", "views", "weight", "work", "x")

    n: int
    total: int
    weight: float
    x: Array
    t: Array
    dx: Array
    mixed: Mixed | None
    work: Mapping[str, Array]
    views: Any

    def __init__(self, **values: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, values.pop(name, None))
        assert not values, values


class Loss:
    """Base of losses. `target` "classes": t is (n,) of class numbers; "values": t has the shape of the output.

    `span` is the least and the largest value that a target may have; None: any. A loss of class numbers that `mixes`
    reads `f.mixed` where it is not None.
    """

    __slots__ = ()
    type_name: ClassVar[str]
    target: ClassVar[Literal["classes", "values"]] = "values"
    span: ClassVar[tuple[float, float] | None] = None
    mixes: ClassVar[bool] = False

    def check(self, output: Shape) -> None:
        """Raise ShapeError unless the network's output fits."""

    def example(self, rng: np.random.Generator, output: Shape, n: int) -> Array:
        """Made-up targets of n samples, for checks without data."""
        if self.target == "classes":
            return rng.integers(0, output[0], n)
        return rng.normal(size=(*output, n)) if self.span is None else rng.uniform(*self.span, (*output, n))

    def weighs(self) -> bool:
        """Whether samples have weights, so that the mean loss is Σ loss / Σ weight: then `weight` is called."""
        return False

    def weight(self, f: LossFrame) -> float:
        """The sum of the weights of the shard's samples, from f.t alone; called before each `forward`.

        What it leaves in work arrays stays there for `forward` and `backward`.
        """
        return float(f.n)

    def workspace(self, output: Shape, n: int) -> Mapping[str, Work]:
        return {}

    def prepare(self, f: LossFrame) -> Any:
        return None

    def forward(self, f: LossFrame) -> float:
        """The sum of the shard's losses (the program divides by the weight)."""
        raise NotImplementedError

    def backward(self, f: LossFrame) -> None:
        """Write f.dx, the gradient of the batch's mean: the sum's gradient over f.weight."""
        raise NotImplementedError


class GameLoss:
    """Base of losses of an adversarial game. s are the discriminator's outputs for a batch (n,), its logits.

    The discriminator makes ``mean real(s of data) + mean fake(s of the generator's samples)`` small, the generator
    ``mean generator(s of its samples)``. Each method returns the sum over the batch and writes its derivative to ds
    (n,); it may overwrite s and use the scratch array a (n,).

    odds      the loss takes s for the log-odds of data, so that V, JS and probabilities follow from it
    smooths   `real` takes one-sided label smoothing
    clips     the largest absolute weight of the discriminator that is usual; None: weights are not clipped
    """

    __slots__ = ()
    type_name: ClassVar[str]
    odds: ClassVar[bool] = False
    smooths: ClassVar[bool] = False
    clips: ClassVar[float | None] = None

    def real(self, s: Array, ds: Array, a: Array, smoothing: float) -> float:
        raise NotImplementedError

    def fake(self, s: Array, ds: Array, a: Array) -> float:
        raise NotImplementedError

    def generator(self, s: Array, ds: Array, a: Array) -> float:
        raise NotImplementedError


class Metric:
    """Base of metrics: running totals in a float64 vector, so that an unfinished epoch can be stored.

    `update` adds a batch (outputs and targets batch-last, as in LossFrame); `value` turns the totals into the figure.
    """

    __slots__ = ()
    type_name: ClassVar[str]
    better: ClassVar[Literal["max", "min"]]

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        """Raise ShapeError unless the metric is defined for this output and kind of target."""

    def size(self, output: Shape) -> int:
        """Length of the vector of totals for a network with this output. Totals of shards and batches are added."""
        return 2

    def workspace(self, output: Shape, n: int) -> Mapping[str, Work]:
        """Arrays for outputs and targets of n samples, so that `update` allocates nothing by batch size."""
        return {}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        raise NotImplementedError

    def value(self, totals: Array) -> float:
        raise NotImplementedError


class UpdateFrame:
    """A piece of the parameter vector with all that belongs to it; optimizers work elementwise, so that the program
    can cut the vector into pieces that fit the cache.

    w, g      parameters and gradient (L,)         slots    state vectors (L,) by name, at first as `start` says
    a, b      two scratch vectors (L,)             lr       step size after the schedule
    t         number of this update, from 1        weight_decay    λ for this piece, 0 where it does not apply
    """

    __slots__ = ("a", "b", "g", "lr", "slots", "t", "w", "weight_decay")

    w: Array
    g: Array
    slots: Mapping[str, Array]
    a: Array
    b: Array
    lr: float
    t: int
    weight_decay: float

    def __init__(self, **values: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, values.pop(name, None))
        assert not values, values


class Optimizer:
    """Base of optimizers. The first field is `lr`. `slots()` names the state vectors it keeps.

    `weight_decay` λ applies to weights and leaves out biases and gains unless `decay_all`; the program works that out
    and says in the frame what applies to a piece.
    """

    __slots__ = ()
    type_name: ClassVar[str]
    lr: float
    weight_decay: float
    decay_all: bool

    def slots(self) -> tuple[str, ...]:
        return ()

    def start(self, slot: str) -> float:
        """What a state vector is filled with before the first update."""
        return 0.0

    def update(self, f: UpdateFrame) -> None:
        """Change f.w in place. f.g may be overwritten."""
        raise NotImplementedError


class Moment(NamedTuple):
    """A step of a run, for schedules.

    step, total    this step (from 0), of so many planned
    per_epoch      steps in an epoch
    seen           the figure that the schedule watches, after each epoch so far; less is better (it is negated where
                   more is)
    """

    step: int
    total: int
    per_epoch: int = 1
    seen: Sequence[float] = ()


class Schedule:
    """Base of schedules: the factor on the optimizer's step size at each step.

    A factor follows from the moment alone, so that there is no state to save.
    """

    __slots__ = ()
    type_name: ClassVar[str]

    def watches(self) -> str | None:
        """The figure of `Moment.seen`: `loss` or a metric; None: nothing is watched."""
        return None

    def factor(self, at: Moment) -> float:
        raise NotImplementedError


class Response:
    """Base of responses to divergence: at most `times` the run goes back, each time with `factor` of the step size."""

    __slots__ = ()
    type_name: ClassVar[str]
    times = 0
    factor = 1.0


class InitializerBase:
    """Base of initializers."""

    __slots__ = ()
    type_name: ClassVar[str]

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        """Initial values in float64, of the parameter's shape."""
        raise NotImplementedError


class Step:
    """Base of preprocessing steps. Arrays are batch-last and of the program's floating type."""

    __slots__ = ()
    type_name: ClassVar[str]

    def fit(self, batches: Callable[[], Iterable[Array]], shape: Shape) -> dict[str, Array]:
        """What is learned from the training split, in float64; `batches()` starts a pass over it (…, n), with the
        steps before this one applied. Stored in the checkpoint by these names."""
        return {}

    def shape(self, shape: Shape) -> Shape:
        """Of a sample after this step. Raises ShapeError where it takes none of this shape.

        A step that changes it has a `transform` in place of `apply`.
        """
        return shape

    def apply(self, x: Array, fitted: Mapping[str, Array]) -> None:
        """Change a batch in place."""
        raise NotImplementedError

    def transform(self, x: Array, out: Array, fitted: Mapping[str, Array]) -> None:
        """Write a batch to `out`, of another shape; x may be overwritten."""
        raise NotImplementedError

    def undo(self, x: Array, fitted: Mapping[str, Array]) -> None:
        """The opposite of `apply`, in place: from what a network takes or makes back to the data's own units.

        Raises NotImplementedError for steps that cannot be undone.
        """
        raise NotImplementedError


class AugmentFrame:
    """The arrays of an augmentation step for batches of n samples. x, targets and mixed may be others, of the same
    shapes, in each call; all else is made once.

    n, shape          samples of the batch, and the shape of one
    x                 the batch (…, n), as preprocessing leaves it
    targets, mixed    what is loaded besides it, by name: values (…, n), or class numbers (n,); with those their
                      `Mixed`, where a step mixes samples
    matrix, offset    (2, 2, n) and (2, n), the map of a `Movement`
    flow              (2, H, W, n), the displacements of a `Movement` that has some
    work, views       what `workspace` asked for, and what `prepare` returned
    uniform           `uniform(out, use)` fills a float32 array (m, any) with numbers from [0, 1), the same at each step
                      with the same seed, epoch and number; draws that shall differ have different texts `use`
    """

    __slots__ = ("flow", "matrix", "mixed", "n", "offset", "shape", "targets", "uniform", "views", "work", "x")

    n: int
    shape: Shape
    x: Array
    targets: Mapping[str, Array]
    mixed: Mapping[str, Mixed]
    matrix: Array
    offset: Array
    flow: Array
    work: Mapping[str, Array]
    views: Any
    uniform: Callable[[Array, str], None]

    def __init__(self, **values: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, values.pop(name, None))
        assert not values, values


class Augmentation:
    """Base of augmentation: changes of training samples that are drawn anew for each step of a run.

    A step that `mixes` samples writes `f.mixed` for all targets that are class numbers.
    """

    __slots__ = ()
    type_name: ClassVar[str]
    mixes: ClassVar[bool] = False

    def check(self, shape: Shape) -> None:
        """Raise ShapeError unless it can be done to samples of this shape."""

    def workspace(self, shape: Shape, n: int) -> Mapping[str, Work]:
        """Arrays besides x for a batch of n samples."""
        return {}

    def prepare(self, f: AugmentFrame) -> Any:
        """Views and constants that are worth making once; the result is `f.views` in every call."""
        return None

    def apply(self, f: AugmentFrame) -> None:
        """Change a batch in place."""
        raise NotImplementedError


class Movement(Augmentation):
    """Base of steps that move the pixels of images (C, H, W): those that follow each other are done in one go.

    `apply` writes where the pixel that comes to the place o is taken from: ``matrix · o + offset`` with o = (row,
    column) from the centre of the image, or if it `flows` ``o + flow[o]``. `whole` says that this is always a pixel.
    A field `border` says what lies outside the image, where something may come from there.
    """

    __slots__ = ()
    flows: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    def check(self, shape: Shape) -> None:
        check_images(self.type_name, shape)


def check_images(name: str, shape: Shape) -> None:
    """Raise ShapeError unless samples are images (C, H, W)."""
    if len(shape) != 3:
        message = f"{name} takes images (channels, height, width), a sample is {list(shape)}"
        raise ShapeError(message, hint="`input.shape` says how the numbers of a sample form an image")
