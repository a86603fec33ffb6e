from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.game_losses._odds import Odds, softplus
from nncli.parts import Array, GameLoss
from nncli.registry import game_loss


@game_loss("nonsaturating")
@dataclass(frozen=True, slots=True)
class Nonsaturating(Odds, GameLoss):
    """The discriminator plays for V, the generator makes ``−log D`` small: its gradient stays where D is sure.

    With ``D = σ(s)`` the discriminator's loss is −V = mean softplus(−s) of data + mean softplus(s) of samples, the
    generator's mean softplus(−s).

    Gradients
        data σ(s) − 1   samples σ(s)   generator σ(s) − 1; each over the number of samples

    Source: Goodfellow et al. 2014, arXiv:1406.2661, end of section 3.
    """

    odds: ClassVar[bool] = True
    smooths: ClassVar[bool] = True

    def generator(self, s: Array, ds: Array, a: Array) -> float:
        np.negative(s, out=s)
        total = softplus(s, ds, a)
        np.negative(ds, out=ds)
        return total
