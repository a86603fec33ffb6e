"""Networks for images."""

from __future__ import annotations

from nncli.data.detect import Sight
from nncli.starter import stages
from nncli.starter.goals import end_of
from nncli.starter.recipe import Recipe, Said

_PIXELS = ((24, 2), (48, 3))
"""Stages of images whose shorter side is less than so many pixels; larger ones have four."""
_SHORTEST = 4
_AUGMENTED = 16
"""Pixels of the shorter side from which on a shift by one is a small change."""


def recipe(sight: Sight) -> Recipe:
    channels, height, width = sight.shape
    samples, side = sight.samples["train"], min(height, width)
    count = next((count for below, count in _PIXELS if side < below), 4) if side >= 2 * _SHORTEST else 1
    size: object = 2 if side >= _SHORTEST else (2 if height >= _SHORTEST else 1, 2 if width >= _SHORTEST else 1)
    return stages.recipe(
        samples,
        end_of(sight.goal, smooth=True),
        network=[
            *stages.uses(stages.FILTERS[:count], samples),
            Said("global_avg_pool2d", "the mean over all positions: few weights, and any place counts alike"),
        ],
        block=stages.block("conv2d", 3, "max_pool2d", size),
        preprocess=[stages.STANDARDIZE],
        augment=_augment(channels, side, sight) if stages.is_few(samples) else (),
    )


def _augment(channels: int, side: int, sight: Sight) -> list[Said]:
    """What changes an image, and not what it shows."""
    if side < _AUGMENTED or sight.goal.task == "values":
        return []
    if channels == 1:
        return [
            Said({"shift": side // _AUGMENTED + 1}, "pixels"),
            Said({"rotation": 10}, "degrees"),
            Said({"scaling": 0.1}),
        ]
    return [
        Said({"crop": {"padding": side // 8, "border": "reflect"}}),
        Said("flip", "left to right; take it out if that makes another thing of it"),
    ]
