"""Whether samples are as diverse as data: for mode collapse, and for supports of low dimension."""

from __future__ import annotations

import math

import numpy as np

from nncli.data.density import Modes
from nncli.diagnostics.neighbours import mean_distance, neighbours, rows
from nncli.diagnostics.quality.modes import assigned
from nncli.parts import Array


def diversity(real: Array, fake: Array) -> float:
    """Mean distance of two samples over that of two data: 1 where they spread alike, 0 where all samples are one.

    NaN where the data are all the same.
    """
    among = mean_distance(real)
    return mean_distance(fake) / among if among else math.nan


def effective_modes(fake: Array, modes: Modes) -> float:
    """exp(entropy) of the numbers of samples (N, dim) at each known mode: K where all get the same, 1
    where one has all.

    Each sample counts for the mode that is nearest, in units of its deviation.
    """
    return effective(np.bincount(assigned(fake, modes)[0], minlength=len(modes)))


def effective(counts: Array) -> float:
    """exp(entropy) of counts (K,), of a classifier's classes too."""
    share = counts[counts > 0] / counts.sum()
    return math.exp(-float(np.sum(share * np.log(share))))


def intrinsic_dimension(x: Array, k: int = 10) -> float:
    """Dimension of the set that points (N, …) lie on, by how fast the distances to k neighbours grow.

    The inverse of the mean over all points of ``1/(k − 1) Σⱼ log(Tₖ/Tⱼ)``, Tⱼ the distance to the j-th neighbour. Equal
    points count once; with less than k + 2 different ones it is 0. Of many dimensions a few hundred points see too few.

    Source: Levina & Bickel 2004, "Maximum likelihood estimation of intrinsic dimension", equation 8, with the average
    of inverses of MacKay & Ghahramani 2005.
    """
    points = np.unique(rows(x), axis=0)
    if len(points) < k + 2:
        return 0.0
    distance = np.maximum(neighbours(points, k), 1e-300)
    inverse = np.mean(np.log(distance[:, -1:] / distance[:, :-1]))
    return float(1 / inverse) if inverse else 0.0
