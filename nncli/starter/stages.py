"""Convolutional networks of stages: images, spectrograms and signals have them in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nncli.starter.goals import End
from nncli.starter.recipe import Recipe, Said

FILTERS = (32, 64, 128, 128)
STANDARDIZE = Said("standardize", "each channel to mean 0 and deviation 1, learned from the training split")
_LEAST_STEPS = 600
"""Steps that even very few samples want, in up to 300 epochs."""
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


def recipe(
    samples: int,
    end: End,
    network: Sequence[Said],
    block: Sequence[Said],
    preprocess: Sequence[Said],
    augment: Sequence[Said] = (),
    steps: int = 3000,
) -> Recipe:
    """The recipe of a network of stages, with the training that suits so many samples."""
    few = samples <= _FEW
    batch = 32 if samples <= _SOME else 64 if samples <= _MANY else 128
    decay = Said({"adamw": {"lr": 5e-3, "weight_decay": 0.1 if few else 0.05}}, "the decay leaves out biases and gains")
    rising = "the step size rises and falls once: as a rule the last epochs are the best, so all are run"
    average = "figures are those of an average of the weights over the last steps"
    return Recipe(
        network=[*network, end.head],
        preprocess=preprocess,
        augment=augment,
        loss=end.loss,
        metrics=end.metrics,
        optimizer=decay,
        schedule=Said("one_cycle", rising),
        batch=Said(batch),
        epochs=(4, max(60, min(300, _LEAST_STEPS * batch // samples))),
        steps=steps,
        parameters=Said({"filters": FILTERS[0], "drop": drops(samples)[0]}),
        block=block,
        ema=Said(0.99 if few else 0.998, average),
        standardize_targets=end.standardize_targets,
    )
