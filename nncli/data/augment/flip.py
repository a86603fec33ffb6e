from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.fields import Share
from nncli.parts import AugmentFrame, Movement, Shape, Work
from nncli.registry import augment


@augment("flip")
@dataclass(frozen=True, slots=True)
class Flip(Movement):
    """Mirrors images, each with this `probability`, along one `axis`: left to right (`horizontal`) or upside down
    (`vertical`).

    Only for what stays what it is when it is mirrored; of most digits and letters that is not so.

    Shapes
        x (C, H, W, N)

    Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks",
    section 4.1.
    """

    axis: Literal["horizontal", "vertical"] = "horizontal"
    probability: Share = 0.5

    whole: ClassVar[bool] = True

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        return {"numbers": Work((n, 1), dtype=np.float32), "flipped": Work((n,), dtype=bool)}

    def apply(self, f: AugmentFrame) -> None:
        numbers, flipped = f.work["numbers"], f.work["flipped"]
        f.uniform(numbers, "")
        np.less(numbers[:, 0], self.probability, out=flipped)
        axis = 1 if self.axis == "horizontal" else 0
        np.copyto(f.matrix[axis, axis], -1, where=flipped)
