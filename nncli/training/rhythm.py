"""What is done every so often while a run goes on, and for how long it may."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from nncli.periods import Unit, period

Clock = Callable[[], float]


class Rhythm:
    """Says after steps and epochs whether something is due that is done `every` so often (None: never), where a number
    alone counts `alone`.

    A time is counted from when this object was made, and from the first step after it was due: what is done then may
    take longer than the period, and must not be done after each step. A run's numbers never depend on it.
    """

    def __init__(self, every: int | str | None, alone: Unit, clock: Clock = monotonic) -> None:
        self.period = None if every is None else period(every, alone)
        self.clock = clock
        self._since: float | None = clock()

    @property
    def counts_epochs(self) -> bool:
        return self.period is not None and self.period.unit == "epochs"

    def after_step(self, step: int) -> bool:
        """Whether it is due after `step` steps of the run."""
        if self.period is None or self.counts_epochs:
            return False
        if self.period.unit == "steps":
            return step % int(self.period.amount) == 0
        now = self.clock()
        if self._since is None:
            self._since = now
        due = now - self._since >= self.period.amount
        if due:
            self._since = None
        return due

    def after_epoch(self, epoch: int) -> bool:
        """Whether it is due after `epoch` epochs of the run."""
        return self.period is not None and self.counts_epochs and epoch % int(self.period.amount) == 0


class Allowance:
    """So many `seconds` from when this object was made (None: any)."""

    def __init__(self, seconds: float | None, clock: Clock = monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self._begun = clock()

    def spent(self) -> bool:
        return self.seconds is not None and self.clock() - self._begun >= self.seconds
