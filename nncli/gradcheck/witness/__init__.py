"""Second witnesses: other libraries that compute the same values and gradients.

A witness knows some types of layers and losses by name; of the others it says nothing. To teach it one more is one
function in its table.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from nncli.errors import Fault, UsageError
from nncli.gradcheck.alone import Alone, AloneLoss
from nncli.parts import Array

NAMES = ("torch", "scipy")


class Witness(Protocol):
    """What another library makes of the same arrays.

    The results are named as those of `Alone`: gradients by parameter and `x0`, `x1`, …, and `y` for the output (of a
    loss: the mean). None where the library has no counterpart; arrays that it does not compute are left out.
    """

    name: str

    def layer(self, alone: Alone) -> dict[str, Array] | None: ...
    def loss(self, alone: AloneLoss) -> dict[str, Array] | None: ...


def call(name: str) -> Witness:
    """The witness of this name. Raises UsageError where its library is not installed."""
    if name == "scipy":
        from nncli.gradcheck.witness.by_scipy import ByScipy

        return ByScipy()
    try:
        from nncli.gradcheck.witness.by_torch import ByTorch
    except ImportError as error:
        hint = "install it with `pip install torch`, or use --against scipy"
        raise UsageError(Fault(f"PyTorch cannot be imported: {error}", "--against", hint)) from None
    return ByTorch()


def disagreements(
    witness: Witness, part: Alone | AloneLoss, y: Array, gradients: dict[str, Array]
) -> dict[str, float] | None:
    """For each gradient how far it is from the witness's, or the output if that is further away.

    As part of the larger of the two largest absolute values. None where the witness has no counterpart.
    """
    said = witness.layer(part) if isinstance(part, Alone) else witness.loss(part)
    if said is None:
        return None
    value = distance(y, said["y"])
    return {
        name: max(value, distance(gradient, said[name]) if name in said else 0.0)
        for name, gradient in gradients.items()
    }


def distance(one: Array, other: Array) -> float:
    """The largest absolute difference over the larger of the two largest absolute values."""
    if one.shape != other.shape:
        return float("inf")
    scale = max(float(np.abs(one).max(initial=0.0)), float(np.abs(other).max(initial=0.0)))
    return float(np.abs(one - other).max(initial=0.0)) / scale if scale else 0.0
