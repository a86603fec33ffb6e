from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.fields import Positive
from nncli.parts import Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("huber")
@dataclass(frozen=True, slots=True)
class Huber(Loss):
    """Squared up to an error of `delta` δ, linear beyond it, so that outliers pull no harder than δ.

    With e = x − t: ``½ e²`` where |e| ≤ δ, else ``δ (|e| − ½ δ)``, summed over the outputs of a sample and averaged
    over the batch. PyTorch's default divides by the number of outputs too.

    Shapes (N samples)
        x (…, N)   t the same

    Gradients
        dx = clip(x − t, −δ, δ) / N

    Source: Huber 1964, "Robust estimation of a location parameter".
    """

    target: ClassVar[Literal["classes", "values"]] = "values"
    delta: Positive = 1.0

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"difference": Work((*output, n)), "clipped": Work((*output, n))}

    def forward(self, f: LossFrame) -> float:
        """``c (e − ½ c)`` with c the clipped error is both branches."""
        difference, clipped = f.work["difference"], f.work["clipped"]
        np.subtract(f.x, f.t, out=difference)
        np.clip(difference, -self.delta, self.delta, out=clipped)
        flat = clipped.reshape(-1)
        return float(np.dot(flat, difference.reshape(-1))) - 0.5 * float(np.dot(flat, flat))

    def backward(self, f: LossFrame) -> None:
        np.multiply(f.work["clipped"], 1 / f.weight, out=f.dx)
