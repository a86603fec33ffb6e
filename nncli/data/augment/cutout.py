from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import Count, Share
from nncli.parts import Array, Augmentation, AugmentFrame, Shape, Work, check_images
from nncli.registry import augment


@augment("cutout")
@dataclass(frozen=True, slots=True)
class Cutout(Augmentation):
    """Fills a square of `size` pixels with one number, in all channels; each image with this `probability`.

    Its centre is anywhere in the image, so that a part of the square may lie outside. `fill` is the number: 0 is the
    mean of standardized data.

    Shapes
        x (C, H, W, N)

    Source: DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with cutout"
    (arXiv:1708.04552), section 3.
    """

    size: Count = 8
    probability: Share = 1.0
    fill: float = 0.0

    def check(self, shape: Shape) -> None:
        check_images(self.type_name, shape)

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        _, height, width = shape
        return {
            "numbers": Work((n, 3), dtype=np.float32),
            "rows": Work((height, n), dtype=bool),
            "columns": Work((width, n), dtype=bool),
            "beyond": Work((max(height, width), n), dtype=bool),
            "chosen": Work((n,), dtype=bool),
            "square": Work((height, width, n), dtype=bool),
        }

    def prepare(self, f: AugmentFrame) -> tuple[Array, Array]:
        rows, columns = (np.arange(size, dtype=np.float32)[:, None] for size in f.shape[1:])
        return rows, columns

    def apply(self, f: AugmentFrame) -> None:
        numbers, rows, columns, chosen = (f.work[name] for name in ("numbers", "rows", "columns", "chosen"))
        f.uniform(numbers, "")
        np.less(numbers[:, 2], self.probability, out=chosen)
        for axis, inside in enumerate((rows, columns)):
            first, beyond = numbers[:, axis], f.work["beyond"][: len(inside)]
            np.multiply(first, len(inside), out=first)
            np.floor(first, out=first)
            np.subtract(first, self.size // 2, out=first)
            np.greater_equal(f.views[axis], first, out=inside)
            np.add(first, self.size, out=first)
            np.less(f.views[axis], first, out=beyond)
            np.logical_and(inside, beyond, out=inside)
        np.logical_and(rows, chosen, out=rows)
        np.logical_and(rows[:, None], columns, out=f.work["square"])
        np.copyto(f.x, self.fill, where=f.work["square"])
