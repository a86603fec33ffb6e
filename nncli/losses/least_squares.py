from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.parts import Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("least_squares")
@dataclass(frozen=True, slots=True)
class LeastSquares(Loss):
    """Half the squared distance, ``L = ½ Σᵢ (xᵢ − tᵢ)²``, averaged over the batch.

    Shapes (N samples)
        x (…, N)   t the same

    Gradients
        dx = (x − t) / N

    Source: Rumelhart, Hinton & Williams 1986.
    """

    target: ClassVar[Literal["classes", "values"]] = "values"

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"difference": Work((*output, n))}

    def forward(self, f: LossFrame) -> float:
        difference = f.work["difference"]
        np.subtract(f.x, f.t, out=difference)
        flat = difference.reshape(-1)
        return 0.5 * float(np.dot(flat, flat))

    def backward(self, f: LossFrame) -> None:
        np.multiply(f.work["difference"], 1.0 / f.weight, out=f.dx)
