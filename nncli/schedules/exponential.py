from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Natural, Share
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("exponential")
@dataclass(frozen=True, slots=True)
class Exponential(Schedule):
    """Multiplied by `gamma` γ after each epoch, ``γ^epoch``, and by a linear rise over the first `warmup` steps.

    PyTorch: ExponentialLR, where `gamma` has no default.
    """

    gamma: Share = 0.95
    warmup: Natural = 0

    def factor(self, at: Moment) -> float:
        return rise(at.step, self.warmup) * self.gamma ** (at.step // at.per_epoch)
