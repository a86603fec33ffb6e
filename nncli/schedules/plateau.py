from __future__ import annotations

import math
from dataclasses import dataclass

from nncli.fields import Natural, NonNegative, Share, Text
from nncli.parts import Moment, Schedule
from nncli.registry import schedule
from nncli.schedules.constant import rise


@schedule("plateau")
@dataclass(frozen=True, slots=True)
class Plateau(Schedule):
    """Multiplied by `gamma` when a figure has not improved for more than `patience` epochs, and by a linear rise over
    the first `warmup` steps.

    `metric` is `loss` or one of the metrics, on validation data where there is some. It improves where it gets better
    by more than `min_delta`. After a reduction `cooldown` epochs do not count as waiting; the factor is never less than
    `minimum`. All of this follows from the figures so far, so that there is no state to save.

    PyTorch: ReduceLROnPlateau with threshold_mode="abs"; its threshold of 1e-4 is a share by default, `min_delta` is in
    the figure's unit and 0, as for early stopping.
    """

    metric: Text = "loss"
    gamma: Share = 0.1
    patience: Natural = 10
    min_delta: NonNegative = 0.0
    cooldown: Natural = 0
    minimum: Share = 0.0
    warmup: Natural = 0

    def watches(self) -> str | None:
        return self.metric

    def factor(self, at: Moment) -> float:
        best, waited, cooling, factor = math.inf, 0, 0, 1.0
        for figure in at.seen:
            waited += 1
            if figure < best - self.min_delta:
                best, waited = figure, 0
            if cooling:
                cooling, waited = cooling - 1, 0
            if waited > self.patience:
                factor, waited, cooling = max(self.minimum, factor * self.gamma), 0, self.cooldown
        return rise(at.step, self.warmup) * factor
