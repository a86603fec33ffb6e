"""PyTorch's values and gradients (by its autograd) of the layers and losses that it has too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from nncli.gradcheck.alone import Alone, AloneLoss, input_name
from nncli.kernels.window import Window
from nncli.parts import Array, Shape

Tensor = Any
"""Batch first, as PyTorch takes it."""


def _padding(image: Shape, window: Window, output: tuple[int, int]) -> list[int]:
    """Left, right, top and bottom, negative where the output does not read to the end."""
    padding: list[int] = []
    for axis in (1, 0):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        read = (output[axis] - 1) * window.stride[axis] + reach
        padding += [window.before[axis], read - window.before[axis] - image[axis + 1]]
    return padding


def _conv2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    window, output = layer.geometry(alone.shapes[0])
    x = functional.pad(xs[0], _padding(alone.shapes[0], window, output))
    return functional.conv2d(x, p["W"], p.get("b"), layer.stride, 0, layer.dilation, layer.groups)


def _local(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    """Every patch of the image times the matrix of its position."""
    window, output = layer.geometry(alone.shapes[0])
    x = functional.pad(xs[0], _padding(alone.shapes[0], window, output))
    patches = functional.unfold(x, layer.kernel, stride=layer.stride)
    y = torch.einsum("nkl,lfk->nfl", patches, p["W"].reshape(-1, layer.filters, patches.shape[1]))
    y = y.reshape(len(y), layer.filters, *output)
    return y + p["b"] if "b" in p else y


def _learned_pool2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    if layer.weights == "per_map":
        mean = functional.avg_pool2d(xs[0], layer.size, layer.step)
        return mean * p["g"][:, None, None] + p["b"][:, None, None]
    return functional.conv2d(xs[0], p["W"][:, None], None, layer.step, groups=len(p["W"]))


def _gain(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    return torch.einsum("nc...,c->nc...", xs[0], p["g"])


def _embedding(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    return functional.embedding(xs[0].long(), p["W"]).transpose(1, 2)


def _conv_transpose2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    more = layer.output_padding
    whole = functional.conv_transpose2d(xs[0], p["W"], p.get("b"), layer.stride, 0, more, layer.groups, layer.dilation)
    (top, bottom), (left, right) = layer.padding
    return whole[:, :, top : whole.shape[2] - bottom, left : whole.shape[3] - right]


def _conv1d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    window, (_, length) = layer.image.geometry((alone.shapes[0][0], 1, alone.shapes[0][1]))
    read = (length - 1) * layer.stride + (layer.kernel - 1) * layer.dilation + 1
    x = functional.pad(xs[0], (window.before[1], read - window.before[1] - alone.shapes[0][1]))
    return functional.conv1d(x, p["W"], p.get("b"), layer.stride, 0, layer.dilation, layer.groups)


def _upsample2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    if layer.mode == "nearest":
        return functional.interpolate(xs[0], scale_factor=layer.scale)
    return functional.interpolate(xs[0], scale_factor=layer.scale, mode="bilinear", align_corners=False)


def _padded(layer: Any, x: Tensor, value: float) -> Tensor:
    (top, bottom), (left, right) = layer.padding
    return functional.pad(x, (left, right, top, bottom), value=value)


def _max_pool(layer: Any, x: Tensor) -> Tensor:
    return functional.max_pool2d(_padded(layer, x, -torch.inf), layer.size, layer.step)


def _avg_pool(layer: Any, x: Tensor) -> Tensor:
    (top, bottom), (left, right) = layer.padding
    half = [size // 2 for size in layer.size]
    if top == bottom <= half[0] and left == right <= half[1]:
        return functional.avg_pool2d(x, layer.size, layer.step, (top, left), False, layer.count_padding)
    mean = functional.avg_pool2d(_padded(layer, x, 0.0), layer.size, layer.step)
    if layer.count_padding:
        return mean
    return mean / functional.avg_pool2d(_padded(layer, torch.ones_like(x), 0.0), layer.size, layer.step)


def _batch_norm(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    gamma, beta = p.get("gamma"), p.get("beta")
    if alone.frame.training:
        return torch.batch_norm(xs[0], gamma, beta, None, None, True, layer.momentum, layer.eps, False)
    mean, variance = (_tensor(alone.frame.state[name], False) for name in ("mean", "variance"))
    return torch.batch_norm(xs[0], gamma, beta, mean, variance, False, layer.momentum, layer.eps, False)


def _layer_norm(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    return functional.layer_norm(xs[0], alone.shapes[0], p.get("gamma"), p.get("beta"), layer.eps)


def _group_norm(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    return functional.group_norm(xs[0], layer.groups, p.get("gamma"), p.get("beta"), layer.eps)


def _pad2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    (top, bottom), (left, right) = layer.sides
    if layer.mode == "constant":
        return functional.pad(xs[0], (left, right, top, bottom), value=layer.value)
    return functional.pad(xs[0], (left, right, top, bottom), {"edge": "replicate"}.get(layer.mode, layer.mode))


def _crop2d(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    (top, bottom), (left, right) = layer.sides
    return functional.pad(xs[0], (-left, -right, -top, -bottom))


def _multiply(layer: Any, xs: list[Tensor], p: dict[str, Tensor], alone: Alone) -> Tensor:
    axes = max(x.dim() for x in xs)
    spread = [x.reshape(*x.shape, *[1] * (axes - x.dim())) for x in xs]
    return math.prod(spread[1:], start=spread[0])


LAYERS: dict[str, Callable[[Any, list[Tensor], dict[str, Tensor], Alone], Tensor]] = {
    "dense": lambda layer, xs, p, alone: functional.linear(xs[0], p["W"], p.get("b")),
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "max_pool2d": lambda layer, xs, p, alone: _max_pool(layer, xs[0]),
    "max_pool1d": lambda layer, xs, p, alone: _max_pool(layer.image, xs[0][:, :, None])[:, :, 0],
    "avg_pool2d": lambda layer, xs, p, alone: _avg_pool(layer, xs[0]),
    "avg_pool1d": lambda layer, xs, p, alone: _avg_pool(layer.image, xs[0][:, :, None])[:, :, 0],
    "global_max_pool2d": lambda layer, xs, p, alone: functional.adaptive_max_pool2d(xs[0], 1)[:, :, 0, 0],
    "global_max_pool1d": lambda layer, xs, p, alone: functional.adaptive_max_pool1d(xs[0], 1)[:, :, 0],
    "global_avg_pool1d": lambda layer, xs, p, alone: xs[0].mean(2),
    "global_avg_pool2d": lambda layer, xs, p, alone: xs[0].mean((2, 3)),
    "upsample2d": _upsample2d,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "flatten": lambda layer, xs, p, alone: xs[0].flatten(1),
    "relu": lambda layer, xs, p, alone: functional.relu(xs[0]),
    "leaky_relu": lambda layer, xs, p, alone: functional.leaky_relu(xs[0], layer.slope),
    "learned_pool2d": _learned_pool2d,
    "locally_connected2d": _local,
    "gain": _gain,
    "embedding": _embedding,
    "prelu": lambda layer, xs, p, alone: functional.prelu(xs[0], p["a"]),
    "elu": lambda layer, xs, p, alone: functional.elu(xs[0], layer.alpha),
    "selu": lambda layer, xs, p, alone: functional.selu(xs[0]),
    "softplus": lambda layer, xs, p, alone: functional.softplus(xs[0], layer.beta, threshold=700),
    "softsign": lambda layer, xs, p, alone: functional.softsign(xs[0]),
    "gelu": lambda layer, xs, p, alone: functional.gelu(xs[0], approximate=layer.approximate),
    "silu": lambda layer, xs, p, alone: functional.silu(xs[0]),
    # hardsigmoid's own derivative is 1/6 in float32 only (PyTorch 2.13)
    "hard_sigmoid": lambda layer, xs, p, alone: functional.relu6(xs[0] + 3) / 6,
    "hard_tanh": lambda layer, xs, p, alone: functional.hardtanh(xs[0], layer.min, layer.max),
    "hard_swish": lambda layer, xs, p, alone: functional.hardswish(xs[0]),
    "log_softmax": lambda layer, xs, p, alone: functional.log_softmax(xs[0], 1),
    "sigmoid": lambda layer, xs, p, alone: torch.sigmoid(xs[0]),
    "tanh": lambda layer, xs, p, alone: torch.tanh(xs[0]),
    "softmax": lambda layer, xs, p, alone: functional.softmax(xs[0], 1),
    "add": lambda layer, xs, p, alone: torch.stack(xs).sum(0),
    "concat": lambda layer, xs, p, alone: torch.cat(xs, layer.axis + 1),
    "multiply": _multiply,
    "reshape": lambda layer, xs, p, alone: xs[0].reshape(len(xs[0]), *layer.shape),
    "permute": lambda layer, xs, p, alone: xs[0].permute(0, *[axis + 1 for axis in layer.axes]),
    "pad2d": _pad2d,
    "crop2d": _crop2d,
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
        return found | {input_name(place): _last(x.grad) for place, x in enumerate(xs) if x.grad is not None}

    def loss(self, alone: AloneLoss) -> dict[str, Array] | None:
        function = LOSSES.get(alone.loss.type_name)
        if function is None:
            return None
        x, t = _tensor(_first(alone.x)), _tensor(_first(alone.frame.t), gradient=False)
        mean = function(alone.loss, x, t) / alone.frame.weight
        mean.backward()
        return {"y": mean.detach().numpy(), input_name(0): _last(x.grad)}
