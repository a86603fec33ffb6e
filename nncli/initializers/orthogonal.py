from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncli.fields import Positive
from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("orthogonal")
@dataclass(frozen=True, slots=True)
class Orthogonal(InitializerBase):
    """A random matrix (first axis, all others) whose shorter side is orthonormal, times `gain`: it keeps lengths.

    Of an (O, I) matrix the rows are orthonormal where O ≤ I (``W Wᵀ = gain² 1``), else the columns
    (``Wᵀ W = gain² 1``). It is evenly distributed among all of these: the QR factorisation of a normal matrix, with the
    signs that make the diagonal of R positive (Mezzadri 2007, arXiv:math-ph/0609050).

    Source: Saxe, McClelland & Ganguli 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks" (arXiv:1312.6120).
    """

    gain: Positive = 1.0

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        rows = parameter.shape[0] if parameter.shape else 1
        columns = math.prod(parameter.shape) // rows
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.copysign(self.gain, np.diagonal(r))
        return (q if rows >= columns else q.T).reshape(parameter.shape)
