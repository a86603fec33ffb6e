"""Runs one layer alone, through a frame made as the engine makes it, and measures its gradients.

Everything the layer must write is garbage (NaN) before it is called; what its traits say it does not read is made
garbage before the way back, and so is scratch memory, which other nodes use in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nncli.parts import Array, Frame, Layer, Shape, Work

STEP = 1e-5
"""Step of central differences; smaller than the distance of any `distinct` value from the others and from 0."""


def distinct(rng: np.random.Generator, *shape: int) -> Array:
    """Shuffled, evenly spaced values in about −2 … 2, none of them 0: no kink of ReLU or of a maximum is near."""
    count = math.prod(shape)
    return ((rng.permutation(count) - count // 2 + 0.3) * (4 / count)).reshape(shape)


class Alone:
    """A layer with arrays for n samples, those from `start` of a larger batch.

    `in_place` gives y the memory of x, and dx that of dy. `needed` says for which inputs dL/dx is asked; `frozen`
    nodes have no gradients of their parameters.
    """

    def __init__(
        self,
        layer: Layer,
        *shapes: Shape,
        n: int = 3,
        dtype: DTypeLike = np.float64,
        in_place: bool = False,
        frozen: bool = False,
        needed: Sequence[bool] | None = None,
        training: bool = True,
        finish: Callable[[Array], None] | None = None,
        start: int = 0,
        plan: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.layer, self.shapes, self.n, self.start, self.seed = layer, shapes, n, start, seed
        self.declared = layer.declare(*shapes)
        rng = np.random.default_rng(seed)
        self.x = [distinct(rng, *shape, start + n)[..., start:].astype(dtype) for shape in shapes]
        self.p = {name: distinct(rng, *p.shape).astype(dtype) for name, p in self.declared.parameters.items()}
        self.c = rng.normal(size=(*self.declared.output, start + n))[..., start:].astype(dtype)
        f = self.frame = Frame(n=n, total=start + n, training=training)
        f.xs = tuple(np.empty_like(x, order="C") for x in self.x)
        f.dy = np.empty((*self.declared.output, n), dtype)
        f.y = np.empty_like(f.dy)
        if in_place or layer.traits.view:
            f.y = f.xs[0].reshape(f.y.shape)
        f.x = f.xs[0]
        needed = [training] * len(shapes) if needed is None else needed
        f.dxs = tuple(np.empty_like(x) if need else None for x, need in zip(f.xs, needed, strict=True))
        if f.dxs[0] is not None and len(shapes) == 1 and (in_place or layer.traits.view):
            f.dxs = (f.dy.reshape(f.x.shape),)
        f.dx = f.dxs[0]
        f.p = {name: np.empty_like(p) for name, p in self.p.items()}
        f.g = {name: np.empty_like(p) for name, p in self.p.items()} if training and not frozen else None
        f.state = {name: np.full(state.shape, state.fill, dtype) for name, state in self.declared.state.items()}
        f.plan = layer.choose(shapes, n, np.dtype(dtype).itemsize) if plan is None else plan
        self.works = layer.workspace(shapes, n, f.plan)
        f.work = {name: self._array(work, dtype) for name, work in self.works.items()}
        f.finish = finish
        f.uniform = self._uniform
        f.sum_over_shards = lambda array: None
        f.views = None if layer.traits.view else layer.prepare(f)

    @staticmethod
    def _array(work: Work, dtype: DTypeLike) -> Array:
        return (np.zeros if work.zero else np.empty)(work.shape, work.dtype or dtype)

    def _uniform(self, out: Array) -> None:
        assert out.dtype == np.float32
        assert len(out) == self.n
        out[...] = np.random.default_rng(self.seed + 1).random((self.start + self.n, *out.shape[1:]), np.float32)[
            self.start :
        ]

    def _spoil(self, array: Array | None) -> None:
        if array is not None:
            array.fill(np.nan if array.dtype.kind == "f" else 1)

    def _spoil_scratch(self) -> None:
        for name, work in self.works.items():
            if work.scratch:
                self._spoil(self.frame.work[name])

    def forward(self) -> Array:
        """y for `self.x` and `self.p`."""
        f = self.frame
        self._spoil(f.y)
        self._spoil_scratch()
        for given, array in zip(self.x, f.xs, strict=True):
            array[...] = given
        for name, array in f.p.items():
            array[...] = self.p[name]
        if not self.layer.traits.view:
            self.layer.forward(f)
        return f.y.copy()

    def backward(self) -> dict[str, Array]:
        """Gradients of Σ c·y by name: the parameters', and `x0`, `x1`, … where they are needed. After `forward`."""
        f, traits = self.frame, self.layer.traits
        if not traits.view:
            y = f.y.copy() if traits.needs_y else None
            if not traits.needs_x:
                for x in f.xs:
                    self._spoil(x)
            if not traits.needs_y and not any(np.shares_memory(f.y, x) for x in f.xs):
                self._spoil(f.y)
            if y is not None:
                f.y[...] = y
        self._spoil_scratch()
        for array in (*f.dxs, *(f.g or {}).values()):
            self._spoil(array)
        f.dy[...] = self.c
        if not traits.view:
            self.layer.backward(f)
        found = {name: g.copy() for name, g in (f.g or {}).items()}
        return found | {f"x{place}": dx.copy() for place, dx in enumerate(f.dxs) if dx is not None}

    def loss(self) -> float:
        return float(np.vdot(self.c, self.forward()))

    def run(self) -> tuple[Array, dict[str, Array]]:
        return self.forward(), self.backward()


def difference(found: Array, expected: Array) -> float:
    """The largest absolute difference over the largest absolute value expected; NaN where anything is."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))


def gradient_errors(alone: Alone) -> dict[str, float]:
    """For every parameter and input, how far its gradient is from central differences (float64)."""
    _, found = alone.run()
    values = alone.p | {f"x{place}": x for place, x in enumerate(alone.x)}
    errors = {}
    for name, gradient in found.items():
        expected = np.empty_like(gradient)
        value = values[name]
        for index in np.ndindex(value.shape):
            kept = value[index]
            value[index] = kept + STEP
            up = alone.loss()
            value[index] = kept - STEP
            down = alone.loss()
            value[index] = kept
            expected[index] = (up - down) / (2 * STEP)
        errors[name] = difference(gradient, expected)
    return errors


def passes(errors: dict[str, float], limit: float = 1e-7) -> bool:
    """Whether every error is below the limit; NaN is not."""
    return all(error < limit for error in errors.values())
