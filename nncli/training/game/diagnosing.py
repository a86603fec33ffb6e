"""A look at the game every few hundred steps: figures, alarms, and what of them must be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.parts import Array
from nncli.training.game import events as ev

if TYPE_CHECKING:
    from nncli.training.game.loop import GameRun


class Diagnosing:
    """Figures by name for each look, and the alarms' memory."""

    def __init__(self, run: GameRun) -> None:
        self.run = run
        self.looks: list[int] = []
        self.figures: dict[str, list[float]] = {}
        self.rung: dict[str, int] = {}

    def due(self) -> bool:
        """Whether the game is to be looked at after the steps that were done."""
        run = self.run
        return run.step % run.setup.config.diagnose.every == 0 and (not self.looks or self.looks[-1] < run.step)

    def look(self) -> ev.Diagnosed:
        figures: dict[str, float] = {}
        self.looks.append(self.run.step)
        return ev.Diagnosed(self.run.step, figures)

    # -- for a checkpoint --------------------------------------------------------------------------------------------

    def stored(self) -> dict[str, Any]:
        return {}

    def history(self) -> dict[str, Array]:
        if not self.looks:
            return {}
        return {"step": np.array(self.looks)} | {name: np.array(values) for name, values in self.figures.items()}

    def restore(self, memory: Mapping[str, Any], history: Mapping[str, Array]) -> None:
        self.looks = list(map(int, history.get("step", ())))
        self.figures = {name: list(map(float, values)) for name, values in history.items() if name != "step"}
