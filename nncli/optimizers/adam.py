from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Decay, NonNegative, Positive
from nncli.optimizers._moments import adam_step, average, penalize, shrink
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
        if self.decoupled:
            shrink(f)
        else:
            penalize(f)
        average(f, self.beta1, self.beta2)
        adam_step(f, self.beta1, self.beta2, self.eps)
