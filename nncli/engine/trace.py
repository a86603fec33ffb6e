"""Copies of all that a step computes, for checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nncli.engine.shard import Call
from nncli.parts import Array


@dataclass
class Trace:
    """Arrays of one batch by node index, batch last.

    outputs     y as the node's call left it (with the fused activation applied)
    arrived     dL/dy as it stood when the node's way back began
    errors      dL/dx by (node, input), as the node alone gave them
    gradients   of the node's parameters by name
    loss        the mean        loss_error   dL/dy of the output
    """

    loss: float = 0.0
    loss_error: Array | None = None
    outputs: dict[int, Array] = field(default_factory=dict)
    arrived: dict[int, Array] = field(default_factory=dict)
    errors: dict[tuple[int, int], Array] = field(default_factory=dict)
    gradients: dict[int, dict[str, Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Trace:
        """Of one shard; `loss` is the sum of its losses."""
        made = cls()
        for kind, index, what in calls:
            if kind == "forward":
                made.outputs[index] = what.y.copy()
            elif kind == "loss":
                made.loss = what
            elif kind == "loss error":
                made.loss_error = what.copy()
            elif kind == "arrived":
                made.arrived[index] = what.dy.copy()
            else:
                made.gradients[index] = {name: g.copy() for name, g in (what.g or {}).items()}
                for place, dx in enumerate(what.dxs):
                    if dx is not None:
                        made.errors[index, place] = dx.copy()
        return made

    @classmethod
    def joined(cls, parts: Sequence[Trace], weight: float) -> Trace:
        """The shards of a batch put together; gradients and losses add up, and the sum is divided by the weight."""
        first, *rest = parts
        made = cls(sum(part.loss for part in parts) / weight)
        if first.loss_error is not None:
            made.loss_error = np.concatenate([part.loss_error for part in parts if part.loss_error is not None], -1)
        made.outputs = {key: np.concatenate([part.outputs[key] for part in parts], -1) for key in first.outputs}
        made.arrived = {key: np.concatenate([part.arrived[key] for part in parts], -1) for key in first.arrived}
        made.errors = {key: np.concatenate([part.errors[key] for part in parts], -1) for key in first.errors}
        made.gradients = {
            index: {name: sum((part.gradients[index][name] for part in rest), g) for name, g in gradients.items()}
            for index, gradients in first.gradients.items()
        }
        return made
