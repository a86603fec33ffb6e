from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from annotated_types import MinLen

from nncli.data import density
from nncli.fields import Annotated, Count, Positive
from nncli.registry import source

Point = Annotated[tuple[float, ...], MinLen(1)]


@source("mixture")
@dataclass(frozen=True, slots=True)
class MixtureOfGaussians(density.Drawn):
    """Samples from Gaussians at places of your own, on a line or in any dimension, known density.

    `means` are their centres: numbers, as in `mixture: {means: [-1, 2]}`, or points of one length. `stds`
    is the deviation of all, or a list with one for each; `weights` are the proportions in which they are drawn, equal
    by default. The target of a sample is the number of its Gaussian. `train` reads so many `samples`, drawn by the
    run's seed; a game draws without end.

    Raises ValueError where the lengths of `means`, `stds` and `weights` differ, or those of the points. Raises
    DataError where the samples do not fit into memory.
    """

    means: Annotated[tuple[float, ...], MinLen(1)] | Annotated[tuple[Point, ...], MinLen(1)]
    stds: Positive | Annotated[tuple[Positive, ...], MinLen(1)] = 1.0
    weights: Annotated[tuple[Positive, ...], MinLen(1)] | None = None
    samples: Count = 10_000

    def __post_init__(self) -> None:
        for name, values in (("stds", self.stds), ("weights", self.weights)):
            if isinstance(values, tuple) and len(values) != len(self.means):
                raise ValueError(f"{len(values)} {name} for {len(self.means)} means: one for each is needed")
        lengths = {len(point) if isinstance(point, tuple) else 0 for point in self.means}
        if len(lengths) > 1:
            raise ValueError("the means are points of different lengths")

    def density(self) -> density.Mixture:
        centres = np.array(self.means, dtype=np.float64).reshape(len(self.means), -1)
        weights = None if self.weights is None else np.array(self.weights, dtype=np.float64)
        return density.mixture(centres, np.array(self.stds, dtype=np.float64), weights)
