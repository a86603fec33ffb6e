"""Changes of bytes, whatever they are."""

from __future__ import annotations

import random
from collections.abc import Sequence

_NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**40,
    2**63 - 1,
    2**64 - 1,
)


def number(rng: random.Random) -> bytes:
    """An extreme or any number, in 1, 2, 4 or 8 bytes of either order."""
    size, order = rng.choice([1, 2, 4, 8]), rng.choice(("little", "big"))
    value = rng.choice([*_NUMBERS, rng.randrange(2**16)]) % 2 ** (8 * size)
    return value.to_bytes(size, order)


def changed(rng: random.Random, content: bytes, others: Sequence[bytes] = (), head: int = 64) -> bytes:
    """One to a few changes, more of them in the first `head` bytes; `others` are files that pieces are taken from."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        size = len(data)
        place = rng.randrange(min(size, head) + 1) if rng.random() < 0.5 else rng.randrange(size + 1)
        match rng.randrange(11):
            case 0 if size:
                data[place % size] ^= 1 << rng.randrange(8)
            case 1 if size:
                data[place % size] = rng.randrange(256)
            case 2 | 3:
                new = number(rng)
                data[place : place + len(new)] = new
            case 4:
                del data[place : place + rng.choice([1, 1, 2, 4, 8, 100, 1000])]
            case 5:
                data[place:place] = rng.randbytes(rng.choice([1, 1, 2, 4, 8, 100]))
            case 6:
                del data[place:]
            case 7:
                data[place:place] = data[place : place + rng.choice([1, 4, 16, 200])]
            case 8:
                data[place : place + 16] = bytes(16) if rng.random() < 0.5 else b"\xff" * 16
            case 9 if others:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                data[place : place + 100] = other[start : start + rng.choice([8, 100, 1000])]
            case _:
                data += rng.randbytes(rng.choice([1, 2, 100]))
    return bytes(data)
