from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from annotated_types import Le

from nncli.data.density import Drawn, Mixture, mixture
from nncli.fields import Annotated, Count, Positive
from nncli.registry import source


@source("grid")
@dataclass(frozen=True, slots=True)
class Grid(Drawn):
    """Points in the plane from Gaussians of deviation `std` whose centres form a square grid, known density.

    There are `side` × `side` centres, `spacing` apart, around the origin; the target of a point is the number of its
    mode, row by row. `train` reads so many `samples`, drawn by the run's seed; a game draws without end.

    Raises DataError where the samples do not fit into memory.

    Source: Dumoulin et al. 2017, "Adversarially learned inference" (arXiv:1606.00704, section 4.4): 25 modes.
    """

    side: Annotated[Count, Le(100)] = 5
    spacing: Positive = 2.0
    std: Positive = 0.05
    samples: Count = 10_000

    def density(self) -> Mixture:
        line = self.spacing * (np.arange(self.side) - (self.side - 1) / 2)
        rows, columns = np.meshgrid(line, line, indexing="ij")
        return mixture(np.stack([columns.ravel(), rows.ravel()], axis=1), self.std)
