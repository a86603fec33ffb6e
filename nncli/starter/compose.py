"""From what data look like to a configuration that was tried on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nncli.data.detect import Form, Sight
from nncli.spec import read_text
from nncli.starter import images, rows, signals, sounds
from nncli.starter.names import command, run_name
from nncli.starter.recipe import Recipe, Said
from nncli.starter.text import text_of, trained_on
from nncli.starter.words import goal_of, samples_of
from nncli.training.describe import describe_loaded
from nncli.training.setup import checked_graph

RECIPES: Mapping[Form, Callable[[Sight], Recipe]] = {
    "table": rows.recipe,
    "vector": rows.recipe,
    "signal": signals.recipe,
    "image": images.recipe,
    "sound": sounds.recipe,
}
_BUDGET = 6e12
"""Floating-point operations of a run: two minutes at what two cores give a small convolution, 50 GFLOP/s."""
_SPEED = 5e10
_STEP = 4e-4
"""Seconds that a step takes besides its arithmetic."""
_BACK = 3
"""A training step costs so many times its forward pass."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A configuration's text and what it amounts to; `seconds` is a rough guess for two cores."""

    text: str
    recipe: Recipe
    epochs: int
    parameters: int
    seconds: float


def compose(sight: Sight, file: Path, *, place: Path, schema: bool) -> Composed:
    """The configuration for data that were looked at, to be written to `file`; they are read as `nncli train` does.

    Raises DataError where a split does not fit the others.
    """
    recipe = RECIPES[sight.form](sight)
    name = run_name(file.name.removesuffix(".yaml").removesuffix(".yml"))
    head = [
        f"Written by `nncli init` from {place}: {samples_of(sight)}.",
        f"To be predicted is {goal_of(sight.goal)}.",
        f"  {command(file)}",
    ]

    def text(epochs: Said) -> str:
        return text_of(sight, recipe, epochs, name=name, folder=file.parent, head=head, schema=schema)

    def loaded(epochs: Said) -> Any:
        return read_text(text(epochs), str(file), base=file.parent)

    flops = checked_graph(loaded(Said(1)), sight.shape).flops
    samples = trained_on(sight)
    per_epoch = math.ceil(samples / recipe.batch.value)
    epochs = _epochs(recipe, per_epoch, flops * _BACK * samples)
    said = Said(epochs, f"of {per_epoch:,} step{'s' if per_epoch > 1 else ''} each")
    document = describe_loaded(loaded(said))
    seconds = epochs * (flops * _BACK * samples / _SPEED + per_epoch * _STEP)
    return Composed(text(said), recipe, epochs, document["parameters"], seconds)


def _epochs(recipe: Recipe, per_epoch: int, cost: float) -> int:
    """Passes over the training split: as many as give the steps that are wanted, within bounds and the budget."""
    least, most = recipe.epochs
    return max(least, min(most, math.ceil(recipe.steps / per_epoch), int(_BUDGET / cost)))
