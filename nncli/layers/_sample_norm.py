"""Normalisation of each sample by itself, over groups of its numbers: what `layer_norm` and `group_norm` share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Work


class Views(NamedTuple):
    """The same memory twice: (groups, numbers of a group, N) to normalise, (gains, numbers of a gain, N) to scale."""

    x: Array
    d: Array
    y: Array
    dx: Array | None
    dy: Array | None
    d_gains: Array
    y_gains: Array
    dy_gains: Array | None
    product: Array


class SampleNorm(Layer):
    """Base of layers that normalise each sample. A layer says what is a group, and what has a gain of its own."""

    __slots__ = ()
    eps: float
    affine: bool

    def parted(self, x: Shape) -> tuple[int, Shape, tuple[str, ...]]:
        """How many groups there are; shape and axes of the gains."""
        raise NotImplementedError

    def declare(self, *inputs: Shape) -> Declared:
        x = inputs[0]
        _, shape, axes = self.parted(x)
        parameters = {}
        if self.affine:
            parameters["gamma"] = Parameter(shape, axes, init="ones", decay=False)
            parameters["beta"] = Parameter(shape, axes, decay=False)
        return Declared(x, parameters, flops=8 * math.prod(x))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        x = inputs[0]
        groups = self.parted(x)[0]
        return {
            "d": Work((*x, n)),
            "s": Work((groups, 1, n)),
            "mean": Work((groups, 1, n), scratch=True),
            "product": Work((*x, n), scratch=True),
        }

    def prepare(self, f: Frame) -> Views:
        groups, shape, _ = self.parted(f.x.shape[:-1])
        grouped, gains = (groups, -1, f.n), (math.prod(shape), -1, f.n)
        d, product = f.work["d"], f.work["product"]
        return Views(
            f.x.reshape(grouped),
            d.reshape(grouped),
            f.y.reshape(grouped),
            f.dx.reshape(grouped) if f.dx is not None else None,
            f.dy.reshape(grouped) if f.dy is not None else None,
            d.reshape(gains),
            f.y.reshape(gains),
            f.dy.reshape(gains) if f.dy is not None else None,
            product.reshape(grouped),
        )

    def forward(self, f: Frame) -> None:
        v: Views = f.views
        mean, s = f.work["mean"], f.work["s"]
        # Sums of deviations from any number of the group keep float32's digits where the mean is large.
        np.copyto(mean, v.x[:, :1])
        np.subtract(v.x, mean, out=v.d)
        _mean(v.d, mean)
        np.subtract(v.d, mean, out=v.d)
        np.multiply(v.d, v.d, out=v.product)
        _mean(v.product, s)
        np.add(s, self.eps, out=s)
        np.sqrt(s, out=s)
        np.divide(1.0, s, out=s)
        np.multiply(v.d, s, out=v.d)
        if self.affine:
            np.multiply(v.d_gains, f.p["gamma"].reshape(-1, 1, 1), out=v.y_gains)
            np.add(v.y_gains, f.p["beta"].reshape(-1, 1, 1), out=v.y_gains)
        else:
            np.copyto(v.y, v.d)
        if f.finish is not None:
            f.finish(f.y)

    def backward(self, f: Frame) -> None:
        v: Views = f.views
        assert v.dy is not None
        assert v.dy_gains is not None
        mean, product = f.work["mean"], v.product
        if f.g is not None and self.affine:
            np.multiply(v.dy, v.d, out=product)
            count = len(v.dy_gains)
            np.add.reduce(product.reshape(count, -1), axis=1, out=f.g["gamma"].reshape(-1))
            np.add.reduce(v.dy_gains.reshape(count, -1), axis=1, out=f.g["beta"].reshape(-1))
        if v.dx is None:
            return
        if self.affine:
            np.multiply(v.dy_gains, f.p["gamma"].reshape(-1, 1, 1), out=v.dy_gains)
        np.multiply(v.dy, v.d, out=product)
        _mean(product, mean)
        np.multiply(v.d, mean, out=product)
        _mean(v.dy, mean)
        np.add(product, mean, out=product)
        np.subtract(v.dy, product, out=v.dx)
        np.multiply(v.dx, f.work["s"], out=v.dx)


def _mean(x: Array, out: Array) -> None:
    """Of each group of each sample."""
    np.add.reduce(x, axis=1, keepdims=True, out=out)
    np.multiply(out, 1 / x.shape[1], out=out)
