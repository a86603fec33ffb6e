"""How far samples must be moved to lie as the data do, seen along random lines."""

from __future__ import annotations

import math

import numpy as np

from nncli.diagnostics.neighbours import rows
from nncli.parts import Array
from nncli.randomness import generator


def sliced_wasserstein(real: Array, fake: Array, projections: int = 256, seed: int = 0) -> float:
    """Root of the mean over directions of the squared 2-Wasserstein distance of the projections; in the data's units.

    Shapes
        real (N, …)   fake (M, …): vectors of F numbers; N and M may differ

    Directions are drawn from the unit sphere by the seed. A shift by a vector t is at ``‖t‖ / √F``.

    Source: Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", section 3.
    """
    real, fake = rows(real), rows(fake)
    directions = generator(seed, "projections").standard_normal((real.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    levels = np.union1d(np.arange(1, len(real) + 1) / len(real), np.arange(1, len(fake) + 1) / len(fake))
    widths = np.diff(levels, prepend=0.0)
    middles = levels - widths / 2
    first, second = ((middles * len(x)).astype(np.intp).clip(0, len(x) - 1) for x in (real, fake))
    apart = np.sort(real @ directions, axis=0)[first] - np.sort(fake @ directions, axis=0)[second]
    return math.sqrt(float(widths @ np.mean(apart**2, axis=1)))
