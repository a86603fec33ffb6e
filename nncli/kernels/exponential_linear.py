"""The exponential linear unit: scale · x for x > 0, else scale · α (exp(x) − 1)."""

from __future__ import annotations

import numpy as np

from nncli.kernels.rectify import rectify
from nncli.parts import Array


def exponential_linear(x: Array, y: Array, spare: Array, alpha: float, scale: float = 1.0) -> None:
    """Write it into y, which may be x; `spare` has its shape."""
    rectify(x, spare)
    np.subtract(x, spare, out=y)
    np.expm1(y, out=y)
    np.multiply(y, scale * alpha, out=y)
    if scale != 1:
        np.multiply(spare, scale, out=spare)
    np.add(y, spare, out=y)


def exponential_linear_slope(y: Array, slope: Array, spare: Array, alpha: float, scale: float = 1.0) -> None:
    """Write the derivative from the output y: scale where y > 0, else y + scale · α (so too at the kink).

    `spare` has its shape. Arithmetic instead of a masked copy: 1 ns for each float32 number instead of 4.
    """
    np.minimum(y, 0, out=slope)
    np.add(slope, scale * alpha, out=slope)
    if alpha != 1:
        np.greater(y, 0, out=spare)
        np.multiply(spare, scale - scale * alpha, out=spare)
        np.add(slope, spare, out=slope)
