"""What a configuration says besides its data, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """A value as YAML has it, and why it is so: the comment beside it."""

    value: Any
    why: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The sections of a configuration.

    block      the layers that the network's `stage` stands for, with their parameters; () where there is none
    epochs     the fewest and the most that make sense; how many are written follows from `steps`, the number of steps
               that such a network wants, and from what a step costs
    ema        of the weights' average; None: there is none
    """

    network: Sequence[Said]
    preprocess: Sequence[Said]
    loss: Said
    metrics: Said
    optimizer: Said
    schedule: Said
    batch: Said
    epochs: tuple[int, int]
    steps: int
    augment: Sequence[Said] = ()
    parameters: Said | None = None
    block: Sequence[Said] = ()
    ema: Said | None = None
    standardize_targets: bool = False
