from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Count, Natural, Share
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("step")
@dataclass(frozen=True, slots=True)
class Step(Schedule):
    """Multiplied by `gamma` γ after every so many epochs, ``γ^⌊epoch / every⌋``, and by a linear rise over the first
    `warmup` steps.

    PyTorch: StepLR, where `every` is step_size and has no default.
    """

    every: Count = 10
    gamma: Share = 0.1
    warmup: Natural = 0

    def factor(self, at: Moment) -> float:
        return rise(at.step, self.warmup) * self.gamma ** (at.step // at.per_epoch // self.every)
