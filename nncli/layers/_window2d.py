"""What layers with a kernel over images share: which images they take, and where the output's positions lie."""

from __future__ import annotations

from typing import Literal

from nncli.errors import ShapeError
from nncli.fields import Sides
from nncli.kernels.window import Window, extent, positions, same_padding
from nncli.parts import Shape

Padding = Literal["valid", "same", "full"] | Sides


def check_image(name: str, x: Shape) -> None:
    """Raise ShapeError unless x is (channels, height, width)."""
    if len(x) != 3:
        raise ShapeError(
            f"{name} takes images (channels, height, width), not {x}",
            hint="put it before `flatten` or `dense`, where there still are images",
        )


def geometry(
    x: Shape, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], padding: Padding
) -> tuple[Window, tuple[int, int]]:
    """The window and the output's (height, width) for images of shape x.

    Raises ShapeError where the kernel does not fit.
    """
    reaches = [extent(k, d) for k, d in zip(kernel, dilation, strict=True)]
    before, output = [], []
    for axis, name in enumerate(("height", "width")):
        size, reach = x[axis + 1], reaches[axis]
        if isinstance(padding, tuple):
            sides = padding[axis]
        elif padding == "same":
            sides = same_padding(size, reach, stride[axis])
        else:
            sides = (reach - 1, reach - 1) if padding == "full" else (0, 0)
        padded = size + sum(sides)
        if padded < reach:
            dilated = f" (dilated {dilation[axis]} times)" if dilation[axis] > 1 else ""
            raise ShapeError(
                f"a kernel of {name} {reach}{dilated} does not fit into an image of {name} {size}"
                + (f" padded to {padded}" if padded > size else ""),
                hint=f"use a kernel of at most {padded}, `padding: same`, or fewer poolings before it",
            )
        before.append(sides[0])
        output.append(positions(padded, reach, stride[axis]))
    return Window(kernel, stride, dilation, (before[0], before[1])), (output[0], output[1])
