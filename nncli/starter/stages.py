"""Convolutional networks of stages: images, spectrograms and signals have them in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nncli.starter.recipe import Said

FILTERS = (32, 64, 128, 128)
_FEW = 1000
_SOME = 10_000
_MANY = 30_000


def is_few(samples: int) -> bool:
    """Whether there are so few samples that they are changed at random while training."""
    return samples <= _SOME


def drops(samples: int) -> Sequence[float]:
    """Dropout of each stage: the fewer samples, the more."""
    return (0.1, 0.2, 0.3, 0.3) if is_few(samples) else (0.0, 0.1, 0.1, 0.1)


def block(convolution: str, kernel: Any, pool: str, size: Any) -> list[Said]:
    """A stage, with the parameters `filters` and `drop`."""
    return [
        Said(
            {convolution: {"filters": "$filters", "kernel": kernel, "padding": "same", "bias": False}},
            "without a bias: batch_norm takes the mean off anyway",
        ),
        Said("batch_norm"),
        Said("relu"),
        Said({pool: size}),
        Said({"dropout": "$drop"}),
    ]


def uses(filters: Sequence[int], samples: int) -> list[Said]:
    return [
        Said({"stage": {"filters": count, "drop": drop}}) for count, drop in zip(filters, drops(samples), strict=False)
    ]


def batch(samples: int) -> Said:
    return Said(32 if samples <= _SOME else 64 if samples <= _MANY else 128)


def optimizer(samples: int) -> Said:
    decay = 0.1 if samples <= _FEW else 0.05
    return Said({"adamw": {"lr": 5e-3, "weight_decay": decay}}, "weight decay leaves out biases and gains")


SCHEDULE = Said(
    "one_cycle", "the step size rises and falls once: as a rule the last epochs are the best, so all are run"
)


def ema(samples: int) -> Said:
    return Said(
        0.99 if samples <= _FEW else 0.998, "figures are those of an average of the weights over the last steps"
    )


STEPS = 3000
EPOCHS = (4, 60)
