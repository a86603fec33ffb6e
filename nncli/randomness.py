"""Counter-based random numbers: what a draw gives depends on the seed, its use, the epoch and the step, nothing else.

Philox 4×64 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") keyed by (seed, use), its counter set
by (epoch, step). So there is no state to save, no thread or rank changes a draw, and prefetching cannot run ahead of
a checkpoint.
"""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, use: str, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """The generator of one use ("shuffle", "init/stem/W", "dropout_1", …) at one epoch and step, counted from 0.

    The low word of the counter is left to the draws themselves, so that generators never overlap.
    """
    digest = hashlib.blake2b(use.encode(), digest_size=8).digest()
    key = np.array([seed % 2**64, int.from_bytes(digest, "little")], dtype=np.uint64)
    counter = np.array([0, 0, step, epoch], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(counter=counter, key=key))
