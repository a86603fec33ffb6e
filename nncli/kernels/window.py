"""Where the positions of an output read an input: kernel, stride, dilation and padding along both axes."""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """Output position r reads input positions r·stride + a·dilation − before for the taps a of the kernel.

    Each is (vertical, horizontal). `before` is the padding above and on the left; a negative one crops. What lies
    outside the input counts as zero.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)


def extent(kernel: int, dilation: int) -> int:
    """Input positions from the first tap of a kernel to its last."""
    return dilation * (kernel - 1) + 1


def positions(size: int, reach: int, stride: int) -> int:
    """How often a window of `reach` input positions fits into `size` at this stride; incomplete ones do not count."""
    return max(0, (size - reach) // stride + 1)


def same_padding(size: int, reach: int, stride: int) -> tuple[int, int]:
    """Padding (before, after) that gives ceil(size / stride) positions, the surplus at the end."""
    total = max(0, (-(-size // stride) - 1) * stride + reach - size)
    return total // 2, total - total // 2


def inside(first: int, step: int, count: int, size: int) -> tuple[int, int]:
    """The range of u in 0 … count − 1 with 0 <= first + u·step < size, as (start, stop)."""
    start = min(count, max(0, -(first // step)))
    stop = min(count, -((first - size) // step))
    return start, max(start, stop)


def overlap(size: tuple[int, int], stride: tuple[int, int]) -> bool:
    """Whether neighbouring windows read the same inputs."""
    return size[0] > stride[0] or size[1] > stride[1]
