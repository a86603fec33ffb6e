"""How far a run has come: all that must be stored, besides arrays, for it to go on exactly where it stopped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nncli.engine import Objective
from nncli.parts import Array
from nncli.training.objective import Measured


class Running:
    """Means over what was seen since `reset`: each loss, and metrics as their own totals in float64."""

    def __init__(self, metrics: dict[str, Measured], objective: Objective) -> None:
        self.metrics, self.objective = metrics, objective
        self.sums, self.weights = np.zeros(len(objective)), np.zeros(len(objective))
        self.samples = 0
        self.totals: dict[str, Array] = {name: np.zeros(measured.size) for name, measured in metrics.items()}

    def reset(self) -> None:
        self.samples = 0
        for totals in (self.sums, self.weights, *self.totals.values()):
            totals.fill(0)

    def add(self, losses: Sequence[float], weights: Sequence[float], n: int, totals: dict[str, Array]) -> None:
        """Count a batch of n samples with its mean losses, what they weigh, and its metrics' totals."""
        for place, (loss, weight) in enumerate(zip(losses, weights, strict=True)):
            self.sums[place] += loss * weight
            self.weights[place] += weight
        self.samples += n
        for name, more in totals.items():
            self.totals[name] += more

    @property
    def loss(self) -> float:
        """What is made small."""
        return math.fsum(term.weight * loss for term, loss in zip(self.objective, self._losses(), strict=True))

    def _losses(self) -> list[float]:
        pairs = zip(self.sums.tolist(), self.weights.tolist(), strict=True)
        return [total / weight if weight else math.nan for total, weight in pairs]

    def figures(self) -> dict[str, float]:
        parts = {term.name: loss for term, loss in zip(self.objective, self._losses(), strict=True)}
        metrics = {name: float(m.metric.value(self.totals[name])) for name, m in self.metrics.items()}
        return {"loss": self.loss} | (parts if len(parts) > 1 else {}) | metrics


@dataclass(slots=True)
class Watch:
    """The best value of a figure so far. `waited` counts the epochs since it improved by more than `min_delta`.

    With `latest` an equal value is as good as a better one.
    """

    split: str
    metric: str
    mode: str
    min_delta: float = 0.0
    latest: bool = False
    value: float | None = None
    epoch: int = 0
    waited: int = 0

    def see(self, figures: dict[str, dict[str, float]], epoch: int) -> bool:
        """Whether the figures of this epoch are the best so far; NaN never is."""
        value = figures[self.split][self.metric]
        gain = np.inf if self.value is None else (value - self.value) * (1 if self.mode == "max" else -1)
        better = bool(gain > self.min_delta or (self.latest and gain == 0)) and value == value
        if better:
            self.value, self.epoch, self.waited = value, epoch, 0
        else:
            self.waited += 1
        return better

    def describe(self) -> str:
        return f"{self.split} {self.metric} {self.value:.4f}" if self.value is not None else ""


@dataclass(slots=True)
class History:
    """Figures per step and per epoch, as they will stand in the checkpoint; `timing` apart, it differs each time.

    A figure that was not measured in some epoch, because a changed configuration asked for others, is NaN there.
    """

    steps: dict[str, list[float]] = field(default_factory=lambda: {"loss": [], "lr": [], "gradient_norm": []})
    epochs: dict[str, list[float]] = field(default_factory=dict)
    timing: dict[str, list[float]] = field(default_factory=lambda: {"epoch_seconds": []})

    def add_step(self, loss: float, lr: float, norm: float) -> None:
        self.steps["loss"].append(loss)
        self.steps["lr"].append(lr)
        self.steps["gradient_norm"].append(norm)

    def add_epoch(self, figures: dict[str, dict[str, float]], lr: float, seconds: float) -> None:
        found = {f"{split}_{name}": value for split, row in figures.items() for name, value in row.items()}
        before = len(self.timing["epoch_seconds"])
        for name in [*found, *(self.epochs.keys() - found.keys() - {"lr"}), "lr"]:
            series = self.epochs.setdefault(name, [math.nan] * before)
            series.append(lr if name == "lr" else found.get(name, math.nan))
        self.timing["epoch_seconds"].append(seconds)


@dataclass(slots=True)
class Progress:
    """`epoch` epochs and `cursor` steps of the next one are done, `step` in all. `seconds` were spent on them."""

    epoch: int = 0
    cursor: int = 0
    step: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    stopped_early: bool = False
