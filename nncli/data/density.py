"""Distributions whose density is known: what a game is measured against, and samples without end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from nncli.data.dataset import Dataset, Origin
from nncli.data.files import reason
from nncli.errors import DataError, Fault
from nncli.memory import claim
from nncli.parts import Array
from nncli.randomness import generator

_DRAWN = 64
"""Bytes that a drawn sample of two numbers takes while its mode is drawn too."""
_BLOCK = 2**22
"""Distances held in one go: 32 MiB of float64."""


@dataclass(frozen=True, slots=True)
class Modes:
    """Where a distribution of K Gaussians has its samples.

    Shapes
        centres (K, dim)   std (K,)   weights (K,), which add up to 1
    """

    centres: Array
    std: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def effective(self) -> float:
        """exp(entropy of the weights): how many modes of equal weight there would be; K where they are equal."""
        return math.exp(-float(np.sum(self.weights * np.log(self.weights))))


class Density(Protocol):
    """A distribution over vectors of `dim` numbers; `modes` is None where it is no mixture of separate Gaussians."""

    @property
    def dim(self) -> int: ...

    @property
    def modes(self) -> Modes | None: ...

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """(n, dim) in float64."""
        ...

    def pdf(self, x: Array) -> Array:
        """The density (n,) at the points x (n, dim)."""
        ...


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of round Gaussians: ``p(x) = Σₖ wₖ N(x; cₖ, sₖ² I)``."""

    modes: Modes

    @property
    def dim(self) -> int:
        return int(self.modes.centres.shape[1])

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self.labelled(n, rng)[0]

    def labelled(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Samples (n, dim), and the number (n,) of the mode that each was drawn from."""
        number = rng.choice(len(self.modes), size=n, p=self.modes.weights)
        x = rng.standard_normal((n, self.dim))
        x *= self.modes.std[number, None]
        x += self.modes.centres[number]
        return x, number

    def pdf(self, x: Array) -> Array:
        spread, dim = self.modes.std, self.dim
        height = self.modes.weights / (math.sqrt(2 * math.pi) * spread) ** dim
        return _summed(np.asarray(x, dtype=np.float64), self.modes.centres, spread, height)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve (K, dim), each as likely as the others, and Gaussian noise of deviation `std` around them.

    The density is the sum over the points, so that they must lie closer than the noise is wide.
    """

    points: Array
    std: float

    @property
    def dim(self) -> int:
        return int(self.points.shape[1])

    @property
    def modes(self) -> None:
        return None

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self.labelled(n, rng)[0]

    def labelled(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Samples (n, dim), and where along the curve (n,), from 0 to 1, each lies."""
        number = rng.integers(len(self.points), size=n)
        x = self.points[number] + self.std * rng.standard_normal((n, self.dim))
        return x, number / max(1, len(self.points) - 1)

    def pdf(self, x: Array) -> Array:
        """What is more than 8 deviations away adds less than 1e-14 of the peak and is left out."""
        from scipy.spatial import cKDTree

        near = min(512, len(self.points))
        squares, _ = cKDTree(self.points).query(x, k=[*range(1, near + 1)], distance_upper_bound=8 * self.std)
        np.square(squares, out=squares)
        height = 1 / (len(self.points) * (math.sqrt(2 * math.pi) * self.std) ** self.dim)
        return np.asarray(np.exp(squares / (-2 * self.std**2)).sum(axis=1) * height)


@dataclass(frozen=True, slots=True)
class Scaled:
    """The distribution of ``factor · x + shift`` where x follows `inner`; both are numbers or vectors (dim,).

    What preprocessing makes of a known density. Where it stretches one axis more than another the modes are round no
    more, and there are none.
    """

    inner: Density
    factor: Array
    shift: Array

    @property
    def dim(self) -> int:
        return self.inner.dim

    @property
    def _factors(self) -> Array:
        return np.broadcast_to(np.asarray(self.factor, dtype=np.float64), (self.dim,))

    @property
    def modes(self) -> Modes | None:
        known, size = self.inner.modes, np.abs(self._factors)
        if known is None or not np.allclose(size, size[0], rtol=1e-6):
            return None
        return Modes(known.centres * self._factors + self.shift, known.std * size[0], known.weights)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return np.asarray(self.inner.sample(n, rng) * self._factors + self.shift)

    def pdf(self, x: Array) -> Array:
        return self.inner.pdf((x - self.shift) / self._factors) / abs(float(np.prod(self._factors)))


def _summed(x: Array, centres: Array, spread: Array, height: Array) -> Array:
    """``Σₖ heightₖ exp(−½ |x − cₖ|² / spreadₖ²)`` at each point (n,)."""
    from scipy.spatial.distance import cdist

    total = np.empty(len(x))
    step = max(1, _BLOCK // len(centres))
    for start in range(0, len(x), step):
        squares = cdist(x[start : start + step], centres, "sqeuclidean")
        squares /= -2 * spread**2
        total[start : start + step] = np.exp(squares, out=squares) @ height
    return total


class Drawn:
    """Base of sources that draw from a known density. `train` reads `samples` of it; a game draws without end.

    Each split is a draw of its own, by the run's seed.
    """

    __slots__ = ()
    samples: int

    def density(self) -> Mixture | Curve:
        raise NotImplementedError

    def draw(self, seed: int, split: str) -> Dataset:
        """Raises DataError where the samples do not fit into memory."""
        origin = Origin(f"samples of a {getattr(self, 'type_name', 'density')}")
        try:
            claim(_DRAWN * self.samples)
            x, t = self.density().labelled(self.samples, generator(seed, f"data/{split}"))
            return Dataset.of(x.astype(np.float32), t, origin)
        except MemoryError as error:
            message = f"{self.samples} samples do not fit into memory: {reason(error)}"
            raise DataError(Fault(message, file=origin.file)) from None

    def load(self, base: Path) -> Dataset:
        return self.draw(0, "train")


def mixture(centres: Array, std: float | Array, weights: Array | None = None) -> Mixture:
    """A mixture of Gaussians at `centres` (K, dim), of one deviation or one for each, and of equal weights unless given
    in any proportion."""
    centres = np.asarray(centres, dtype=np.float64)
    share = np.ones(len(centres)) if weights is None else np.asarray(weights, dtype=np.float64)
    spread = np.broadcast_to(np.asarray(std, dtype=np.float64), (len(centres),)).copy()
    return Mixture(Modes(centres, spread, share / share.sum()))
