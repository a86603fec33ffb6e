from __future__ import annotations

import math
from dataclasses import dataclass

from nncli.fields import Share
from nncli.parts import Moment, Schedule
from nncli.registry import schedule


@schedule("one_cycle")
@dataclass(frozen=True, slots=True)
class OneCycle(Schedule):
    """Up from `start` to 1 over the first share `warmup` of the run, then down to `end`, both along half a cosine.

    The factor acts on the optimizer's step size, which is thus the largest of the run.

    Source: Smith & Topin 2018, "Super-convergence" (arXiv:1708.07120); half cosines instead of straight lines as in
    fastai, and momentum stays as it is.
    """

    warmup: Share = 0.3
    start: Share = 0.04
    end: Share = 1e-4

    def factor(self, at: Moment) -> float:
        top = self.warmup * at.total
        if at.step < top:
            return _between(self.start, 1.0, at.step / top)
        return _between(1.0, self.end, (at.step - top) / max(1e-9, at.total - top))


def _between(first: float, last: float, share: float) -> float:
    """From the first to the last along half a cosine."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
