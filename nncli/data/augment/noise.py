from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncli.fields import NonNegative
from nncli.kernels.normal import box_muller
from nncli.parts import Array, Augmentation, AugmentFrame, Shape, Work
from nncli.registry import augment


@augment("noise")
@dataclass(frozen=True, slots=True)
class Noise(Augmentation):
    """Adds normal random numbers of mean 0 and standard deviation `std` to the samples, whatever their shape.

    `std` is in units of what the network sees, after preprocessing. The layer `gaussian_noise` does the same within a
    network.

    Shapes
        x (…, N)

    Source: Bishop 1995, "Training with noise is equivalent to Tikhonov regularization". The normal numbers are made
    from pairs of uniform ones of float32 (`nncli.kernels.normal`), so that none is beyond 5.77 std.
    """

    std: NonNegative = 0.1

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        half = -(-math.prod(shape) // 2)
        return {"numbers": Work((n, 2 * half), dtype=np.float32), "spare": Work((n, half), dtype=np.float32)}

    def prepare(self, f: AugmentFrame) -> Array:
        return f.work["numbers"][:, : math.prod(f.shape)].T.reshape(f.x.shape)

    def apply(self, f: AugmentFrame) -> None:
        numbers = f.work["numbers"]
        f.uniform(numbers, "")
        box_muller(numbers, f.work["spare"])
        np.multiply(numbers, self.std, out=numbers)
        np.add(f.x, f.views, out=f.x)
