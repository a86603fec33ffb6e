from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.parts import Array, GameLoss
from nncli.registry import game_loss


@game_loss("hinge")
@dataclass(frozen=True, slots=True)
class Hinge(GameLoss):
    """The discriminator wants a margin, s ≥ 1 for data and s ≤ −1 for samples; the generator makes −s small.

    The discriminator's loss is mean max(0, 1 − s) of data + mean max(0, 1 + s) of samples, the generator's mean −s.

    Gradients
        data −1 where s < 1   samples 1 where s > −1   generator −1; each over the number of samples

    Source: Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, equations 16 and 17.
    """

    def real(self, s: Array, ds: Array, a: Array, smoothing: float) -> float:
        np.subtract(1, s, out=a)
        np.maximum(a, 0, out=a)
        np.sign(a, out=ds)
        np.negative(ds, out=ds)
        return float(a.sum(dtype=np.float64))

    def fake(self, s: Array, ds: Array, a: Array) -> float:
        np.add(1, s, out=a)
        np.maximum(a, 0, out=a)
        np.sign(a, out=ds)
        return float(a.sum(dtype=np.float64))

    def generator(self, s: Array, ds: Array, a: Array) -> float:
        ds.fill(-1)
        return -float(s.sum(dtype=np.float64))
