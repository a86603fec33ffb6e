"""What the optimizers of Adam's family share, all on pieces of the parameter vector (L,)."""

from __future__ import annotations

import numpy as np

from nncli.parts import Array, UpdateFrame


def penalize(f: UpdateFrame) -> None:
    """Add weight decay to the gradient: ``g ← g + λ w``, the slope of ½ λ ‖w‖²."""
    if f.weight_decay:
        np.multiply(f.w, f.weight_decay, out=f.a)
        np.add(f.g, f.a, out=f.g)


def shrink(f: UpdateFrame) -> None:
    """Decoupled weight decay: ``w ← (1 − lr λ) w``."""
    if f.weight_decay:
        np.multiply(f.w, 1 - f.lr * f.weight_decay, out=f.w)


def average(f: UpdateFrame, beta1: float, beta2: float) -> None:
    """``m ← β₁ m + (1 − β₁) g`` and ``v ← β₂ v + (1 − β₂) g²``."""
    m, v = f.slots["m"], f.slots["v"]
    np.multiply(m, beta1, out=m)
    np.multiply(f.g, 1 - beta1, out=f.a)
    np.add(m, f.a, out=m)
    average_square(f, v, beta2)


def average_square(f: UpdateFrame, v: Array, beta: float) -> None:
    """``v ← β v + (1 − β) g²``."""
    np.multiply(v, beta, out=v)
    np.multiply(f.g, f.g, out=f.a)
    np.multiply(f.a, 1 - beta, out=f.a)
    np.add(v, f.a, out=v)


def adam_step(f: UpdateFrame, beta1: float, beta2: float, eps: float) -> None:
    """Adam's step after the averages: Algorithm 1 with the bias corrections folded into the step size."""
    root = (1 - beta2**f.t) ** 0.5
    np.sqrt(f.slots["v"], out=f.a)
    np.add(f.a, eps * root, out=f.a)
    np.divide(f.slots["m"], f.a, out=f.a)
    np.multiply(f.a, f.lr * root / (1 - beta1**f.t), out=f.a)
    np.subtract(f.w, f.a, out=f.w)
