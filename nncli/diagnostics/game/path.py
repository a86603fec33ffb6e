"""Whether the generator gets anywhere: the way of its weights."""

from __future__ import annotations

import numpy as np

from nncli.parts import Array
from nncli.randomness import generator

SNAPSHOTS = 25
COORDINATES = 2**14
"""Of the weights that are kept for the path: norms of a random 16,384 of them are within 2 % of those of all, in
proportion (where no few dominate), and 25 snapshots of them in float32 are 1.6 MB of a checkpoint."""


def path_ratio(snapshots: Array) -> float:
    """Net over gross path of the last 25 snapshots (S, P): ``‖θ_S − θ_1‖ / Σ ‖θᵢ₊₁ − θᵢ‖``.

    1 on a straight way, ``1/√(S − 1)`` for steps in random directions, less where the way goes round. NaN with less
    than three snapshots, or where nothing moved.
    """
    last = np.asarray(snapshots[-SNAPSHOTS:], dtype=np.float64)
    gross = float(np.linalg.norm(np.diff(last, axis=0), axis=1).sum())
    if len(last) < 3 or gross == 0:
        return float("nan")
    return float(np.linalg.norm(last[-1] - last[0])) / gross


class WeightPath:
    """Keeps the last 25 snapshots of some of the weights, the same ones each time, picked by the seed."""

    def __init__(self, size: int, seed: int) -> None:
        picked = generator(seed, "path").choice(size, min(size, COORDINATES), replace=False)
        self._picked: Array = np.sort(picked)
        self.snapshots: Array = np.empty((0, len(picked)), dtype=np.float32)

    def add(self, weights: Array) -> float:
        """Take weights (size,) in; returns the ratio of the last 25, NaN until there are 25."""
        row = weights[self._picked].astype(np.float32)
        self.snapshots = np.concatenate([self.snapshots[-SNAPSHOTS + 1 :], row[None]])
        return path_ratio(self.snapshots) if len(self.snapshots) == SNAPSHOTS else float("nan")

    def restore(self, snapshots: Array) -> None:
        """What `snapshots` held when it was stored."""
        self.snapshots = np.array(snapshots, dtype=np.float32).reshape(-1, len(self._picked))
