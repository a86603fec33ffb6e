"""Ways through a latent space."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from nncli.parts import Array


def slerp(a: Array, b: Array, t: Array) -> Array:
    """Points between a and b on an arc, at shares `t` of the way: ``(sin((1−t)ω) a + sin(tω) b) / sin ω`` with ω the
    angle between them. Lengths go evenly from |a| to |b|: between two draws of a normal distribution in many
    dimensions a straight line would pass through a region without draws.

    Shapes (D numbers, T shares)
        a (D,)   b (D,)   t (T,)   ->   (T, D)

    Where a or b is zero, or b points exactly away from a, no arc is given: the way is a straight line.

    Source: Shoemake 1985, "Animating rotation with quaternion curves", equation 5, for directions; the lengths are
    interpolated apart, where White 2016, "Sampling generative networks", arXiv:1609.04468, has vectors of one length.
    """
    a, b, t = (np.asarray(array, np.float64) for array in (a, b, t))
    long_a, long_b = np.linalg.norm(a), np.linalg.norm(b)
    if not long_a or not long_b:
        return lerp(a, b, t)
    from_a, to_b = a / long_a, b / long_b
    # by half-angles: arccos of the product loses digits where directions are close or opposite
    angle = 2 * np.arctan2(np.linalg.norm(from_a - to_b), np.linalg.norm(from_a + to_b))
    if np.sin(angle) < 1e-8:
        return lerp(a, b, t)
    t = t[:, None]
    directions = (np.sin((1 - t) * angle) * from_a + np.sin(t * angle) * to_b) / np.sin(angle)
    return np.asarray(((1 - t) * long_a + t * long_b) * directions)


def lerp(a: Array, b: Array, t: Array) -> Array:
    """Points on the straight line from a to b, shapes as those of `slerp`."""
    return np.asarray((1 - t)[:, None] * a + t[:, None] * b)


def ways(points: Array, between: int, way: Callable[[Array, Array, Array], Array] = slerp) -> Array:
    """The ways from each point to the next: both ends, and `between` points at even distances.

    Shapes (P points): (P, D) -> (P − 1, between + 2, D)
    """
    shares = np.linspace(0, 1, between + 2)
    return np.stack([way(a, b, shares) for a, b in pairwise(points)])
