"""PyTorch's values and gradients (by its autograd) of the layers and losses that it has too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from nncli.gradcheck.alone import Alone, AloneLoss, input_name
from nncli.parts import Array

Tensor = Any
"""Batch first, as PyTorch takes it."""


def _conv2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    window, output = layer.geometry(alone.shapes[0])
    padding: list[int] = []
    for axis in (1, 0):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        read = (output[axis] - 1) * window.stride[axis] + reach
        padding += [window.before[axis], read - window.before[axis] - alone.shapes[0][axis + 1]]
    x = functional.pad(xs[0], padding)
    return functional.conv2d(x, p["W"], p.get("b"), layer.stride, 0, layer.dilation, layer.groups)


LAYERS: dict[str, Callable[[Any, list[Tensor], dict[str, Tensor], Alone], Tensor]] = {
    "dense": lambda layer, xs, p, alone: functional.linear(xs[0], p["W"], p.get("b")),
    "conv2d": _conv2d,
    "max_pool2d": lambda layer, xs, p, alone: functional.max_pool2d(xs[0], layer.size, layer.step),
    "avg_pool2d": lambda layer, xs, p, alone: functional.avg_pool2d(xs[0], layer.size, layer.step),
    "global_avg_pool2d": lambda layer, xs, p, alone: xs[0].mean((2, 3)),
    "flatten": lambda layer, xs, p, alone: xs[0].flatten(1),
    "relu": lambda layer, xs, p, alone: functional.relu(xs[0]),
    "leaky_relu": lambda layer, xs, p, alone: functional.leaky_relu(xs[0], layer.slope),
    "sigmoid": lambda layer, xs, p, alone: torch.sigmoid(xs[0]),
    "tanh": lambda layer, xs, p, alone: torch.tanh(xs[0]),
    "softmax": lambda layer, xs, p, alone: functional.softmax(xs[0], 1),
    "add": lambda layer, xs, p, alone: torch.stack(xs).sum(0),
    "concat": lambda layer, xs, p, alone: torch.cat(xs, 1),
}


def _softmax_cross_entropy(loss: Any, x: Tensor, t: Tensor) -> Tensor:
    weights = _weights(loss.class_weights)
    return functional.cross_entropy(x, t, weights, reduction="sum", label_smoothing=loss.label_smoothing)


def _kullback_leibler(loss: Any, x: Tensor, t: Tensor) -> Tensor:
    return functional.kl_div(functional.log_softmax(x, 1) if loss.logits else x.log(), t, reduction="sum")


def _binary_cross_entropy(loss: Any, x: Tensor, t: Tensor) -> Tensor:
    weights = torch.as_tensor(loss.positive_weight, dtype=x.dtype)
    smooth = t * (1 - loss.label_smoothing) + loss.label_smoothing / 2
    return functional.binary_cross_entropy_with_logits(x, smooth, pos_weight=weights, reduction="sum")


def _hinge(loss: Any, x: Tensor, t: Tensor) -> Tensor:
    power = 2 if loss.squared else 1
    return functional.multi_margin_loss(x, t, p=power, margin=loss.margin, reduction="sum") * x.shape[1]


def _weights(weights: tuple[float, ...] | None) -> Tensor | None:
    return None if weights is None else torch.tensor(weights, dtype=torch.float64)


LOSSES: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "least_squares": lambda loss, x, t: functional.mse_loss(x, t, reduction="sum") / 2,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "cross_entropy": lambda loss, x, t: functional.nll_loss(x.log(), t, _weights(loss.class_weights), reduction="sum"),
    "kullback_leibler": _kullback_leibler,
    "binary_cross_entropy": _binary_cross_entropy,
    "huber": lambda loss, x, t: functional.huber_loss(x, t, reduction="sum", delta=loss.delta),
    "absolute": lambda loss, x, t: functional.l1_loss(x, t, reduction="sum"),
    "hinge": _hinge,
}


def _tensor(array: Array, gradient: bool = True) -> Tensor:
    return torch.tensor(np.ascontiguousarray(array), requires_grad=gradient)


def _first(array: Array) -> Array:
    return np.moveaxis(array, -1, 0)


def _last(tensor: Tensor) -> Array:
    return np.moveaxis(tensor.detach().numpy(), 0, -1)


class ByTorch:
    name = "torch"

    def layer(self, alone: Alone) -> dict[str, Array] | None:
        function = LAYERS.get(alone.layer.type_name)
        if function is None:
            return None
        xs = [_tensor(_first(x)) for x in alone.x]
        p = {name: _tensor(array) for name, array in alone.p.items()}
        y = function(alone.layer, xs, p, alone)
        y.backward(_tensor(_first(alone.c), gradient=False))
        found = {"y": _last(y)} | {name: tensor.grad.numpy() for name, tensor in p.items()}
        return found | {input_name(place): _last(x.grad) for place, x in enumerate(xs)}

    def loss(self, alone: AloneLoss) -> dict[str, Array] | None:
        function = LOSSES.get(alone.loss.type_name)
        if function is None:
            return None
        x, t = _tensor(_first(alone.x)), _tensor(_first(alone.frame.t), gradient=False)
        mean = function(alone.loss, x, t) / alone.frame.weight
        mean.backward()
        return {"y": mean.detach().numpy(), input_name(0): _last(x.grad)}
