from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Decay, NonNegative, Positive
from nncli.optimizers._moments import adam_step, average, shrink
from nncli.parts import Optimizer, UpdateFrame
from nncli.registry import optimizer


@optimizer("adamw")
@dataclass(frozen=True, slots=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay, on pieces of the parameter vector (L,): `adam` with `decoupled`, and with a
    decay that is not 0 from the start.

    `lr` is the step size, `beta1` and `beta2` are the coefficients of the averages of g and g², `eps` keeps the step
    finite. `weight_decay` λ shrinks the weights by lr λ w past the moments. It leaves out biases and gains unless
    `decay_all` (PyTorch decays all).

    Source: Loshchilov & Hutter 2019, "Decoupled weight decay regularization" (arXiv:1711.05101), Algorithm 2.
    """

    lr: Positive = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01
    decay_all: bool = False

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def update(self, f: UpdateFrame) -> None:
        shrink(f)
        average(f, self.beta1, self.beta2)
        adam_step(f, self.beta1, self.beta2, self.eps)
