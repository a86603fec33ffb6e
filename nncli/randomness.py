"""Counter-based random numbers: what a draw gives depends on the seed, its use, the epoch and the step, nothing else.

Philox 4×64 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") keyed by (seed, use), its counter set
by (epoch, step). So there is no state to save, no thread or rank changes a draw, and prefetching cannot run ahead of
a checkpoint.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def generator(seed: int, use: str, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """The generator of one use ("shuffle", "init/stem/W", "dropout_1", …) at one epoch and step, counted from 0.

    The low word of the counter is left to the draws themselves, so that generators never overlap.
    """
    digest = hashlib.blake2b(use.encode(), digest_size=8).digest()
    key = np.array([seed % 2**64, int.from_bytes(digest, "little")], dtype=np.uint64)
    counter = np.array([0, 0, step, epoch], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(counter=counter, key=key))


def uniform(seed: int, use: str, epoch: int, step: int, start: int, out: NDArray[np.float32]) -> None:
    """Fill a float32 array (n, any) with numbers from [0, 1): row i belongs to sample `start` + i of the batch, however
    that is cut."""
    rng = generator(seed, use, epoch, step)
    skip = start * (out.size // len(out))
    advance(rng, skip // 8)
    if skip % 8:
        rng.random(skip % 8, dtype=np.float32)
    rng.random(dtype=np.float32, out=out)


def advance(rng: np.random.Generator, blocks: int) -> None:
    """Skip blocks of four 64-bit words, eight float32 numbers."""
    bits = rng.bit_generator
    assert isinstance(bits, np.random.Philox)
    bits.advance(blocks)
