from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nncli.data.dataset import Dataset, Origin
from nncli.data.files import reason
from nncli.errors import DataError, Fault
from nncli.fields import Count, Natural
from nncli.memory import claim
from nncli.parts import Array
from nncli.randomness import generator
from nncli.registry import source


@source("random")
@dataclass(frozen=True, slots=True)
class Random:
    """Noise in the shape of data, to measure speed and to try a network out: nothing can be learned from it.

    There are `samples` of `shape`, float32 from the standard normal distribution; targets are numbers of `classes`
    classes, or with `outputs` normal values of that shape. Another `seed` gives other data.

    Raises DataError where it does not fit into memory.
    """

    samples: Count
    shape: tuple[Count, ...]
    classes: Count = 10
    outputs: tuple[Count, ...] | None = None
    seed: Natural = 0

    def load(self, base: Path) -> Dataset:
        origin = Origin("random data")
        rng = generator(self.seed, "data/random")
        try:
            outputs = 2 if self.outputs is None else math.prod(self.outputs)  # a class number has 8 bytes
            claim(4 * self.samples * (math.prod(self.shape) + outputs))
            x = rng.standard_normal((self.samples, *self.shape), dtype=np.float32)
            t = self._targets(rng)
        except (MemoryError, ValueError, OverflowError) as error:
            message = f"{self.samples} samples of {list(self.shape)} do not fit into memory: {reason(error)}"
            raise DataError(Fault(message, file=origin.file)) from None
        return Dataset.of(x, t, origin)

    def _targets(self, rng: np.random.Generator) -> Array:
        if self.outputs is not None:
            return rng.standard_normal((self.samples, *self.outputs), dtype=np.float32)
        return rng.integers(self.classes, size=self.samples)
