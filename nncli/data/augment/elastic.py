from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import NonNegative, Positive
from nncli.kernels.resampling import Border
from nncli.parts import Array, AugmentFrame, Movement, Shape, Work
from nncli.registry import augment


@augment("elastic")
@dataclass(frozen=True, slots=True)
class Elastic(Movement):
    """Moves each pixel by a smooth random field, as the muscles of a hand do.

    The displacements are `alpha` times uniform numbers from −1 to 1 that are smoothed by a Gaussian of `sigma` pixels
    whose weights add up to 1: they have a standard deviation of about ``0.163 alpha / sigma`` pixels, less near the
    border, and smoothness grows with `sigma`. `border` is what comes in: the nearest pixel (`edge`), zeros, or the
    mirror image (`reflect`).

    Shapes
        x (C, H, W, N)

    Source: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual
    document analysis", section 2, with its values for images of 29 × 29. The Gaussian ends at 4 sigma, and beyond the
    border the numbers are 0 before they are smoothed.
    """

    alpha: NonNegative = 34.0
    sigma: Positive = 4.0
    border: Border = "edge"

    flows: ClassVar[bool] = True

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        _, height, width = shape
        return {
            "numbers": Work((n, 2 * height * width), dtype=np.float32),
            "smooth": Work((n, 2 * height * width), dtype=np.float32),
            "batch_last": Work((2, height, width * n), dtype=np.float32),
            "moved": Work((2, height, width * n), dtype=np.float32),
        }

    def prepare(self, f: AugmentFrame) -> tuple[Array, Array]:
        """The Gaussian along each axis, the first times 2 alpha: numbers are from 0 to 1."""
        rows, columns = (smoothing(size, self.sigma) for size in f.shape[1:])
        return (rows * 2 * self.alpha).astype(np.float32), columns.astype(np.float32)

    def apply(self, f: AugmentFrame) -> None:
        numbers, smooth, batch_last = f.work["numbers"], f.work["smooth"], f.work["batch_last"]
        rows, columns = f.views
        height, width = f.shape[1:]
        f.uniform(numbers, "")
        np.subtract(numbers, 0.5, out=numbers)
        np.matmul(numbers.reshape(-1, width), columns, out=smooth.reshape(-1, width))
        np.copyto(batch_last.reshape(-1, f.n), smooth.T)
        np.matmul(rows, batch_last, out=f.work["moved"])
        np.copyto(f.flow, f.work["moved"].reshape(2, height, width, f.n))


def smoothing(size: int, sigma: float) -> Array:
    """The matrix (size, size) of a Gaussian along an axis, with zeros beyond its ends; symmetric."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    distance = np.arange(size)[:, None] - np.arange(size)
    near = np.abs(distance) <= reach
    return np.where(near, weights[np.where(near, distance + reach, 0)], 0.0)
