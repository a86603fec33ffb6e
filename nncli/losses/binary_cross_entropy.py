from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import NonNegative, Share, Weights
from nncli.parts import Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("binary_cross_entropy")
@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of the sigmoid of each output (a logit) with its target, a probability from 0 to 1.

    ``L = Σᵢ softplus(xᵢ) − tᵢ xᵢ``: summed over the outputs of a sample, averaged over the batch. The sum is the
    negative log-likelihood of independent outputs, and the convention of `least_squares`; PyTorch's default divides by
    the number of outputs too, so that its step size is that many times larger. One output takes class numbers 0 and 1.

    With `label_smoothing` ε the target is (1 − ε) t + ε/2. `positive_weight` p, a number or one for each output,
    multiplies the terms of positives: ``p t softplus(−x) + (1 − t) softplus(x)``, to weigh rare ones up.

    Shapes (N samples)
        x (…, N)   t the same; (N,) for one output

    Gradients
        dx = ((1 − t) σ(x) − p t σ(−x)) / N, which is (σ(x) − t) / N for p = 1

    Raises ShapeError where there are several weights and the output is no vector of that length.

    Source: Baum & Wilczek 1988, "Supervised learning of probability distributions by neural networks".
    """

    target: ClassVar[Literal["classes", "values"]] = "values"
    span: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    label_smoothing: Share = 0.0
    positive_weight: NonNegative | Weights = 1.0

    def check(self, output: Shape) -> None:
        if isinstance(self.positive_weight, tuple) and output != (len(self.positive_weight),):
            message = f"there are {len(self.positive_weight)} positive weights for outputs {list(output)}"
            raise ShapeError(message, hint="give one number, or one for each output of a vector")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        whole = (*output, n)
        works = {name: Work(whole) for name in ("powers", "right", "wrong", "slope")}
        return works | {"negative": Work(whole, dtype=bool), "weights": Work((*output, 1), zero=True)}

    def prepare(self, f: LossFrame) -> None:
        np.copyto(f.work["weights"].T, self.positive_weight)

    def forward(self, f: LossFrame) -> float:
        """With `wrong` the weight of the side that x is not on, and `right` the other:
        ``L = wrong |x| + (wrong + right) log(1 + e^−|x|)``, without any cancellation."""
        powers, right, wrong, slope = (f.work[name] for name in ("powers", "right", "wrong", "slope"))
        negative = f.work["negative"]
        np.multiply(f.t, 1 - self.label_smoothing, out=slope)
        np.add(slope, self.label_smoothing / 2, out=slope)
        np.subtract(1, slope, out=wrong)
        np.multiply(slope, f.work["weights"], out=right)
        np.less(f.x, 0, out=negative)
        np.copyto(slope, right)
        np.copyto(right, wrong, where=negative)
        np.copyto(wrong, slope, where=negative)
        np.abs(f.x, out=slope)
        np.negative(slope, out=powers)
        np.exp(powers, out=powers)
        loss = float(np.dot(wrong.reshape(-1), slope.reshape(-1)))
        np.log1p(powers, out=slope)
        loss += float(np.dot(wrong.reshape(-1), slope.reshape(-1)))
        return loss + float(np.dot(right.reshape(-1), slope.reshape(-1)))

    def backward(self, f: LossFrame) -> None:
        """``dx = ± (wrong − right e^−|x|) / (1 + e^−|x|)`` with the sign of x."""
        powers, slope = f.work["powers"], f.work["slope"]
        np.multiply(f.work["right"], powers, out=f.dx)
        np.subtract(f.work["wrong"], f.dx, out=f.dx)
        np.add(powers, 1, out=slope)
        np.divide(f.dx, slope, out=f.dx)
        np.multiply(f.dx, 1 / f.weight, out=f.dx)
        np.negative(f.dx, out=f.dx, where=f.work["negative"])
