from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.parts import Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("absolute")
@dataclass(frozen=True, slots=True)
class Absolute(Loss):
    """Absolute error, ``L = Σᵢ |xᵢ − tᵢ|`` over the outputs of a sample, averaged over the batch.

    Its minimum is the median, whereas that of `least_squares` is the mean. PyTorch's l1_loss divides by the number of
    outputs too.

    Shapes (N samples)
        x (…, N)   t the same

    Gradients
        dx = sign(x − t) / N, 0 where they are equal
    """

    target: ClassVar[Literal["classes", "values"]] = "values"

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"difference": Work((*output, n)), "size": Work((*output, n), scratch=True)}

    def forward(self, f: LossFrame) -> float:
        difference, size = f.work["difference"], f.work["size"]
        np.subtract(f.x, f.t, out=difference)
        np.abs(difference, out=size)
        return float(np.add.reduce(size, axis=None, dtype=np.float64))

    def backward(self, f: LossFrame) -> None:
        np.sign(f.work["difference"], out=f.dx)
        np.multiply(f.dx, 1 / f.weight, out=f.dx)
