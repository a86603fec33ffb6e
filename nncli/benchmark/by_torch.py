"""A network of nncli as PyTorch code would be written by hand: eager, with `torch.nn.functional` and `torch.optim`.

Layers that the second witness of `gradcheck` writes as one would are taken from its table; those that are written in a
quicker way when only speed is asked for stand here. To teach it a layer is one function in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from nncli.gradcheck.witness import by_torch as witness
from nncli.graph import INPUT, Graph
from nncli.graph.graph import Node
from nncli.kernels.window import extent, positions
from nncli.parts import Array, Shape
from nncli.spec.config import Config

Tensor = Any
"""Batch first, as PyTorch takes it."""
Parameters = dict[str, Tensor]


@dataclass
class Site:
    """What a layer's function may know of its place: shapes of the inputs (without N), running state, memory format."""

    shapes: tuple[Shape, ...]
    state: dict[str, Tensor]
    frame: Any = field(default_factory=lambda: SimpleNamespace(training=True))


def _conv2d(layer: Any, xs: list[Tensor], p: Parameters, site: Site) -> Tensor:
    """With the convolution's own padding wherever equal padding on both sides gives the same output."""
    window, output = layer.geometry(site.shapes[0])
    if min(window.before) < 0 or output != tuple(
        positions(size + 2 * before, extent(kernel, dilation), stride)
        for size, before, kernel, dilation, stride in zip(
            site.shapes[0][1:], window.before, window.kernel, window.dilation, window.stride, strict=True
        )
    ):
        return witness.LAYERS["conv2d"](layer, xs, p, site)  # type: ignore[arg-type]
    return functional.conv2d(xs[0], p["W"], p.get("b"), layer.stride, window.before, layer.dilation, layer.groups)


def _max_pool2d(layer: Any, xs: list[Tensor], p: Parameters, site: Site) -> Tensor:
    (top, bottom), (left, right) = layer.padding
    if top != bottom or left != right or 2 * top > layer.size[0] or 2 * left > layer.size[1]:
        return witness.LAYERS["max_pool2d"](layer, xs, p, site)  # type: ignore[arg-type]
    return functional.max_pool2d(xs[0], layer.size, layer.step, (top, left))


def _batch_norm(layer: Any, xs: list[Tensor], p: Parameters, site: Site) -> Tensor:
    mean, variance = site.state["mean"], site.state["variance"]
    return functional.batch_norm(xs[0], mean, variance, p.get("gamma"), p.get("beta"), True, layer.momentum, layer.eps)


def _add(layer: Any, xs: list[Tensor], p: Parameters, site: Site) -> Tensor:
    first, *others = xs
    for other in others:
        first = first + other
    return first


LAYERS: dict[str, Callable[[Any, list[Tensor], Parameters, Any], Tensor]] = {
    **witness.LAYERS,
    "conv2d": _conv2d,
    "max_pool2d": _max_pool2d,
    "batch_norm": _batch_norm,
    "add": _add,
    "dropout": lambda layer, xs, p, site: functional.dropout(xs[0], layer.rate),
    "alpha_dropout": lambda layer, xs, p, site: functional.alpha_dropout(xs[0], layer.rate, training=True),
    "gaussian_noise": lambda layer, xs, p, site: xs[0] + torch.randn_like(xs[0]) * layer.std,
}


def _softmax_cross_entropy(loss: Any, like: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    weights = None if loss.class_weights is None else torch.tensor(loss.class_weights, dtype=like.dtype)
    return lambda x, t: functional.cross_entropy(x, t, weights, label_smoothing=loss.label_smoothing)


def mean_loss(loss: Any, like: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """The batch's mean loss as a function of outputs and targets, for tensors of the type of `like`."""
    if loss.type_name == "softmax_cross_entropy":
        return _softmax_cross_entropy(loss, like)
    total = witness.LOSSES[loss.type_name]
    return lambda x, t: total(loss, x, t) / len(x)


def _adam(cls: Any) -> Callable[[Any, Any], Any]:
    return lambda o, groups: cls(groups, o.lr, (o.beta1, o.beta2), o.eps)


OPTIMIZERS: dict[str, Callable[[Any, list[dict[str, Any]]], Any]] = {
    "sgd": lambda o, groups: torch.optim.SGD(groups, o.lr, o.momentum, nesterov=o.nesterov),
    "adam": lambda o, groups: _adam(torch.optim.AdamW if o.decoupled else torch.optim.Adam)(o, groups),
    "adamw": _adam(torch.optim.AdamW),
    "nadam": lambda o, groups: torch.optim.NAdam(
        groups, o.lr, (o.beta1, o.beta2), o.eps, momentum_decay=o.momentum_decay
    ),
    "rmsprop": lambda o, groups: torch.optim.RMSprop(
        groups, o.lr, o.alpha, o.eps, momentum=o.momentum, centered=o.centered
    ),
    "adagrad": lambda o, groups: torch.optim.Adagrad(
        groups, o.lr, eps=o.eps, initial_accumulator_value=o.initial_accumulator
    ),
}


def unknown(config: Config, graph: Graph) -> list[str]:
    """What of a configuration has no counterpart here, in words."""
    nodes: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.type not in LAYERS:
            nodes.setdefault(node.type, []).append(node.name)
    found = [f"the layer '{kind}' ({', '.join(names)})" for kind, names in nodes.items()]
    if len(config.loss) > 1 or config.loss[0].output is not None or config.loss[0].target is not None:
        return [*found, "a loss on another output or target, or more than one,"]
    loss = config.loss[0].part
    if loss.type_name not in witness.LOSSES or (loss.weighs() and loss.type_name != "softmax_cross_entropy"):
        found.append(f"the loss '{loss.type_name}'" + (" with weights" if loss.weighs() else ""))
    if config.optimizer.type_name not in OPTIMIZERS:
        found.append(f"the optimizer '{config.optimizer.type_name}'")
    return found


class Network:
    """The network with its loss and optimizer, at given weights, for batches in one type and memory format.

    `weights` are by node and name, `state` likewise.
    """

    def __init__(
        self,
        config: Config,
        graph: Graph,
        weights: Mapping[str, Mapping[str, Array]],
        dtype: Any,
        channels_last: bool = False,
    ) -> None:
        self.config, self.graph, self.dtype, self.channels_last = config, graph, dtype, channels_last
        self.parameters: dict[str, Parameters] = {}
        for owner, arrays in weights.items():
            self.parameters[owner] = {name: self._placed(array) for name, array in arrays.items()}
        frozen = {node.name for node in graph.nodes if not node.trainable}
        for owner, tensors in self.parameters.items():
            for tensor in tensors.values():
                tensor.requires_grad_(owner not in frozen)
        self._calls = [self._call(node) for node in graph.nodes]
        self._loss = mean_loss(config.loss[0].part, torch.zeros((), dtype=dtype))
        self._optimizer = OPTIMIZERS[config.optimizer.type_name](config.optimizer, self._groups())
        self._trained = [p for group in self._optimizer.param_groups for p in group["params"]]

    def _placed(self, array: Array) -> Tensor:
        tensor = torch.tensor(np.ascontiguousarray(array), dtype=self.dtype)
        if self.channels_last and tensor.dim() == 4:
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    def _call(self, node: Node) -> tuple[Callable[[list[Tensor]], Tensor], tuple[int, ...]]:
        function, layer, p = LAYERS[node.type], node.layer, self.parameters.get(node.owner, {})
        state = {
            name: torch.full(state.shape, state.fill, dtype=self.dtype) for name, state in node.declared.state.items()
        }
        site = Site(node.shapes, state)
        return lambda xs: function(layer, xs, p, site), tuple(source - INPUT for source in node.inputs)

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters with a step size and weight decay in common."""
        optimizer = self.config.optimizer
        groups: dict[tuple[float, float], list[Tensor]] = {}
        for node in self.graph.nodes:
            if node.shares is not None or not node.trainable:
                continue
            for name, parameter in node.declared.parameters.items():
                own = self.config.groups[node.groups[name]] if name in node.groups else None
                lr, decay = optimizer.lr, optimizer.weight_decay
                if not (parameter.decay or optimizer.decay_all):
                    decay = 0.0
                if own is not None:
                    lr = lr if own.lr is None else own.lr
                    decay = decay if own.weight_decay is None else own.weight_decay
                groups.setdefault((lr, decay), []).append(self.parameters[node.name][name])
        return [{"params": list(p), "lr": lr, "weight_decay": decay} for (lr, decay), p in groups.items()]

    def batch(self, x: Array, t: Array) -> tuple[Tensor, Tensor]:
        """A batch (batch last) as PyTorch takes it."""
        targets = torch.tensor(np.ascontiguousarray(np.moveaxis(t, -1, 0)))
        targets = targets.long() if self.config.loss[0].part.target == "classes" else targets.to(self.dtype)
        return self._placed(np.moveaxis(x, -1, 0)), targets

    def loss(self, x: Tensor, t: Tensor) -> Tensor:
        """The mean loss of a batch."""
        values = [x]
        for function, sources in self._calls:
            values.append(function([values[source] for source in sources]))
        return self._loss(values[-1], t)

    def gradients(self, x: Tensor, t: Tensor) -> tuple[float, dict[str, dict[str, Array]]]:
        """The loss and the gradients of the trained parameters, by node and name."""
        self._optimizer.zero_grad()
        loss = self.loss(x, t)
        loss.backward()
        found: dict[str, dict[str, Array]] = {}
        for owner, tensors in self.parameters.items():
            for name, tensor in tensors.items():
                if tensor.grad is not None:
                    found.setdefault(owner, {})[name] = tensor.grad.numpy()
        return float(loss.detach()), found

    def step(self, x: Tensor, t: Tensor) -> None:
        """Forward, backward, update."""
        self._optimizer.zero_grad()
        self.loss(x, t).backward()
        clip = self.config.train.clip
        if clip is not None and clip.value is not None:
            torch.nn.utils.clip_grad_value_(self._trained, clip.value)
        if clip is not None and clip.norm is not None:
            torch.nn.utils.clip_grad_norm_(self._trained, clip.norm)
        self._optimizer.step()
