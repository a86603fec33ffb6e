from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from annotated_types import Le

from nncli.data.density import Drawn, Mixture, mixture
from nncli.fields import Annotated, Count, Positive
from nncli.registry import source


@source("ring")
@dataclass(frozen=True, slots=True)
class Ring(Drawn):
    """Points in the plane from Gaussians of deviation `std` whose centres stand on a circle, known density.

    There are `modes` centres at the angles 2πi/modes on a circle of that `radius`; the target of a point is the number
    of its mode. `train` reads so many `samples`, drawn by the run's seed; a game draws without end.

    Raises DataError where the samples do not fit into memory.

    Source: Metz et al. 2017, "Unrolled generative adversarial networks" (arXiv:1611.02163, section 3.1) with 8 modes;
    radius 1 and deviation 0.01 are those of Lin et al. 2018, "PacGAN" (arXiv:1712.04086, section 4.1).
    """

    modes: Annotated[Count, Le(10_000)] = 8
    radius: Positive = 1.0
    std: Positive = 0.01
    samples: Count = 10_000

    def density(self) -> Mixture:
        angles = 2 * np.pi * np.arange(self.modes) / self.modes
        return mixture(self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), self.std)
