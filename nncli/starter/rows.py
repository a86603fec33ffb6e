"""Networks for rows of numbers: tables, and vectors in no order."""

from __future__ import annotations

from collections.abc import Sequence

from nncli.data.detect import Sight
from nncli.starter.goals import end_of
from nncli.starter.recipe import Recipe, Said

_SMALL = 2000
_LARGE = 10_000
_HUGE = 100_000


def recipe(sight: Sight) -> Recipe:
    samples = sight.samples["train"]
    end = end_of(sight.goal, smooth=False)
    values = sight.goal.task == "values"
    layers, why = _layers(samples, values)
    activation = "tanh" if samples < _SMALL else "relu"
    network = [] if values else [Said({"dropout": 0.1 if samples < _LARGE else 0.0}, "of the numbers of a sample")]
    for place, units in enumerate(layers):
        network += [Said({"dense": units}, why if place == 0 else ""), Said(activation)]
        if not values and samples >= _SMALL:
            network.append(Said({"dropout": 0.2}))
    network = [layer for layer in network if layer.value != {"dropout": 0.0}]
    decay = "a strong decay of the weights, biases left out, keeps tables from being learned by heart"
    return Recipe(
        network=[*network, end.head],
        preprocess=_preprocess(sight),
        loss=end.loss,
        metrics=end.metrics,
        optimizer=Said({"adamw": {"lr": 5e-3 if samples < _SMALL else 2e-3, "weight_decay": 0.3}}, decay),
        schedule=Said("cosine", "the step size falls to zero: as a rule the last epochs are the best, so all are run"),
        batch=Said(16 if samples < 1000 else 64 if samples < _LARGE else 128 if samples < _HUGE else 256),
        epochs=(4, 80),
        steps=8000,
        standardize_targets=end.standardize_targets,
    )


def _layers(samples: int, values: bool) -> tuple[Sequence[int], str]:
    """Units of the hidden layers: more samples allow more weights."""
    if samples < _SMALL:
        return (64, 64) if values else (64,), f"small, for {samples:,} samples"
    if samples < _LARGE:
        return (128, 128) if not values else (64, 64), f"of a size for {samples:,} samples"
    return (256, 256, 256) if values else (256, 256), f"{samples:,} samples allow a large network"


def _preprocess(sight: Sight) -> list[Said]:
    learned = Said("standardize", "each number to mean 0 and deviation 1, learned from the training split")
    if not sight.tails:
        return [learned]
    names = ", ".join(sight.tails[:4]) + (", ..." if len(sight.tails) > 4 else "")
    return [Said("quantile", f"by ranks, because of long tails in {names}"), learned]
