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
            "softmax": Work((*output, n)),
            "top": Work((n,)),
            "sum": Work((n,)),
            "columns": Work((n,), dtype=np.intp, zero=True),
            "flat": Work((n,), dtype=np.intp),
            "true": Work((n,)),
        }

    def prepare(self, f: LossFrame) -> Array:
        np.copyto(f.work["columns"], np.arange(f.n))
        return f.work["softmax"].reshape(-1)

    def forward(self, f: LossFrame) -> float:
        work, n = f.work, f.n
        softmax, top, total, flat, true = work["softmax"], work["top"], work["sum"], work["flat"], work["true"]
        np.maximum.reduce(f.x, axis=0, out=top)
        np.subtract(f.x, top, out=softmax)
        np.multiply(f.t, n, out=flat)
        np.add(flat, work["columns"], out=flat)
        np.take(f.views, flat, out=true, mode="clip")
        np.exp(softmax, out=softmax)
        np.add.reduce(softmax, axis=0, out=total)
        np.divide(softmax, total, out=softmax)
        np.log(total, out=total)
        np.subtract(total, true, out=total)
        return float(np.add.reduce(total, dtype=np.float64))

    def backward(self, f: LossFrame) -> None:
        softmax = f.work["softmax"]
        true, flat = f.work["true"], f.work["flat"]
        np.take(f.views, flat, out=true, mode="clip")
        np.subtract(true, 1, out=true)
        np.put(f.views, flat, true)
        np.multiply(softmax, 1.0 / f.weight, out=f.dx)
