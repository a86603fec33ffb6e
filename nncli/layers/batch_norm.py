from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from nncli.fields import Positive, Share
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, State, Traits, Work
from nncli.registry import layer


class Views(NamedTuple):
    """Arrays with one row for each channel. The deviations d = x − μ are kept for the way back, and s is."""

    x: Array
    y: Array
    d: Array
    dx: Array | None
    dy: Array | None


@layer("batch_norm")
@dataclass(frozen=True, slots=True)
class BatchNorm(Layer):
    """Each channel with mean 0 and variance 1 over the batch, then scaled and shifted: ``y = γ s (x − μ) + β``.

    s = 1 / √(σ² + `eps`); μ and σ² are mean and variance (of all numbers, not one less) of the channel over the samples
    and positions of the whole batch, however many shards work on it. The state keeps running ones, of which `momentum`
    is the share of the new batch: running ← (1 − momentum) · running + momentum · batch (PyTorch's convention), with
    the unbiased variance. In evaluation they take the place of μ and σ². γ starts at 1, β at 0 and both are free of
    weight decay; without `affine` there are none. A bias in the layer before is then of no use. With `trainable: false`
    the layer works as in evaluation while the rest is trained, and its running figures stay as they are (as Keras has
    it; in PyTorch they go on unless the module is put into `eval()`).

    Shapes (N samples, C channels; vectors have no positions)
        x (C, ..., N)   γ (C,)   β (C,)   running mean and variance (C,)   ->   y the same as x

    Gradients (sums over the m numbers of a channel in the whole batch; x̂ = s (x − μ))
        dβ = Σ dy        dγ = Σ dy x̂        dx = γ s (dy − dβ / m − x̂ dγ / m)
        and dx = γ s dy where μ and σ² are the running ones

    Source: Ioffe & Szegedy 2015, "Batch normalization", arXiv:1502.03167, algorithm 1. We deviate: running averages as
    PyTorch has them, where section 3.1 averages over many batches after training; a batch of one number is let pass
    (y = β), where PyTorch refuses it.
    """

    momentum: Share = 0.1
    eps: Positive = 1e-5
    affine: bool = True

    traits: ClassVar[Traits] = Traits(
        in_place=True, needs_x=False, finishes=True, evaluation="differs", coupled=True, suits="pass"
    )

    def declare(self, *inputs: Shape) -> Declared:
        x = inputs[0]
        state = {"mean": State((x[0],), ("channel",)), "variance": State((x[0],), ("channel",), fill=1.0)}
        parameters = {}
        if self.affine:
            parameters["gamma"] = Parameter((x[0],), ("channel",), init="ones", decay=False)
            parameters["beta"] = Parameter((x[0],), ("channel",), decay=False)
        return Declared(x, parameters, state, flops=7 * math.prod(x))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        x = inputs[0]
        small = {name: Work((x[0], 1), scratch=True) for name in ("a", "b")}
        kept = {"d": Work((*x, n)), "s": Work((x[0], 1))}
        return small | kept | {"product": Work((*x, n), scratch=True)}

    def prepare(self, f: Frame) -> Views:
        rows = len(f.x), -1
        dx, dy = (None, None) if f.dy is None else (f.dx, f.dy.reshape(rows))
        x, y, d = (array.reshape(rows) for array in (f.x, f.y, f.work["d"]))
        return Views(x, y, d, dx.reshape(rows) if dx is not None else None, dy)

    def forward(self, f: Frame) -> None:
        x, y, d, _, _ = f.views
        a, b, s = f.work["a"], f.work["b"], f.work["s"]
        deviation = d if f.training else y
        if f.training:
            count = f.total * (x.shape[1] // f.n)
            _mean(f, x, count, a)
            np.subtract(x, a, out=d)
            np.multiply(d, d, out=y)
            _mean(f, y, count, b)
            if f.leads:
                self._remember(f.state["mean"][:, None], a, 1.0, s)
                self._remember(f.state["variance"][:, None], b, count / max(count - 1, 1), s)
            np.add(b, self.eps, out=s)
        else:
            np.subtract(x, f.state["mean"][:, None], out=deviation)
            np.add(f.state["variance"][:, None], self.eps, out=s)
        np.sqrt(s, out=s)
        np.divide(1.0, s, out=s)
        if self.affine:
            np.multiply(s, f.p["gamma"][:, None], out=a)
            np.multiply(deviation, a, out=y)
            np.add(y, f.p["beta"][:, None], out=y)
        else:
            np.multiply(deviation, s, out=y)
        if f.finish is not None:
            f.finish(f.y)

    def _remember(self, running: Array, new: Array, factor: float, part: Array) -> None:
        """Move a running figure towards the batch's times `factor`; `part` is scratch."""
        np.multiply(running, 1 - self.momentum, out=running)
        np.multiply(new, self.momentum * factor, out=part)
        np.add(running, part, out=running)

    def backward(self, f: Frame) -> None:
        _, _, d, dx, dy = f.views
        a, b, s, product = f.work["a"], f.work["b"], f.work["s"], f.work["product"].reshape(d.shape)
        if not f.training:
            if dx is not None:
                self._scale(f, dy, a, s, dx)
            return
        np.multiply(dy, d, out=product)
        np.add.reduce(product, axis=1, keepdims=True, out=a)
        np.add.reduce(dy, axis=1, keepdims=True, out=b)
        if f.g is not None and self.affine:
            np.multiply(a, s, out=f.g["gamma"][:, None])
            np.copyto(f.g["beta"][:, None], b)
        if dx is None:
            return
        count = f.total * (d.shape[1] // f.n)
        f.sum_over_shards(a)
        f.sum_over_shards(b)
        np.multiply(a, s, out=a)
        np.multiply(a, s, out=a)
        np.multiply(a, 1 / count, out=a)
        np.multiply(b, 1 / count, out=b)
        np.multiply(d, a, out=product)
        np.add(product, b, out=product)
        np.subtract(dy, product, out=dx)
        self._scale(f, dx, a, s, dx)

    def _scale(self, f: Frame, error: Array, a: Array, s: Array, dx: Array) -> None:
        """Write γ s times an error into dx; `a` is scratch."""
        if self.affine:
            np.multiply(s, f.p["gamma"][:, None], out=a)
        np.multiply(error, a if self.affine else s, out=dx)


def _mean(f: Frame, x: Array, count: int, out: Array) -> None:
    """Of each row over the whole batch. Rows are contiguous, so that NumPy sums them pairwise."""
    np.add.reduce(x, axis=1, keepdims=True, out=out)
    f.sum_over_shards(out)
    np.multiply(out, 1 / count, out=out)
