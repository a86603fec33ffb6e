"""Runs one layer or loss alone, in a frame made as the engine makes it.

Everything the part must write is garbage (NaN) before it is called; what its traits say it does not read is made
garbage before the way back, and so is scratch memory, which other nodes use in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nncli.parts import Array, Frame, Layer, Loss, LossFrame, Shape, Work

Arrays = Mapping[str, Array]


def distinct(rng: np.random.Generator, *shape: int) -> Array:
    """Shuffled, evenly spaced values in about −2 … 2, none of them 0: no kink of ReLU or of a maximum is near."""
    count = math.prod(shape)
    return ((rng.permutation(count) - count // 2 + 0.3) * (4 / count)).reshape(shape)


def example(rng: np.random.Generator, indices: int | None, *shape: int) -> Array:
    """Inputs of a layer that takes any number, or whole numbers below `indices`."""
    return distinct(rng, *shape) if indices is None else rng.integers(indices, size=shape)


def input_name(place: int) -> str:
    """What an input is called among the arrays of a node."""
    return f"x{place}"


class Alone:
    """A layer with arrays for n samples, those from `start` of a larger batch.

    x, p, c     inputs, parameters and dL/dy: copied into the frame at each call, so they may be changed in between
    in_place    gives y the memory of x (unless backward reads x), and dx that of dy, as the engine does
    needed      for which inputs dL/dx is asked; `frozen` nodes have no gradients of their parameters
    evaluating  works as in evaluation, with a way back: a node with `state` that is not trainable
    uniform     the source of random numbers; by default the same ones at each call
    """

    def __init__(
        self,
        layer: Layer,
        *shapes: Shape,
        n: int = 3,
        dtype: DTypeLike = np.float64,
        x: Sequence[Array] | None = None,
        p: Arrays | None = None,
        in_place: bool = False,
        frozen: bool = False,
        needed: Sequence[bool] | None = None,
        training: bool = True,
        evaluating: bool = False,
        finish: Callable[[Array], None] | None = None,
        start: int = 0,
        plan: Mapping[str, Any] | None = None,
        uniform: Callable[[Array], None] | None = None,
        seed: int = 0,
    ) -> None:
        self.layer, self.shapes, self.n, self.start, self.seed = layer, shapes, n, start, seed
        self.declared = layer.declare(*shapes)
        rng = np.random.default_rng(seed)
        if x is None:
            x = [example(rng, layer.indices(), *shape, start + n)[..., start:].astype(dtype) for shape in shapes]
        if p is None:
            p = {name: distinct(rng, *p.shape).astype(dtype) for name, p in self.declared.parameters.items()}
        self.x, self.p = list(x), dict(p)
        self.c = rng.normal(size=(*self.declared.output, start + n))[..., start:].astype(dtype)
        f = self.frame = Frame(n=n, total=start + n, training=training and not evaluating, leads=start == 0)
        f.xs = tuple(np.empty_like(x, order="C") for x in self.x)
        f.dy = np.empty((*self.declared.output, n), dtype)
        f.y = np.empty_like(f.dy)
        if (in_place and not (training and layer.traits.needs_x)) or layer.traits.view:
            f.y = f.xs[0].reshape(f.y.shape)
        f.x = f.xs[0]
        needed = [training and layer.indices() is None] * len(shapes) if needed is None else needed
        f.dxs = tuple(np.empty_like(x) if need else None for x, need in zip(f.xs, needed, strict=True))
        if f.dxs[0] is not None and len(shapes) == 1 and (in_place or layer.traits.view):
            f.dxs = (f.dy.reshape(f.x.shape),)
        f.dx = f.dxs[0]
        f.p = {name: np.empty_like(p) for name, p in self.p.items()}
        f.g = {name: np.empty_like(p) for name, p in self.p.items()} if training and not frozen else None
        f.state = {name: np.full(state.shape, state.fill, dtype) for name, state in self.declared.state.items()}
        f.plan = layer.choose(shapes, n, np.dtype(dtype).itemsize) if plan is None else plan
        self.works = layer.workspace(shapes, n, f.plan)
        f.work = {name: _array(work, dtype) for name, work in self.works.items()}
        f.finish = finish
        f.uniform = uniform or self._uniform
        f.sum_over_shards = lambda array: None
        f.views = None if layer.traits.view else layer.prepare(f)

    @property
    def terms(self) -> float:
        return 0.0

    @property
    def values(self) -> dict[str, Array]:
        """What the outputs depend on: the parameters by name, and the inputs `x0`, `x1`, …"""
        return self.p | {input_name(place): x for place, x in enumerate(self.x)}

    def axes(self, name: str) -> tuple[str, ...]:
        """What the axes of an array are called."""
        if name in self.p:
            return self.declared.parameters[name].axes
        rank = self.values[name].ndim - 1
        known = {1: ("feature",), 2: ("channel", "position"), 3: ("channel", "row", "column")}
        return (*known.get(rank, tuple(f"axis {axis}" for axis in range(rank))), "sample")

    def _uniform(self, out: Array) -> None:
        assert out.dtype == np.float32
        assert len(out) == self.n
        out[...] = np.random.default_rng(self.seed + 1).random((self.start + self.n, *out.shape[1:]), np.float32)[
            self.start :
        ]

    def forward(self) -> Array:
        """y (…, n) for `x` and `p`, a new array."""
        return self.compute().copy()

    def compute(self) -> Array:
        """The same in the frame's own memory, where the next call overwrites it: many large arrays cost more time to
        get from the system than to fill."""
        f = self.frame
        _spoil(f.y)
        _spoil_scratch(self.works, f.work)
        for given, array in zip(self.x, f.xs, strict=True):
            array[...] = given
        for name, array in f.p.items():
            array[...] = self.p[name]
        if not self.layer.traits.view:
            self.layer.forward(f)
        return f.y

    def backward(self, c: Array | None = None) -> dict[str, Array]:
        """Gradients of Σ c·y by name: the parameters', and `x0`, `x1`, … where they are needed. After `forward`."""
        f, traits = self.frame, self.layer.traits
        if not traits.view:
            y = f.y.copy() if traits.needs_y else None
            if not traits.needs_x:
                for x in f.xs:
                    _spoil(x)
            if not traits.needs_y and not any(np.shares_memory(f.y, x) for x in f.xs):
                _spoil(f.y)
            if y is not None:
                f.y[...] = y
        _spoil_scratch(self.works, f.work)
        for array in (*f.dxs, *(f.g or {}).values()):
            _spoil(array)
        f.dy[...] = self.c if c is None else c
        if not traits.view:
            self.layer.backward(f)
        found = {name: g.copy() for name, g in (f.g or {}).items()}
        return found | {input_name(place): dx.copy() for place, dx in enumerate(f.dxs) if dx is not None}

    def gradients(self, c: Array | None = None) -> dict[str, Array]:
        """Those of Σ c·y at `x` and `p`."""
        self.forward()
        return self.backward(c)

    def run(self) -> tuple[Array, dict[str, Array]]:
        return self.forward(), self.backward()

    def trespass(self) -> str:
        """What the layer does beyond writing y and gradients from what it is given; empty where it does not."""
        f, first = self.frame, self.forward()
        if not np.array_equal(first, self.forward(), equal_nan=True):
            return "its output is another each time: random numbers have to come from `f.uniform`"
        for place, (given, x) in enumerate(zip(self.x, f.xs, strict=True)):
            if not np.shares_memory(x, f.y) and not np.array_equal(given, x, equal_nan=True):
                return f"it writes over its input {place + 1} on the way forward, which others read"
        self.backward()
        changed = [name for name, p in f.p.items() if not np.array_equal(p, self.p[name], equal_nan=True)]
        return f"it changes its parameter {changed[0]}, which is for the optimizer to do" if changed else ""


class AloneLoss:
    """A loss with arrays for the samples of x and t, which are a shard of a batch of `total`.

    `weight` is the whole batch's where samples have weights; by default all shards are taken to weigh alike.
    """

    def __init__(
        self,
        loss: Loss,
        x: Array,
        t: Array,
        total: int | None = None,
        dtype: DTypeLike = np.float64,
        weight: float | None = None,
    ) -> None:
        self.loss, self.x, self.weight = loss, x.astype(dtype), weight
        self.c = np.ones(())
        n = x.shape[-1]
        f = self.frame = LossFrame(n=n, total=total or n, weight=float(total or n))
        f.x = np.empty_like(self.x, order="C")
        f.t = t.astype(np.intp if loss.target == "classes" else dtype)
        f.dx = np.empty_like(f.x)
        self.works = loss.workspace(x.shape[:-1], n)
        f.work = {name: _array(work, dtype) for name, work in self.works.items()}
        f.views = loss.prepare(f)

    @property
    def terms(self) -> float:
        """A loss of nearly 0 is the difference of a logarithm and a logit, or the logarithm of nearly 1."""
        return max(1.0, float(np.abs(self.x).max(initial=0.0)))

    @property
    def values(self) -> dict[str, Array]:
        return {input_name(0): self.x}

    def axes(self, name: str) -> tuple[str, ...]:
        return (*(f"axis {axis}" for axis in range(self.x.ndim - 1)), "sample")

    def sum(self) -> float:
        """Of the samples' losses at `x`."""
        f = self.frame
        f.x[...] = self.x
        _spoil_scratch(self.works, f.work)
        for name, work in self.works.items():
            if not work.scratch and not work.zero:
                _spoil(f.work[name])
        if self.loss.weighs():
            own = self.loss.weight(f)
            f.weight = own * f.total / f.n if self.weight is None else self.weight
        return self.loss.forward(f)

    def forward(self) -> Array:
        """This shard's part of the batch's mean, a number."""
        total = self.sum()
        return np.asarray(total / self.frame.weight)

    def backward(self) -> Array:
        """dL/dx of the batch's mean; after `forward`."""
        _spoil_scratch(self.works, self.frame.work)
        self.frame.dx.fill(np.nan)
        self.loss.backward(self.frame)
        return self.frame.dx.copy()

    def gradients(self, c: Array | None = None) -> dict[str, Array]:
        self.sum()
        return {input_name(0): self.backward() * (1.0 if c is None else c)}

    def run(self) -> tuple[float, Array]:
        """The sum of the losses, and dL/dx of the batch's mean."""
        return self.sum(), self.backward()


def _array(work: Work, dtype: DTypeLike) -> Array:
    return (np.zeros if work.zero else np.empty)(work.shape, work.dtype or dtype)


def _spoil(array: Array | None) -> None:
    if array is not None:
        array.fill(np.nan if array.dtype.kind == "f" else 1)


def _spoil_scratch(works: Mapping[str, Work], arrays: Arrays) -> None:
    for name, work in works.items():
        if work.scratch:
            _spoil(arrays[name])
