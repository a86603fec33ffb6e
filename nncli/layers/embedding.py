from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Le

from nncli.errors import ShapeError
from nncli.fields import Count, Initializer
from nncli.kernels import lookup
from nncli.parts import Declared, Frame, Layer, Parameter, Shape, Traits, Work
from nncli.registry import layer


@layer("embedding")
@dataclass(frozen=True, slots=True)
class Embedding(Layer):
    """A trained vector for each of `count` symbols: ``y[:, l] = W[x[l]]`` for a sequence of their numbers, from 0.

    `size` is the vectors' length. Numbers come in the program's floating type; float32 holds them exactly up to 2²⁴.
    `init` is the initializer of W; without it vectors start from the normal distribution of variance 1 (LeCun's, for
    each output depends on one weight), so that what follows sees numbers like those of standardized data.

    Shapes (N samples, L symbols in each, V = count, D = size)
        x (L, N)   W (V, D)   ->   y (D, L, N)

    Gradients
        dW[v] = Σ dy[:, l, n] over all l, n with x[l, n] = v        none for x, which are whole numbers

    Raises ShapeError unless the input is a sequence. Data with other numbers are refused before training.

    Source: Bengio et al. 2003, "A neural probabilistic language model", section 2 (the matrix C). The start is
    PyTorch's too; there D is the last axis.
    """

    count: Annotated[int, Gt(0), Le(2**24)]
    size: Count
    init: Initializer = None

    traits: ClassVar[Traits] = Traits()

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 1:
            hint = "the samples of the data are (L,) whole numbers; `flatten` before it makes them so"
            raise ShapeError(f"embedding takes a sequence of numbers of symbols, not {x}", hint=hint)
        init = "lecun" if self.init is None else self.init
        table = Parameter((self.count, self.size), ("symbol", "feature"), 1, self.size, init)
        return Declared((self.size, x[0]), {"W": table})

    def indices(self) -> int | None:
        return self.count

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        numbers = math.prod(inputs[0]) * n
        return {
            "rows": Work((numbers,), dtype=np.int64, scratch=True),
            "keys": Work((2, numbers), dtype=np.int64, scratch=True),
            "block": Work((lookup.block_length(self.size) * self.size,), scratch=True),
        }

    def forward(self, f: Frame) -> None:
        rows, block = f.work["rows"], f.work["block"]
        np.copyto(rows, f.x.reshape(-1), casting="unsafe")
        lookup.gather(f.p["W"], rows, f.y.reshape(self.size, -1), block.reshape(-1, self.size))

    def backward(self, f: Frame) -> None:
        if f.g is not None:
            rows, block = f.work["rows"], f.work["block"]
            np.copyto(rows, f.x.reshape(-1), casting="unsafe")
            errors = f.dy.reshape(self.size, -1)
            lookup.scatter(rows, errors, f.g["W"], f.work["keys"], block.reshape(self.size, -1))
