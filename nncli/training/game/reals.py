"""Batches of data for a game: each follows from the seed and its number alone, so that there is no state to save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from nncli.data.batches import Loader, Preprocessing
from nncli.parts import Array
from nncli.randomness import generator


class Reals(Protocol):
    """Where a game's data come from. Arrays are batch-last, as the networks take them.

    `passes` are the batches of this size in one pass over the data, 1 where they have no end.
    """

    def fill(self, out: Array, number: int) -> None:
        """Batch `number` of training, from 0."""

    def held_out(self, out: Array, step: int) -> None:
        """Samples that the players are not trained on, if there are any, to look at the game after `step` steps."""

    def passes(self, batch: int) -> int: ...


class Endless:
    """Drawn from a density, anew for each batch."""

    def __init__(self, density: Any, preprocessing: Preprocessing, dtype: Any, seed: int) -> None:
        self.density, self.seed = density, seed
        self._apply = preprocessing.bound((density.dim,), np.dtype(dtype))

    def fill(self, out: Array, number: int) -> None:
        self._draw(out, "data", number)

    def held_out(self, out: Array, step: int) -> None:
        self._draw(out, "held-out data", step)

    def passes(self, batch: int) -> int:
        return 1

    def _draw(self, out: Array, use: str, number: int) -> None:
        x = self.density.sample(out.shape[-1], generator(self.seed, use, 0, number))
        np.copyto(out, x.T, casting="same_kind")
        self._apply(out)


class Finite:
    """Passes over a training split, each in an order of its own; what is left of a pass is dropped."""

    def __init__(self, train: Loader, held: Loader, seed: int, shuffle: bool) -> None:
        self.train, self.held, self.seed = train, held, seed
        self.order: Callable[[int], Array] = self._shuffled if shuffle else self._in_order
        self._now: tuple[int, Array] | None = None

    def fill(self, out: Array, number: int) -> None:
        n = out.shape[-1]
        epoch, cursor = divmod(number, self.passes(n))
        if self._now is None or self._now[0] != epoch:
            self._now = epoch, self.order(epoch)
        self.train.fill(self._now[1][cursor * n : (cursor + 1) * n], out)

    def held_out(self, out: Array, step: int) -> None:
        rng = generator(self.seed, "held-out data", 0, step)
        n = out.shape[-1]
        rows: Array = rng.permutation(len(self.held))
        self.held.fill(np.resize(rows, n), out)

    def passes(self, batch: int) -> int:
        return max(1, len(self.train) // batch)

    def _shuffled(self, epoch: int) -> Array:
        return self.train.order(self.seed, epoch)

    def _in_order(self, epoch: int) -> Array:
        return np.arange(len(self.train))
