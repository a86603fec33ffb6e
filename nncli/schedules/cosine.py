from __future__ import annotations

import math
from dataclasses import dataclass

from nncli.fields import Natural, Share
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("cosine")
@dataclass(frozen=True, slots=True)
class Cosine(Schedule):
    """From 1 to `end` along half a cosine, after a linear rise over the first `warmup` steps.

    With p from 0 at the end of the rise to 1 at the end of the run: ``end + (1 − end) (1 + cos π p) / 2``.

    Source: Loshchilov & Hutter 2017, "SGDR" (arXiv:1608.03983), equation 5, without restarts.
    """

    warmup: Natural = 0
    end: Share = 0.0

    def factor(self, at: Moment) -> float:
        if at.step < self.warmup:
            return rise(at.step, self.warmup)
        share = min(1.0, (at.step - self.warmup) / max(1, at.total - self.warmup))
        return self.end + (1 - self.end) * 0.5 * (1 + math.cos(math.pi * share))
