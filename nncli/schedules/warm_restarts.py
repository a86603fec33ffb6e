from __future__ import annotations

import math
from dataclasses import dataclass

from nncli.fields import Count, Natural, Share
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("warm_restarts")
@dataclass(frozen=True, slots=True)
class WarmRestarts(Schedule):
    """From 1 to `end` along half a cosine, again and again, after a linear rise over the first `warmup` steps.

    The first cycle takes `period` epochs, each one after it `multiplier` times as many as the one before. With p from 0
    to 1 over a cycle, step by step: ``end + (1 − end) (1 + cos π p) / 2``.

    Source: Loshchilov & Hutter 2017, "SGDR" (arXiv:1608.03983), equation 5; T_0 is `period`, T_mult `multiplier`.
    PyTorch: CosineAnnealingWarmRestarts, where T_0 has no default.
    """

    period: Count = 10
    multiplier: Count = 1
    end: Share = 0.0
    warmup: Natural = 0

    def factor(self, at: Moment) -> float:
        if at.step < self.warmup:
            return rise(at.step, self.warmup)
        step, length = at.step - self.warmup, self.period * at.per_epoch
        if self.multiplier == 1:
            step %= length
        while step >= length:
            step -= length
            length *= self.multiplier
        return self.end + (1 - self.end) * 0.5 * (1 + math.cos(math.pi * step / length))
