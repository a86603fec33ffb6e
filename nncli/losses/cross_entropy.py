from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.fields import Weights
from nncli.losses._classes import check_classes, check_not_all_zero, find_places, place_works, weigh, weight_works
from nncli.parts import Array, Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("cross_entropy")
@dataclass(frozen=True, slots=True)
class CrossEntropy(Loss):
    """Cross-entropy of the outputs, probabilities as after `softmax`, with the true class, averaged over the batch.

    ``L = −log x_t``. Where the network can end with logits, `softmax_cross_entropy` is more accurate and faster; where
    the targets are distributions, `kullback_leibler` takes them. With `class_weights` w it is the weighted mean
    ``Σₙ w_t L / Σₙ w_t``.

    Shapes (K classes, N samples)
        x (K, N)   t (N,) class numbers from 0

    Gradients, with W = N or Σₙ w_t
        dx_t = −w_t / (W x_t), 0 for the other classes. A probability below the smallest normal number of the dtype
        (1.2e-38, 2.2e-308) counts as that number, forward and here: a true class of probability 0 has a finite loss
        and a slope that still points upwards. Behind a softmax its error is 0, for the softmax's own slope is.

    Raises ShapeError unless the output is a vector of at least two, with as many weights.

    Source: Solla, Levin & Fleisher 1988, "Accelerated learning in layered neural networks". PyTorch has the same as
    nll_loss of a logarithm, which is infinite at 0.
    """

    target: ClassVar[Literal["classes", "values"]] = "classes"
    class_weights: Weights | None = None

    def __post_init__(self) -> None:
        check_not_all_zero(self.class_weights)

    def check(self, output: Shape) -> None:
        check_classes(output, self.class_weights, "cross_entropy takes a vector of at least two probabilities")

    def weighs(self) -> bool:
        return self.class_weights is not None

    def weight(self, f: LossFrame) -> float:
        return weigh(f)

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        works = place_works(n) | {"spoilt": Work((n,)), "ones": Work(output, zero=True), "terms": Work((n,))}
        return works | (weight_works(output, n) if self.class_weights is not None else {})

    def prepare(self, f: LossFrame) -> tuple[Array, Array | None]:
        np.copyto(f.work["columns"], np.arange(f.n))
        f.work["ones"].fill(1)
        if self.class_weights is not None:
            f.work["class_weights"][...] = self.class_weights
        return f.x.reshape(-1), None if f.dx is None else f.dx.reshape(-1)

    def forward(self, f: LossFrame) -> float:
        work, (flat, _) = f.work, f.views
        true, terms, spoilt = work["true"], work["terms"], work["spoilt"]
        np.matmul(work["ones"], f.x, out=spoilt)
        np.multiply(spoilt, 0, out=spoilt)  # NaN where any output of the sample is not finite, so that it is seen
        find_places(f)
        flat.take(work["place"], out=true, mode="clip")
        np.maximum(true, float(np.finfo(true.dtype).tiny), out=true)
        np.log(true, out=terms)
        if self.class_weights is not None:
            np.multiply(terms, work["sample_weights"], out=terms)
        np.subtract(spoilt, terms, out=terms)
        return float(np.add.reduce(terms, dtype=np.float64))

    def backward(self, f: LossFrame) -> None:
        work, (_, dx) = f.work, f.views
        slope = work["terms"]
        slope.fill(-1 / f.weight)
        if self.class_weights is not None:
            np.multiply(slope, work["sample_weights"], out=slope)
        np.divide(slope, work["true"], out=slope)
        np.add(slope, work["spoilt"], out=slope)
        f.dx.fill(0)
        dx[work["place"]] = slope
