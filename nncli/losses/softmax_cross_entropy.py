from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("softmax_cross_entropy")
@dataclass(frozen=True, slots=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the outputs (logits) with the true class, averaged over the batch.

    ``L = log Σⱼ exp xⱼ − x_t``, with the largest logit taken off first so that nothing overflows. The network ends
    with logits: a softmax of its own would be one too many.

    Shapes (K classes, N samples)
        x (K, N)   t (N,) class numbers from 0

    Gradients
        dx = (softmax(x) − onehot(t)) / N

    Raises ShapeError unless the output is a vector of at least two logits.

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """

    target: ClassVar[Literal["classes", "values"]] = "classes"

    def check(self, output: Shape) -> None:
        if len(output) != 1 or output[0] < 2:
            raise ShapeError(
                f"softmax_cross_entropy takes a vector of at least two logits, not {list(output)}",
                hint="end the network with `flatten` and `dense: <number of classes>`",
            )

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {
            "powers": Work((*output, n)),
            "top": Work((n,)),
            "sum": Work((n,)),
            "true": Work((n,)),
            "place": Work((n,), dtype=np.intp),
            "columns": Work((n,), dtype=np.intp, zero=True),
            "ones": Work(output, zero=True),
        }

    def prepare(self, f: LossFrame) -> tuple[Array, Array | None]:
        np.copyto(f.work["columns"], np.arange(f.n))
        f.work["ones"].fill(1)
        return f.work["powers"].reshape(-1), None if f.dx is None else f.dx.reshape(-1)

    def forward(self, f: LossFrame) -> float:
        work, (flat, _) = f.work, f.views
        powers, top, true, place = work["powers"], work["top"], work["true"], work["place"]
        np.maximum.reduce(f.x, axis=0, out=top)
        np.subtract(f.x, top, out=powers)
        np.multiply(f.t, f.n, out=place)
        np.add(place, work["columns"], out=place)
        flat.take(place, out=true, mode="clip")  # "raise" would buffer `out`; labels are checked with the data
        np.exp(powers, out=powers)
        np.matmul(work["ones"], powers, out=work["sum"])  # measured: a third of the time of np.add.reduce
        np.log(work["sum"], out=top)
        np.subtract(top, true, out=top)
        return float(np.add.reduce(top, dtype=np.float64))

    def backward(self, f: LossFrame) -> None:
        work, (flat, dx) = f.work, f.views
        scale, true, place = work["top"], work["true"], work["place"]
        np.multiply(work["sum"], f.weight, out=scale)
        np.divide(1, scale, out=scale)
        np.multiply(work["powers"], scale, out=f.dx)
        flat.take(place, out=true, mode="clip")
        np.subtract(true, work["sum"], out=true)
        np.multiply(true, scale, out=true)
        dx[place] = true
