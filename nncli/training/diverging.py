"""What follows a loss or gradient that is not finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from nncli.errors import DivergenceError
from nncli.parts import Array, Response

HEALTHY = "healthy"
"""Where a run goes back to: of a game `healthy.h5`, else one numbered by epoch, of which the last two are kept.

It is written at points that follow from the steps alone, never because the process was stopped, so that a run that was
stopped and resumed goes back to the same place. Right after it went back `last.h5` is written: what is resumed then
never needs a `healthy.h5` that was replaced.
"""


class Rollbacks:
    """How often a run went back, and the `scale` of its step size since."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.steps: list[int] = []
        self.to: list[int] = []
        self.scales: list[float] = []

    @property
    def wanted(self) -> bool:
        """Whether the run is one that may go back."""
        return self.response.times > 0

    @property
    def scale(self) -> float:
        return self.scales[-1] if self.scales else 1.0

    def refuse(self, error: DivergenceError, left: Callable[[], str]) -> None:
        """Raises the error where the run does not go back, or not any more; `left` tells what is there of it."""
        if len(self.steps) >= self.response.times:
            (fault,) = error.faults
            after = f" after {len(self.steps)} rollback{'s' * (len(self.steps) > 1)}" if self.steps else ""
            raise DivergenceError(replace(fault, message=f"{fault.message}{after}{left()}"))

    def add(self, step: int, to: int) -> None:
        """Step number `step` was not taken; the run is where it was after `to` steps."""
        self.scales.append(self.scale * self.response.factor)
        self.steps.append(step)
        self.to.append(to)

    def history(self) -> dict[str, Array]:
        if not self.steps:
            return {}
        return {"step": np.array(self.steps), "to": np.array(self.to), "step_size": np.array(self.scales)}

    def restore(self, stored: Mapping[str, Array]) -> None:
        """The opposite of `history`."""
        if stored:
            self.steps, self.to = stored["step"].tolist(), stored["to"].tolist()
            self.scales = stored["step_size"].tolist()


__all__ = ["HEALTHY", "Rollbacks"]
