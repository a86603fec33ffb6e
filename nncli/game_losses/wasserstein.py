from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.parts import Array, GameLoss
from nncli.registry import game_loss


@game_loss("wasserstein")
@dataclass(frozen=True, slots=True)
class Wasserstein(GameLoss):
    """The discriminator is a critic whose outputs differ between data and samples by the distance of the two.

    The critic's loss is mean −s of data + mean s of samples, the generator's mean −s. For the difference to be a
    distance the critic must be Lipschitz: its weights are clipped to [−c, c] after each of its steps (`game.clip`, 0.01
    unless given), or it has `game.spectral_norm`. The paper takes five steps of the critic for one of the generator,
    and RMSprop with 5e-5.

    Gradients
        data −1   samples 1   generator −1; each over the number of samples

    Source: Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875, algorithm 1.
    """

    clips: ClassVar[float | None] = 0.01

    def real(self, s: Array, ds: Array, a: Array, smoothing: float) -> float:
        ds.fill(-1)
        return -float(s.sum(dtype=np.float64))

    def fake(self, s: Array, ds: Array, a: Array) -> float:
        ds.fill(1)
        return float(np.sum(s, dtype=np.float64))

    def generator(self, s: Array, ds: Array, a: Array) -> float:
        return self.real(s, ds, a, 0.0)
