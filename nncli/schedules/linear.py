from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Count, Natural, NonNegative
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("linear")
@dataclass(frozen=True, slots=True)
class Linear(Schedule):
    """From `start` to `end` along a straight line, after a linear rise to `start` over the first `warmup` steps.

    The line takes the rest of the run, or `epochs` epochs; from then on the factor is `end`.

    PyTorch: LinearLR, whose defaults are a rise from 1/3 to 1 over 5 steps.
    """

    start: NonNegative = 1.0
    end: NonNegative = 0.0
    epochs: Count | None = None
    warmup: Natural = 0

    def factor(self, at: Moment) -> float:
        length = at.total - self.warmup if self.epochs is None else self.epochs * at.per_epoch
        share = min(1.0, max(0, at.step - self.warmup) / max(1, length))
        return rise(at.step, self.warmup) * (self.start + (self.end - self.start) * share)
