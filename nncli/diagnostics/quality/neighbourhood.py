"""Density and coverage: samples against the neighbourhoods of data."""

from __future__ import annotations

import numpy as np

from nncli.diagnostics.neighbours import count_within, nearest, neighbours
from nncli.parts import Array


def coverage(real: Array, fake: Array, k: int = 5) -> float:
    """Share of the data (N, …) that have a sample (M, …) nearer than their k-th neighbour among the data.

    Of as many samples from the data's own distribution it is about ``1 − 2⁻ᵏ``.

    Source: Naeem et al. 2020, arXiv:2002.09797, equation 4.
    """
    return float(np.mean(nearest(real, fake)[:, 0] < neighbours(real, k)[:, -1]))


def density(real: Array, fake: Array, k: int = 5) -> float:
    """In how many neighbourhoods of data (N, …) a sample (M, …) lies, divided by k: about 1 for the data's own
    distribution, less for samples away from the data, more where they crowd in its dense parts.

    The neighbourhood of a datum is the ball that reaches to the k-th neighbour among the data.

    Source: Naeem et al. 2020, arXiv:2002.09797, equation 3.
    """
    return float(count_within(fake, real, neighbours(real, k)[:, -1]).mean()) / k
