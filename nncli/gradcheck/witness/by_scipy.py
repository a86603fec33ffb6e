"""SciPy's values of the layers and losses that it has too, and gradients where they are SciPy's as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from scipy import linalg, ndimage, signal, special

from nncli.gradcheck.alone import Alone, AloneLoss, input_name
from nncli.kernels.window import Window
from nncli.losses.huber import Huber
from nncli.losses.kullback_leibler import KullbackLeibler
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Array

X = input_name(0)
Arrays = dict[str, Array]


def _dense(layer: Any, alone: Alone) -> Arrays:
    product = linalg.get_blas_funcs("gemm", dtype=np.float64)
    (x,), weights, c = alone.x, alone.p["W"], alone.c
    bias = alone.p["b"][:, None] if "b" in alone.p else 0.0
    found = {"y": product(1.0, weights, x) + bias, "W": product(1.0, c, x, trans_b=1)}
    return found | {X: product(1.0, weights, c, trans_a=1), "b": product(1.0, c, np.ones((c.shape[1], 1)))[:, 0]}


def _spread(taps: Array, step: tuple[int, int]) -> Array:
    """Zeros between the rows and columns of one map, so that they are `step` apart."""
    spread = np.zeros([(count - 1) * apart + 1 for count, apart in zip(taps.shape, step, strict=True)])
    spread[:: step[0], :: step[1]] = taps
    return spread


def _convolved(x: Array, weights: Array, c: Array, window: Window) -> Arrays:
    """The notes' identities, one pair of maps at a time: correlate(x, W, valid), correlate(x, δ, valid) and
    convolve(δ, W, full)."""
    groups = len(x) // weights.shape[1]
    reach = [
        (count - 1) * stride + (kernel - 1) * dilation + 1
        for count, stride, kernel, dilation in zip(
            c.shape[1:3], window.stride, window.kernel, window.dilation, strict=True
        )
    ]
    sides = [
        (before, wanted - size - before)
        for size, before, wanted in zip(x.shape[1:3], window.before, reach, strict=True)
    ]
    enlarge = [(max(0, before), max(0, after)) for before, after in sides]
    padded = np.pad(x, [(0, 0), *enlarge, (0, 0)])[:, : reach[0], : reach[1]]
    dpadded = np.zeros((len(x), *(x.shape[axis + 1] + sum(enlarge[axis]) for axis in (0, 1)), x.shape[3]))
    y, dw = np.zeros_like(c), np.zeros_like(weights)
    (down, right), (over, across) = window.stride, window.dilation
    for j, kernels in enumerate(weights):
        first = j // (len(weights) // groups) * weights.shape[1]
        for i, kernel in enumerate(kernels):
            taps = _spread(kernel, window.dilation)
            for sample in range(x.shape[3]):
                image, error = padded[first + i, ..., sample], _spread(c[j, ..., sample], window.stride)
                y[j, ..., sample] += signal.correlate2d(image, taps, "valid")[::down, ::right]
                dw[j, i] += signal.correlate2d(image, error, "valid")[::over, ::across]
                dpadded[first + i, : reach[0], : reach[1], sample] += signal.convolve2d(error, taps, "full")
    inner = tuple(slice(before, before + size) for (before, _), size in zip(enlarge, x.shape[1:3], strict=True))
    return {"y": y, "W": dw, X: dpadded[:, *inner]}


def _conv2d(layer: Any, alone: Alone) -> Arrays:
    window, _ = layer.geometry(alone.shapes[0])
    found = _convolved(alone.x[0], alone.p["W"], alone.c, window)
    if "b" in alone.p:
        found["y"] += alone.p["b"][:, None, None, None]
        found["b"] = np.einsum("fpqn->f", alone.c)
    return found


def _avg_pool2d(layer: Any, alone: Alone) -> Arrays:
    """A convolution of each channel with equal weights."""
    weights = np.ones((alone.shapes[0][0], 1, *layer.size))
    window = Window(layer.size, layer.step, (1, 1), (layer.padding[0][0], layer.padding[1][0]))
    counts: Any = layer.size[0] * layer.size[1]
    if not layer.count_padding:
        counts = _convolved(np.ones_like(alone.x[0]), weights, alone.c, window)["y"]
    found = _convolved(alone.x[0], weights, alone.c / counts, window)
    return {"y": found["y"] / counts, X: found[X]}


def _learned_pool2d(layer: Any, alone: Alone) -> Arrays:
    """A convolution of each channel with its weights, or with the mean's."""
    weights = alone.p.get("W")
    if weights is None:
        coefficient = alone.p["g"][:, None, None, None]
        weights = np.ones((1, *layer.size)) * coefficient[..., 0] / (layer.size[0] * layer.size[1])
    window = Window(layer.size, layer.step, (1, 1), (0, 0))
    found = _convolved(alone.x[0], weights[:, None], alone.c, window)
    if "W" in alone.p:
        return {"y": found["y"], X: found[X], "W": found["W"][:, 0]}
    shift = alone.p["b"][:, None, None, None]
    return {"y": found["y"] + shift, X: found[X], "b": np.einsum("cpqn->c", alone.c)}


def _max_pool2d(layer: Any, alone: Alone) -> Arrays:
    rows, columns = layer.size
    origin = (0, *(-(side // 2) for side in layer.size), 0)
    image = np.pad(alone.x[0], [(0, 0), *layer.padding, (0, 0)], constant_values=-np.inf)
    whole = ndimage.maximum_filter(image, (1, rows, columns, 1), origin=origin, mode="constant", cval=-np.inf)
    _, height, width = alone.declared.output
    return {"y": whole[:, :: layer.step[0], :: layer.step[1]][:, :height, :width]}


def _sigmoid(layer: Any, alone: Alone) -> Arrays:
    x = alone.x[0]
    return {"y": special.expit(x), X: alone.c * special.expit(x) * special.expit(-x)}


def _softmax(layer: Any, alone: Alone) -> Arrays:
    y = special.softmax(alone.x[0], axis=0)
    return {"y": y, X: y * (alone.c - np.einsum("i...,i...->...", y, alone.c))}


def _exponential(scale: float, alpha: float, alone: Alone) -> Arrays:
    x = alone.x[0]
    y = scale * np.where(x > 0, x, alpha * special.expm1(x))
    return {"y": y, X: alone.c * scale * np.where(x > 0, 1, alpha * np.exp(x))}


def _softplus(layer: Any, alone: Alone) -> Arrays:
    x = layer.beta * alone.x[0]
    return {"y": -special.log_expit(-x) / layer.beta, X: alone.c * special.expit(x)}


def _gelu(layer: Any, alone: Alone) -> Arrays | None:
    if layer.approximate != "none":
        return None
    x = alone.x[0]
    return {"y": x * special.ndtr(x), X: alone.c * (special.ndtr(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))}


def _silu(layer: Any, alone: Alone) -> Arrays:
    x = alone.x[0]
    return {"y": x * special.expit(x), X: alone.c * special.expit(x) * (1 + x * special.expit(-x))}


def _log_softmax(layer: Any, alone: Alone) -> Arrays:
    x = alone.x[0]
    return {"y": special.log_softmax(x, axis=0), X: alone.c - special.softmax(x, axis=0) * alone.c.sum(axis=0)}


LAYERS: dict[str, Callable[[Any, Alone], Arrays | None]] = {
    "dense": _dense,
    "conv2d": _conv2d,
    "avg_pool2d": _avg_pool2d,
    "max_pool2d": _max_pool2d,
    "learned_pool2d": _learned_pool2d,
    "elu": lambda layer, alone: _exponential(1.0, layer.alpha, alone),
    "selu": lambda layer, alone: _exponential(1.0507009873554805, 1.6732632423543772, alone),
    "softplus": _softplus,
    "gelu": _gelu,
    "silu": _silu,
    "log_softmax": _log_softmax,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}


def _softmax_cross_entropy(alone: AloneLoss) -> Arrays:
    x, t, loss = alone.x, alone.frame.t, cast(SoftmaxCrossEntropy, alone.loss)
    classes = len(x)
    weights = np.ones(classes) if loss.class_weights is None else np.array(loss.class_weights)
    targets = ((1 - loss.label_smoothing) * np.eye(classes)[:, t] + loss.label_smoothing / classes) * weights[:, None]
    mean = -np.sum(targets * special.log_softmax(x, axis=0)) / alone.frame.weight
    dx = special.softmax(x, axis=0) * targets.sum(axis=0) - targets
    return {"y": np.asarray(mean), X: dx / alone.frame.weight}


def _kullback_leibler(alone: AloneLoss) -> Arrays:
    x, t, logits = alone.x, alone.frame.t, cast(KullbackLeibler, alone.loss).logits
    q = special.softmax(x, axis=0) if logits else x
    dx = q * t.sum(axis=0) - t if logits else -t / x
    return {"y": np.asarray(special.rel_entr(t, q).sum() / alone.frame.weight), X: dx / alone.frame.weight}


def _huber(alone: AloneLoss) -> Arrays:
    delta = cast(Huber, alone.loss).delta
    return {"y": np.asarray(special.huber(delta, alone.x - alone.frame.t).sum() / alone.frame.weight)}


LOSSES: dict[str, Callable[[AloneLoss], Arrays]] = {
    "softmax_cross_entropy": _softmax_cross_entropy,
    "kullback_leibler": _kullback_leibler,
    "huber": _huber,
}


class ByScipy:
    name = "scipy"

    def layer(self, alone: Alone) -> dict[str, Array] | None:
        function = LAYERS.get(alone.layer.type_name)
        return None if function is None else function(alone.layer, alone)

    def loss(self, alone: AloneLoss) -> dict[str, Array] | None:
        function = LOSSES.get(alone.loss.type_name)
        return None if function is None else function(alone)
