from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("kullback_leibler")
@dataclass(frozen=True, slots=True)
class KullbackLeibler(Loss):
    """Kullback–Leibler divergence of the network's probabilities q from given ones, ``L = Σⱼ tⱼ log(tⱼ / qⱼ)``.

    With `logits` q = softmax(x), else q = x; ``0 log 0 = 0``. It differs from the cross-entropy with soft targets by
    their entropy, which no weight changes: it is 0 where the network is right. Averaged over the batch.

    Shapes (K classes, N samples; at further axes, such as the positions of an image, the divergences are added)
        x (K, …, N)   t the same, probabilities along the first axis

    Gradients
        dx = (softmax(x) Σⱼ tⱼ − t) / N with `logits`, else dx = −t / (N x)
        A probability x below the smallest normal number of the dtype counts as that number, forward and backward.

    Raises ShapeError unless the first axis of the output holds at least two.

    Source: Kullback & Leibler 1951. PyTorch: kl_div of log-probabilities, reduction "batchmean".
    """

    target: ClassVar[Literal["classes", "values"]] = "values"
    span: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    logits: bool = True

    def check(self, output: Shape) -> None:
        if not output or output[0] < 2:
            message = f"kullback_leibler takes the probabilities of at least two classes, not {list(output)}"
            raise ShapeError(message, hint="for one probability choose `binary_cross_entropy`")

    def example(self, rng: np.random.Generator, output: Shape, n: int) -> Array:
        t: Array = rng.exponential(size=(*output, n))
        t /= t.sum(axis=0)
        return t

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        row = (*output[1:], n)
        whole = {"logs": Work((*output, n)), "probabilities": Work((*output, n))}
        return whole | ({"top": Work(row), "sum": Work(row), "mass": Work(row)} if self.logits else {})

    def forward(self, f: LossFrame) -> float:
        work = f.work
        logs, probabilities = work["logs"], work["probabilities"]
        tiny = float(np.finfo(logs.dtype).tiny)
        if self.logits:
            top, total = work["top"], work["sum"]
            np.maximum.reduce(f.x, axis=0, out=top)
            np.subtract(f.x, top, out=logs)
            np.exp(logs, out=probabilities)
            np.add.reduce(probabilities, axis=0, out=total)
            np.divide(probabilities, total, out=probabilities)
            np.log(total, out=total)
            np.subtract(logs, total, out=logs)
        else:
            np.maximum(f.x, tiny, out=probabilities)
            np.log(probabilities, out=logs)
        loss = -float(np.dot(f.t.reshape(-1), logs.reshape(-1)))
        np.maximum(f.t, tiny, out=logs)
        np.log(logs, out=logs)
        return loss + float(np.dot(f.t.reshape(-1), logs.reshape(-1)))

    def backward(self, f: LossFrame) -> None:
        work = f.work
        if self.logits:
            np.add.reduce(f.t, axis=0, out=work["mass"])
            np.multiply(work["probabilities"], work["mass"], out=f.dx)
            np.subtract(f.dx, f.t, out=f.dx)
            np.multiply(f.dx, 1 / f.weight, out=f.dx)
        else:
            np.multiply(f.t, -1 / f.weight, out=f.dx)
            np.divide(f.dx, work["probabilities"], out=f.dx)
