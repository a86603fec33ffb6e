from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.game_losses._odds import Odds, softplus
from nncli.parts import Array, GameLoss
from nncli.registry import game_loss


@game_loss("minimax")
@dataclass(frozen=True, slots=True)
class Minimax(Odds, GameLoss):
    """The zero-sum game: both players play for V, the generator by making ``log(1 − D)`` small.

    With ``D = σ(s)`` the discriminator's loss is −V = mean softplus(−s) of data + mean softplus(s) of samples, the
    generator's mean −softplus(s). The generator's gradient vanishes where the discriminator is sure of itself;
    `nonsaturating` has the same fixed point without that.

    Gradients
        data σ(s) − 1   samples σ(s)   generator −σ(s); each over the number of samples

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1 and algorithm 1.
    """

    odds: ClassVar[bool] = True
    smooths: ClassVar[bool] = True

    def generator(self, s: Array, ds: Array, a: Array) -> float:
        total = softplus(s, ds, a)
        np.negative(ds, out=ds)
        return -total
