"""The gate of hard activations: x / 6 + 1/2, limited to 0 … 1."""

from __future__ import annotations

import numpy as np

from nncli.parts import Array


def gate(x: Array, y: Array) -> None:
    """Write it into y, which may be x."""
    np.multiply(x, 1 / 6, out=y)
    np.add(y, 0.5, out=y)
    np.clip(y, 0, 1, out=y)


def gate_slope(y: Array, slope: Array) -> None:
    """Write the derivative from the output y: 1/6 between the kinks, 0 beyond and at them."""
    np.subtract(1, y, out=slope)
    np.multiply(slope, y, out=slope)
    np.greater(slope, 0, out=slope)
    np.multiply(slope, 1 / 6, out=slope)
