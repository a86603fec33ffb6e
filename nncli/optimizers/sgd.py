from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import Decay, NonNegative, Positive
from nncli.optimizers._moments import penalize
from nncli.parts import Optimizer, UpdateFrame
from nncli.registry import optimizer


@optimizer("sgd")
@dataclass(frozen=True, slots=True)
class Sgd(Optimizer):
    """Stochastic gradient descent, with momentum: ``v ← μ v + g``, ``w ← w − lr v``, or with `nesterov`
    ``w ← w − lr (g + μ v)``, on pieces of the parameter vector (L,).

    `lr` is the step size, `momentum` is μ: 0 is plain descent.

    `weight_decay` λ adds λ w to the gradient: an L2 penalty ½ λ ‖w‖². Decay leaves out biases and gains
    unless `decay_all`.

    Source: Polyak 1964 (momentum); Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning" (Nesterov). The step size is outside of v, as in PyTorch, so that a schedule acts at once.
    """

    lr: Positive = 0.01
    momentum: Decay = 0.0
    nesterov: bool = False
    weight_decay: NonNegative = 0.0
    decay_all: bool = False

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("`nesterov` needs a `momentum` greater than 0")

    def slots(self) -> tuple[str, ...]:
        return ("v",) if self.momentum else ()

    def update(self, f: UpdateFrame) -> None:
        penalize(f)
        direction = f.g
        if self.momentum:
            v = f.slots["v"]
            np.multiply(v, self.momentum, out=v)
            np.add(v, f.g, out=v)
            direction = v
            if self.nesterov:
                np.multiply(v, self.momentum, out=f.a)
                np.add(f.a, f.g, out=f.a)
                direction = f.a
        np.multiply(direction, f.lr, out=f.b)
        np.subtract(f.w, f.b, out=f.w)
