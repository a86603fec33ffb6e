from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import NonNegative, Positive
from nncli.optimizers._moments import penalize
from nncli.parts import Optimizer, UpdateFrame
from nncli.registry import optimizer


@optimizer("adagrad")
@dataclass(frozen=True, slots=True)
class Adagrad(Optimizer):
    """Gradients over the root of the sum of all their squares, on pieces of the parameter vector (L,):
    ``v ← v + g²``, ``w ← w − lr g / (√v + eps)``; v starts at `initial_accumulator`.

    `lr` is the step size, `eps` keeps it finite. `weight_decay` λ adds λ w to the gradient. It leaves out biases and
    gains unless `decay_all` (PyTorch decays all).

    Source: Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization",
    Figure 1, diagonal form. Defaults are PyTorch's; its lr_decay is left to the schedule.
    """

    lr: Positive = 0.01
    eps: Positive = 1e-10
    initial_accumulator: NonNegative = 0.0
    weight_decay: NonNegative = 0.0
    decay_all: bool = False

    def slots(self) -> tuple[str, ...]:
        return ("v",)

    def start(self, slot: str) -> float:
        return self.initial_accumulator

    def update(self, f: UpdateFrame) -> None:
        penalize(f)
        v = f.slots["v"]
        np.multiply(f.g, f.g, out=f.a)
        np.add(v, f.a, out=v)
        np.sqrt(v, out=f.a)
        np.add(f.a, self.eps, out=f.a)
        np.divide(f.g, f.a, out=f.a)
        np.multiply(f.a, f.lr, out=f.a)
        np.subtract(f.w, f.a, out=f.w)
