from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.fields import Positive
from nncli.losses._classes import check_classes, find_places, place_works
from nncli.parts import Array, Loss, LossFrame, Shape, Work
from nncli.registry import loss


@loss("hinge")
@dataclass(frozen=True, slots=True)
class Hinge(Loss):
    """Multi-class hinge: every wrong class should score at least `margin` below the true one.

    ``L = Σ_{j≠t} max(0, m − x_t + xⱼ)``, or with `squared` the sum of the squares, averaged over the batch.

    Shapes (K classes, N samples)
        x (K, N) scores   t (N,) class numbers from 0

    Gradients
        dxⱼ = hⱼ / N for j ≠ t, dx_t = −Σ_{j≠t} dxⱼ, with hⱼ = 1 where the class is inside the margin and 0 elsewhere,
        or with `squared` hⱼ = 2 max(0, m − x_t + xⱼ)

    Raises ShapeError unless the output is a vector of at least two scores.

    Source: Weston & Watkins 1999, "Support vector machines for multi-class pattern recognition": all classes inside the
    margin count, which gives more of them a gradient than Crammer & Singer 2001 do, where only the worst one counts.
    PyTorch's multi_margin_loss divides by K too.
    """

    target: ClassVar[Literal["classes", "values"]] = "classes"
    margin: Positive = 1.0
    squared: bool = False

    def check(self, output: Shape) -> None:
        check_classes(output, None, "hinge takes a vector of at least two scores")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return place_works(n) | {"inside": Work((*output, n)), "ones": Work(output, zero=True), "terms": Work((n,))}

    def prepare(self, f: LossFrame) -> tuple[Array, Array, Array | None]:
        np.copyto(f.work["columns"], np.arange(f.n))
        f.work["ones"].fill(1)
        return f.x.reshape(-1), f.work["inside"].reshape(-1), None if f.dx is None else f.dx.reshape(-1)

    def forward(self, f: LossFrame) -> float:
        work, (flat, inside_flat, _) = f.work, f.views
        inside, true, place = work["inside"], work["true"], work["place"]
        find_places(f)
        flat.take(place, out=true, mode="clip")
        np.subtract(f.x, true, out=inside)
        np.add(inside, self.margin, out=inside)
        np.maximum(inside, 0, out=inside)
        inside_flat[place] = 0
        if self.squared:
            return float(np.dot(inside_flat, inside_flat))
        np.matmul(work["ones"], inside, out=work["terms"])
        return float(np.add.reduce(work["terms"], dtype=np.float64))

    def backward(self, f: LossFrame) -> None:
        work, (_, _, dx) = f.work, f.views
        if self.squared:
            np.multiply(work["inside"], 2 / f.weight, out=f.dx)
        else:
            np.sign(work["inside"], out=f.dx)
            np.multiply(f.dx, 1 / f.weight, out=f.dx)
        np.matmul(work["ones"], f.dx, out=work["terms"])
        np.negative(work["terms"], out=work["terms"])
        dx[work["place"]] = work["terms"]
