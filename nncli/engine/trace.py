"""Copies of all that a step computes, for checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nncli.engine.objective import Objective
from nncli.engine.shard import Call
from nncli.parts import Array


@dataclass
class Trace:
    """Arrays of one batch by node index, batch last.

    outputs     y as the node's call left it (with the fused activation applied)
    arrived     dL/dy as it stood when the node's way back began
    errors      dL/dx by (node, input), as the node alone gave them
    gradients   of the node's parameters by name
    loss        what is made small           losses   the mean of each loss
    loss_errors dL/dy from each loss that has one, by its place
    """

    loss: float = 0.0
    losses: list[float] = field(default_factory=list)
    loss_errors: list[Array] = field(default_factory=list)
    outputs: dict[int, Array] = field(default_factory=dict)
    arrived: dict[int, Array] = field(default_factory=dict)
    errors: dict[tuple[int, int], Array] = field(default_factory=dict)
    gradients: dict[int, dict[str, Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Trace:
        """Of one shard; `losses` are sums."""
        made = cls()
        for kind, index, what in calls:
            if kind == "forward":
                made.outputs[index] = what.y.copy()
            elif kind == "loss":
                made.losses.append(what)
            elif kind == "loss error":
                made.loss_errors.append(what.copy())
            elif kind == "arrived":
                made.arrived[index] = what.dy.copy()
            else:
                made.gradients[index] = {name: g.copy() for name, g in (what.g or {}).items()}
                for place, dx in enumerate(what.dxs):
                    if dx is not None:
                        made.errors[index, place] = dx.copy()
        return made

    @classmethod
    def joined(cls, parts: Sequence[Trace], objective: Objective, weights: Sequence[float]) -> Trace:
        """The shards of a batch put together; gradients and losses add up, and sums are divided by their weights."""
        first, *rest = parts
        made = cls()
        made.losses = [sum(part.losses[place] for part in parts) / weight for place, weight in enumerate(weights)]
        made.loss = sum(term.weight * loss for term, loss in zip(objective, made.losses, strict=True))
        for place in range(len(first.loss_errors)):
            made.loss_errors.append(np.concatenate([part.loss_errors[place] for part in parts], -1))
        made.outputs = {key: np.concatenate([part.outputs[key] for part in parts], -1) for key in first.outputs}
        made.arrived = {key: np.concatenate([part.arrived[key] for part in parts], -1) for key in first.arrived}
        made.errors = {key: np.concatenate([part.errors[key] for part in parts], -1) for key in first.errors}
        made.gradients = {
            index: {name: sum((part.gradients[index][name] for part in rest), g) for name, g in gradients.items()}
            for index, gradients in first.gradients.items()
        }
        return made
