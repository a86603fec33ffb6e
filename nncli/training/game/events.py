"""What a game tells: plain facts, for a display, a log or a test to make of them what it likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from nncli.diagnostics.game import Alarm
from nncli.parts import Array
from nncli.training.events import RolledBack as RolledBack
from nncli.training.events import Saved as Saved
from nncli.training.game.picturing import Scene


@dataclass(frozen=True, slots=True)
class Started:
    """Before the first step. `samples` by split, empty where data have no end; `done` steps were taken before."""

    name: str
    folder: Path
    plan: str
    parameters: dict[str, int]
    samples: dict[str, int]
    loss: str
    batch: int
    d_steps: int
    steps: int
    done: int
    notes: tuple[str, ...] = ()
    """What is another than it was when the checkpoint was written that the game goes on from."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """After `step` steps: the players' losses (the discriminator's is the mean over its steps) and gradient norms."""

    step: int
    d_loss: float
    g_loss: float
    d_norm: float
    g_norm: float
    lr: float


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """The game was looked at after `step` steps.

    `alarms` ring, those that are `fresh` did not before; hints are among both. `healthy`: nothing is wrong in this very
    look, whether or not that would ring already.
    """

    step: int
    figures: dict[str, float]
    alarms: tuple[Alarm, ...] = ()
    fresh: tuple[Alarm, ...] = ()
    healthy: bool = True

    @property
    def alarmed(self) -> bool:
        """Whether an alarm rings that did not before, and is no hint."""
        return any(not alarm.hint for alarm in self.fresh)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Samples (n, …) of the fixed latent vectors (n, dim), in the data's units where those are known.

    `scene` is what a picture of them shows.
    """

    step: int
    samples: Array
    latent: Array
    scene: Scene = field(compare=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. `reason` is `done`, `stopped` (asked to), `time` (`--max-time`) or `alarm`; `figures` are those of the
    last look."""

    reason: str
    folder: Path
    checkpoint: Path
    steps: int
    seconds: float
    figures: dict[str, float]
    alarms: dict[str, int]
    """How often each rang."""
    rollbacks: int = 0
    notes: tuple[str, ...] = ()
    """As those of the start."""


Event: TypeAlias = Started | Stepped | Diagnosed | Sampled | RolledBack | Saved | Finished
