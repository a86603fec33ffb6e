"""What training tells: plain facts, for a display, a log or a test to make of them what it likes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nncli.diagnostics import Finding

Figures: TypeAlias = dict[str, float]
"""`loss` and the metrics by name."""


@dataclass(frozen=True, slots=True)
class Started:
    """Before the first step. `samples` by split; `first_epoch` is not 1 where a run goes on."""

    name: str
    folder: Path
    plan: str
    parameters: int
    samples: dict[str, int]
    epochs: int
    first_epoch: int
    steps_per_epoch: int
    batch: int
    cursor: int = 0
    """Steps of the first epoch that were done before."""
    accumulate: int = 1
    """Batches in a step."""
    initial: str = ""
    """Where the initial weights came from, unless they were drawn."""
    notes: tuple[str, ...] = ()
    """What is another than it was when the checkpoint was written that the run goes on from."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """After a step: `cursor` steps of the epoch are done, `step` of the run; `loss` is the epoch's mean so far."""

    epoch: int
    cursor: int
    step: int
    loss: float
    lr: float
    norm: float


@dataclass(frozen=True, slots=True)
class Probed:
    """The network was looked at after `step` steps; `fresh` are the findings that were not there the time before."""

    step: int
    fresh: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """After `step` steps the run is where it was after `to` steps, because of what `why` says. From now on the step
    size is multiplied by `step_size`."""

    step: int
    to: int
    why: str
    step_size: float


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """Figures of the epoch by split: `train` means over its steps, `validation` measured at its end."""

    epoch: int
    epochs: int
    figures: dict[str, Figures]
    lr: float
    seconds: float
    samples_per_second: float
    best: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint was written; `why` is `last`, `best`, `numbered`, `healthy`, `begun` (before the first
    step) or `stopped`."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. `reason` is `done`, `early` (early stopping), `stopped` (asked to) or `time` (`--max-time`)."""

    reason: str
    folder: Path
    checkpoint: Path
    best: Path | None
    best_epoch: int | None
    best_figure: str
    epochs: int
    steps: int
    seconds: float
    figures: dict[str, Figures]
    rollbacks: int = 0
    notes: tuple[str, ...] = ()
    """As those of the start."""


Event: TypeAlias = Started | Stepped | Probed | RolledBack | EpochEnded | Saved | Finished
