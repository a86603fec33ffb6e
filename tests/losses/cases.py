"""The table of cases: each loss with each of its options. The generic tests run over it; a new loss adds a line."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from nncli.losses.least_squares import LeastSquares
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Loss, Shape


class Case(NamedTuple):
    """A loss with its options, and the shape of the network's output (one sample)."""

    loss: Loss
    output: Shape

    @property
    def id(self) -> str:
        return f"{self.loss.type_name}-{'x'.join(map(str, self.output))}"


CASES = [
    Case(LeastSquares(), (1,)),
    Case(LeastSquares(), (5,)),
    Case(LeastSquares(), (2, 3, 2)),
    Case(SoftmaxCrossEntropy(), (2,)),
    Case(SoftmaxCrossEntropy(), (7,)),
]

each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
