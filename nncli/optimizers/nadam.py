from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from nncli.fields import Decay, NonNegative, Positive
from nncli.optimizers._moments import average, penalize
from nncli.parts import Optimizer, UpdateFrame
from nncli.registry import optimizer


@optimizer("nadam")
@dataclass(frozen=True, slots=True)
class Nadam(Optimizer):
    """Adam with Nesterov's momentum, on pieces of the parameter vector (L,).

    The momentum grows, ``μₜ = β₁ (1 − ½ 0.96^(t ψ))`` with `momentum_decay` ψ, and with m and v as in Adam
    ``w ← w − lr ((1 − μₜ) g / (1 − Πμ₁…μₜ) + μₜ₊₁ m / (1 − Πμ₁…μₜ₊₁)) / (√(v / (1 − β₂ᵗ)) + eps)``.

    `lr` is the step size, `beta1` and `beta2` are the coefficients β₁ and β₂ of the averages of g and g², `eps` keeps
    the step finite. `weight_decay` λ adds λ w to the gradient. It leaves out biases and gains unless `decay_all`
    (PyTorch decays all).

    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam", with the momentum of its appendix. As in PyTorch,
    which has the same defaults, m is averaged with β₁ and not with μₜ.
    """

    lr: Positive = 2e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Positive = 1e-8
    momentum_decay: NonNegative = 4e-3
    weight_decay: NonNegative = 0.0
    decay_all: bool = False

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def update(self, f: UpdateFrame) -> None:
        penalize(f)
        average(f, self.beta1, self.beta2)
        root = (1 - self.beta2**f.t) ** 0.5
        now, after = (_momentum(t, self.beta1, self.momentum_decay) for t in (f.t, f.t + 1))
        product = _product(f.t, self.beta1, self.momentum_decay)
        np.sqrt(f.slots["v"], out=f.a)
        np.add(f.a, self.eps * root, out=f.a)
        np.multiply(f.g, f.lr * root * (1 - now) / (1 - product), out=f.b)
        np.divide(f.b, f.a, out=f.b)
        np.subtract(f.w, f.b, out=f.w)
        np.multiply(f.slots["m"], f.lr * root * after / (1 - product * after), out=f.b)
        np.divide(f.b, f.a, out=f.b)
        np.subtract(f.w, f.b, out=f.w)


def _momentum(t: int, beta: float, decay: float) -> float:
    return float(beta * (1 - 0.5 * 0.96 ** (t * decay)))


def _product(t: int, beta: float, decay: float) -> float:
    """Πμ₁…μₜ, from what is known of earlier ones. Once it is too small to change 1 − Π no more are needed."""
    known = _known(beta, decay)
    while len(known) <= t and known[-1] > 1e-20:
        known.append(known[-1] * _momentum(len(known), beta, decay))
    return known[min(t, len(known) - 1)]


@cache
def _known(beta: float, decay: float) -> list[float]:
    """The products for t = 0, 1, …; `_product` extends the list."""
    return [1.0]
