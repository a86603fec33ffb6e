"""Networks for signals: numbers along one axis, in one or more channels."""

from __future__ import annotations

from nncli.data.detect import Sight
from nncli.starter import stages
from nncli.starter.goals import end_of
from nncli.starter.recipe import Recipe, Said

_LONG = 2000
"""Numbers from which on a first convolution looks at every fourth place only."""
_STRIDE = 4
_LEFT = 8
"""Numbers that are left after the last stage, at least."""


def recipe(sight: Sight) -> Recipe:
    samples, length = sight.samples["train"], sight.shape[-1]
    first = []
    if length >= _LONG:
        convolution = {"conv1d": {"filters": 32, "kernel": 16, "stride": _STRIDE, "padding": "same", "bias": False}}
        first = [Said(convolution, f"of {length:,} numbers every {_STRIDE}th place"), Said("batch_norm"), Said("relu")]
        length //= _STRIDE
    pool = 4 if length >= 4**3 * _LEFT else 2
    count = 1
    while count < len(stages.FILTERS) and length // pool ** (count + 1) >= _LEFT:
        count += 1
    return stages.recipe(
        samples,
        end_of(sight.goal, smooth=True),
        network=[
            *first,
            *stages.uses(stages.FILTERS[:count], samples),
            Said("global_avg_pool1d", "the mean over the length: any place counts alike"),
        ],
        block=stages.block("conv1d", min(9, length), "max_pool1d", min(pool, length)),
        preprocess=[stages.STANDARDIZE],
    )
