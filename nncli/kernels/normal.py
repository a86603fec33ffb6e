"""Uniform numbers to normal ones, two by two.

Source: Box & Muller 1958, "A note on the generation of random normal deviates".
"""

from __future__ import annotations

import math

import numpy as np

from nncli.parts import Array


def box_muller(numbers: Array, spare: Array) -> None:
    """Turn numbers (n, 2h) from [0, 1) into normal ones of mean 0 and variance 1, in place; `spare` is (n, h).

    Pair i is (u, v) = (column i, column h + i), and becomes √(−2 log(1 − u)) times the cosine and the sine of 2πv.
    1 − u is never 0. Of float32 numbers from [0, 1) it is at least 2⁻²⁴, so that none is beyond 5.77.
    """
    half = numbers.shape[1] // 2
    radius, angle = numbers[:, :half], numbers[:, half:]
    np.subtract(1, radius, out=radius)
    np.log(radius, out=radius)
    np.multiply(radius, -2, out=radius)
    np.sqrt(radius, out=radius)
    np.multiply(angle, 2 * math.pi, out=angle)
    np.cos(angle, out=spare)
    np.sin(angle, out=angle)
    np.multiply(angle, radius, out=angle)
    np.multiply(radius, spare, out=radius)
