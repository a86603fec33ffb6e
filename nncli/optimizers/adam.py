from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import Decay, NonNegative, Positive
from nncli.parts import Optimizer, UpdateFrame
from nncli.registry import optimizer


@optimizer("adam")
@dataclass(frozen=True, slots=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), on pieces of the parameter vector (L,).

    `lr` is the step size, `beta1` and `beta2` are the coefficients of the averages of g and g². The bias corrections
    are folded into the step size (end of section 2), with `eps` scaled by √(1−β₂ᵗ) so that the result equals
    Algorithm 1.

    `weight_decay` λ adds λ w to the gradient, an L2 penalty ½ λ ‖w‖²; with `decoupled` it shrinks the weights by
    lr λ w instead, past the moments (AdamW: Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2). Decay
    leaves out biases and gains unless `decay_all`.
    """

    lr: Positive = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.0
    decoupled: bool = False
    decay_all: bool = False

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def update(self, f: UpdateFrame) -> None:
        m, v = f.slots["m"], f.slots["v"]
        if f.weight_decay:
            if self.decoupled:
                np.multiply(f.w, 1 - f.lr * f.weight_decay, out=f.w)
            else:
                np.multiply(f.w, f.weight_decay, out=f.a)
                np.add(f.g, f.a, out=f.g)
        np.multiply(m, self.beta1, out=m)
        np.multiply(f.g, 1 - self.beta1, out=f.a)
        np.add(m, f.a, out=m)
        np.multiply(v, self.beta2, out=v)
        np.multiply(f.g, f.g, out=f.a)
        np.multiply(f.a, 1 - self.beta2, out=f.a)
        np.add(v, f.a, out=v)
        root = (1 - self.beta2**f.t) ** 0.5
        np.sqrt(v, out=f.a)
        np.add(f.a, self.eps * root, out=f.a)
        np.divide(m, f.a, out=f.a)
        np.multiply(f.a, f.lr * root / (1 - self.beta1**f.t), out=f.a)
        np.subtract(f.w, f.a, out=f.w)
