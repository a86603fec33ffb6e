from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.fields import Share, Weights
from nncli.losses._classes import (
    add_at,
    check_classes,
    check_not_all_zero,
    find_places,
    mix_true,
    place_works,
    weigh,
    weight_works,
)
from nncli.parts import Array, Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("softmax_cross_entropy")
@dataclass(frozen=True, slots=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the outputs (logits) with the true class, averaged over the batch.

    ``L = log Σⱼ exp xⱼ − x_t``, with the largest logit taken off first so that nothing overflows. The network ends
    with logits: a softmax of its own would be one too many.

    With `label_smoothing` ε the true class has the probability 1 − ε + ε/K and every other one ε/K. With
    `class_weights` w the term of class k is multiplied by w_k, and the mean is divided by the sum of the weights of the
    true classes: ``Σₙ ((1 − ε) w_t (lse − x_t) + ε/K Σₖ wₖ (lse − xₖ)) / Σₙ w_t``, as in PyTorch.

    Of samples that `mixup` has mixed, with the share λ of their class t and 1 − λ of t', ``λ x_t + (1 − λ) x_t'``
    stands in the place of x_t: that is the cross-entropy with these probabilities.

    Shapes (K classes, N samples)
        x (K, N)   t (N,) class numbers from 0

    Gradients
        dx = (softmax(x) − onehot(t)) / N, or with W = Σₙ w_t
        dx = (softmax(x) − λ onehot(t) − (1 − λ) onehot(t')) / N of mixed samples
        dxₖ = (((1 − ε) w_t + ε/K Σⱼ wⱼ) softmax(x)ₖ − (1 − ε) w_t onehot(t)ₖ − ε/K wₖ) / W

    Raises ShapeError unless the output is a vector of at least two logits, with as many weights.

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"; Szegedy et al.
    2016, "Rethinking the Inception architecture" (arXiv:1512.00567), section 7 (label smoothing).
    """

    target: ClassVar[Literal["classes", "values"]] = "classes"
    mixes: ClassVar[bool] = True
    label_smoothing: Share = 0.0
    class_weights: Weights | None = None

    def __post_init__(self) -> None:
        check_not_all_zero(self.class_weights)

    def check(self, output: Shape) -> None:
        check_classes(output, self.class_weights, "softmax_cross_entropy takes a vector of at least two logits")

    def weighs(self) -> bool:
        return self.class_weights is not None

    def weight(self, f: LossFrame) -> float:
        return weigh(f)

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        works = {"powers": Work((*output, n)), "top": Work((n,)), "sum": Work((n,)), "ones": Work(output, zero=True)}
        works |= place_works(n)
        if self.class_weights is not None:
            works |= weight_works(output, n)
        if self.label_smoothing:
            works |= {"shares": Work((*output, 1), zero=True), "column": Work((*output, 1)), "spread": Work((1, n))}
        return works

    def prepare(self, f: LossFrame) -> tuple[Array, Array | None]:
        np.copyto(f.work["columns"], np.arange(f.n))
        f.work["ones"].fill(1)
        if self.class_weights is not None:
            f.work["class_weights"][...] = self.class_weights
        if self.label_smoothing:
            weights = np.ones(len(f.x)) if self.class_weights is None else np.array(self.class_weights)
            f.work["shares"][:, 0] = self.label_smoothing / len(f.x) * weights
        return f.work["powers"].reshape(-1), None if f.dx is None else f.dx.reshape(-1)

    def forward(self, f: LossFrame) -> float:
        work, (flat, _) = f.work, f.views
        powers, top, true, place = work["powers"], work["top"], work["true"], work["place"]
        np.maximum.reduce(f.x, axis=0, out=top)
        np.subtract(f.x, top, out=powers)
        find_places(f)
        flat.take(place, out=true, mode="clip")  # "raise" would buffer `out`; labels are checked with the data
        if f.mixed is not None:
            mix_true(f, flat)
        if self.label_smoothing:
            np.matmul(work["shares"].T, powers, out=work["spread"])
        np.exp(powers, out=powers)
        np.matmul(work["ones"], powers, out=work["sum"])  # measured: a third of the time of np.add.reduce
        np.log(work["sum"], out=top)
        np.subtract(top, true, out=true)
        if self.class_weights is not None:
            np.multiply(true, work["sample_weights"], out=true)
        if self.label_smoothing:
            np.multiply(true, 1 - self.label_smoothing, out=true)
            np.multiply(top, self._smoothed(len(f.x)), out=top)
            np.subtract(top, work["spread"][0], out=top)
            np.add(true, top, out=true)
        return float(np.add.reduce(true, dtype=np.float64))

    def backward(self, f: LossFrame) -> None:
        if f.mixed is not None:
            self._mixed_backward(f)
            return
        if self.label_smoothing or self.class_weights is not None:
            self._weighed_backward(f)
            return
        work, (flat, dx) = f.work, f.views
        scale, true, place = work["top"], work["true"], work["place"]
        np.multiply(work["sum"], f.weight, out=scale)
        np.divide(1, scale, out=scale)
        np.multiply(work["powers"], scale, out=f.dx)
        flat.take(place, out=true, mode="clip")
        np.subtract(true, work["sum"], out=true)
        np.multiply(true, scale, out=true)
        dx[place] = true

    def _mixed_backward(self, f: LossFrame) -> None:
        """Classes have no weights here. The two classes of a sample may be the same one."""
        work, (_, dx), mixed = f.work, f.views, f.mixed
        assert mixed is not None
        own, scale = work["top"], work["true"]
        np.multiply(work["sum"], f.weight, out=scale)
        np.divide(1, scale, out=scale)
        np.multiply(work["powers"], scale, out=f.dx)
        if self.label_smoothing:
            np.multiply(work["shares"], 1 / f.weight, out=work["column"])
            np.subtract(f.dx, work["column"], out=f.dx)
        part = (1 - self.label_smoothing) / f.weight
        np.multiply(mixed.share, -part, out=own)
        add_at(dx, work["place"], own, scale)
        np.subtract(-part, own, out=own)
        add_at(dx, mixed.place, own, scale)

    def _weighed_backward(self, f: LossFrame) -> None:
        work, (_, dx) = f.work, f.views
        own, scale, place = work["top"], work["true"], work["place"]
        own.fill((1 - self.label_smoothing) / f.weight)
        if self.class_weights is not None:
            np.multiply(own, work["sample_weights"], out=own)
        np.add(own, self._smoothed(len(f.x)) / f.weight, out=scale)
        np.divide(scale, work["sum"], out=scale)
        np.multiply(work["powers"], scale, out=f.dx)
        if self.label_smoothing:
            np.multiply(work["shares"], 1 / f.weight, out=work["column"])
            np.subtract(f.dx, work["column"], out=f.dx)
        dx.take(place, out=scale, mode="clip")
        np.subtract(scale, own, out=scale)
        dx[place] = scale

    def _smoothed(self, classes: int) -> float:
        """What label smoothing gives the classes in all: ε/K Σₖ wₖ."""
        weights = (1.0,) * classes if self.class_weights is None else self.class_weights
        return self.label_smoothing / classes * sum(weights)
