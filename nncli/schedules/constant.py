from __future__ import annotations

from dataclasses import dataclass

from nncli.fields import Natural
from nncli.parts import Moment, Schedule
from nncli.registry import schedule


def rise(step: int, warmup: int) -> float:
    """The linear rise of the factor over the first `warmup` steps, to 1 at the last of them."""
    return min(1.0, (step + 1) / warmup) if warmup else 1.0


@schedule("constant")
@dataclass(frozen=True, slots=True)
class Constant(Schedule):
    """The same step size throughout, after a linear rise over the first `warmup` steps."""

    warmup: Natural = 0

    def factor(self, at: Moment) -> float:
        return rise(at.step, self.warmup)
