from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.parts import Array, GameLoss
from nncli.registry import game_loss


@game_loss("least_squares")
@dataclass(frozen=True, slots=True)
class LeastSquares(GameLoss):
    """The discriminator's output s comes close to 1 for data and to 0 for samples; the generator wants 1.

    The discriminator's loss is mean ½ (s − 1)² of data + mean ½ s² of samples, the generator's mean ½ (s − 1)². Label
    smoothing ε makes the target of data 1 − ε.

    Gradients
        data s − 1   samples s   generator s − 1; each over the number of samples

    Source: Mao et al. 2017, arXiv:1611.04076, equation 9 (a = 0, b = c = 1).
    """

    smooths: ClassVar[bool] = True

    def real(self, s: Array, ds: Array, a: Array, smoothing: float) -> float:
        np.subtract(s, 1 - smoothing, out=ds)
        return 0.5 * float(np.dot(ds, ds))

    def fake(self, s: Array, ds: Array, a: Array) -> float:
        np.copyto(ds, s)
        return 0.5 * float(np.dot(ds, ds))

    def generator(self, s: Array, ds: Array, a: Array) -> float:
        return self.real(s, ds, a, 0.0)
