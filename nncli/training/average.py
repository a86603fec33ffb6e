"""An average of the weights over the steps of a run, and its use in their place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from nncli.engine.parameters import Parameters
from nncli.engine.update import PIECE
from nncli.parts import Array


class Average:
    """``e ← e + (1 − d) (w − e)`` after each step t (from 1), with d = min(decay, (1 + t) / (warmup + t)).

    The warm-up lets the average forget the initial weights (as in TensorFlow's `ExponentialMovingAverage`, where
    warmup is 10); with warmup 0 the decay is the same throughout.

    Source: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging", with exponential weights.
    """

    def __init__(self, parameters: Parameters, decay: float, warmup: int) -> None:
        self.parameters, self.decay, self.warmup = parameters, decay, warmup
        self.vector = parameters.vector()
        self._scratch = np.empty(min(PIECE, parameters.length), parameters.dtype)

    def start(self) -> None:
        """Begin at the weights as they are."""
        np.copyto(self.vector, self.parameters.w)

    def add(self, t: int) -> None:
        """Take in the weights after step t."""
        gain = 1 - (min(self.decay, (1 + t) / (self.warmup + t)) if self.warmup else self.decay)
        for w, e, part in self._pieces():
            np.subtract(w, e, out=part)
            np.multiply(part, gain, out=part)
            np.add(e, part, out=e)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While it is entered, the network has the averaged weights; afterwards its own again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for w, e, part in self._pieces():
            np.copyto(part, w)
            np.copyto(w, e)
            np.copyto(e, part)

    def _pieces(self) -> Iterator[tuple[Array, Array, Array]]:
        for start in range(0, self.parameters.length, PIECE):
            w, e = self.parameters.w[start : start + PIECE], self.vector[start : start + PIECE]
            yield w, e, self._scratch[: len(w)]
