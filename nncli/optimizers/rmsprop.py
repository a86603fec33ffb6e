from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import Decay, NonNegative, Positive
from nncli.optimizers._moments import average_square, penalize
from nncli.parts import Optimizer, UpdateFrame
from nncli.registry import optimizer


@optimizer("rmsprop")
@dataclass(frozen=True, slots=True)
class RmsProp(Optimizer):
    """Gradients over the root of their mean square, on pieces of the parameter vector (L,):
    ``v ← α v + (1 − α) g²``, ``w ← w − lr g / (√v + eps)``.

    `lr` is the step size, `alpha` the coefficient α of the average of g², `eps` keeps the step finite.

    With `momentum` μ the step is ``u ← μ u + g / (√v + eps)``, ``w ← w − lr u``. `centered` takes √(v − ḡ²), the
    deviation, with ḡ averaged like v; where rounding makes v − ḡ² negative it counts as 0, whereas PyTorch gives NaN.

    `weight_decay` λ adds λ w to the gradient. It leaves out biases and gains unless `decay_all` (PyTorch decays all).

    Source: Hinton 2012, "Neural networks for machine learning", lecture 6e; Graves 2013 (arXiv:1308.0850), equations 38
    to 41, for `centered`, but with eps outside of the root. Defaults are PyTorch's.
    """

    lr: Positive = 0.01
    alpha: Decay = 0.99
    eps: Positive = 1e-8
    momentum: Decay = 0.0
    centered: bool = False
    weight_decay: NonNegative = 0.0
    decay_all: bool = False

    def slots(self) -> tuple[str, ...]:
        return ("v", *(["mean"] if self.centered else []), *(["u"] if self.momentum else []))

    def update(self, f: UpdateFrame) -> None:
        penalize(f)
        v = f.slots["v"]
        average_square(f, v, self.alpha)
        if self.centered:
            mean = f.slots["mean"]
            np.multiply(mean, self.alpha, out=mean)
            np.multiply(f.g, 1 - self.alpha, out=f.a)
            np.add(mean, f.a, out=mean)
            np.multiply(mean, mean, out=f.a)
            np.subtract(v, f.a, out=f.a)
            np.maximum(f.a, 0, out=f.a)
            np.sqrt(f.a, out=f.a)
        else:
            np.sqrt(v, out=f.a)
        np.add(f.a, self.eps, out=f.a)
        np.divide(f.g, f.a, out=f.a)
        step = f.a
        if self.momentum:
            step = f.slots["u"]
            np.multiply(step, self.momentum, out=step)
            np.add(step, f.a, out=step)
        np.multiply(step, f.lr, out=f.b)
        np.subtract(f.w, f.b, out=f.w)
