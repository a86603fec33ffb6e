from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Natural, Positive, Share
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("polynomial")
@dataclass(frozen=True, slots=True)
class Polynomial(Schedule):
    """From 1 to `end` along a power, after a linear rise over the first `warmup` steps.

    With p from 0 at the end of the rise to 1 at the end of the run: ``end + (1 − end) (1 − p)^power``.

    PyTorch: PolynomialLR, with the same default of `power`, for `end` 0.
    """

    power: Positive = 1.0
    end: Share = 0.0
    warmup: Natural = 0

    def factor(self, at: Moment) -> float:
        if at.step < self.warmup:
            return rise(at.step, self.warmup)
        share = min(1.0, (at.step - self.warmup) / max(1, at.total - self.warmup))
        return self.end + (1 - self.end) * float((1 - share) ** self.power)
