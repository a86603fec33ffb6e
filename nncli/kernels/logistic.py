"""The logistic function 1 / (1 + exp(−x)), without overflow."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from nncli.parts import Array


@functools.cache
def largest(dtype: np.dtype[Any]) -> float:
    """The largest whole number whose exponential is finite and has a normal reciprocal."""
    return math.floor(-math.log(np.finfo(dtype).tiny))


def logistic(x: Array, y: Array) -> None:
    """Write it into y. Inputs below −`largest` count as that, so the result is there as good as 0."""
    np.negative(x, out=y)
    np.minimum(y, largest(y.dtype), out=y)
    np.exp(y, out=y)
    np.add(y, 1, out=y)
    np.reciprocal(y, out=y)
