from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncli.data.density import Curve, Drawn
from nncli.fields import Count, Positive
from nncli.registry import source

_TURNS = (1.5 * math.pi, 4.5 * math.pi)
_THINNEST = 1e-4
"""Of the radius: the density is a sum over points that lie closer than the noise is wide, here 400,000 of them."""


@source("swiss_roll")
@dataclass(frozen=True, slots=True)
class SwissRoll(Drawn):
    """Points in the plane around a spiral of one and a half turns: one piece, of lower dimension, and known density.

    The spiral is ``t (cos t, sin t)`` from 3π/2 to 9π/2, made so small that it ends at `radius`; points lie along it
    evenly in t, with normal `noise`, a deviation, around it. The target of a point is its place along the roll, from 0
    to 1. `train` reads so many `samples`, drawn by the run's seed; a game draws without end.

    Raises ValueError where the noise is below a ten-thousandth of the radius. Raises DataError where the samples do not
    fit into memory.

    Source: Tenenbaum et al. 2000, "A global geometric framework for nonlinear dimensionality reduction", seen from the
    side: without the axis along which the roll is straight.
    """

    noise: Positive = 0.02
    radius: Positive = 1.0
    samples: Count = 10_000

    def __post_init__(self) -> None:
        if self.noise < _THINNEST * self.radius:
            raise ValueError(f"the noise {self.noise:g} is too small for a roll of radius {self.radius:g}")

    def density(self) -> Curve:
        begin, end = _TURNS
        scale = self.radius / end
        # at the outer end the points are furthest apart: `radius` along the curve for each unit of t
        t = np.linspace(begin, end, max(256, math.ceil(4 * self.radius * (end - begin) / self.noise)))
        return Curve(scale * np.stack([t * np.cos(t), t * np.sin(t)], axis=1), self.noise)
