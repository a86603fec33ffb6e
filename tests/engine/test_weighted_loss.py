"""A loss whose samples have weights, in a program: divided by the weight of the batch, whatever the shards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncli.engine import Term
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Array
from tests.engine.networks import TEXTS, Batch, gradient, model

NAME = next(iter(TEXTS))


def run(weights: tuple[float, ...], shards: int, **change: Any) -> tuple[float, float, Array]:
    """Loss, weight and gradient of a batch of 7."""
    tested = model(NAME, shards)
    tested.objective = (Term(SoftmaxCrossEntropy(class_weights=weights), len(tested.graph.nodes) - 1),)
    program = tested.program(7, True)
    batch = Batch(tested.graph, 7, np.float64)
    for name, value in change.items():
        setattr(batch, name, value)
    return program.run(batch), program.weight, gradient(tested, program)


@pytest.mark.parametrize("shards", [2, 3])
def test_shards_agree(shards: int) -> None:
    classes = model(NAME).graph.output[0]
    weights = tuple(np.linspace(0.25, 4, classes).tolist())
    loss, weight, expected = run(weights, 1)
    assert weight == pytest.approx(sum(weights[k] for k in Batch(model(NAME).graph, 7, np.float64).t))
    again, same, found = run(weights, shards)
    assert (again, same) == (pytest.approx(loss, rel=1e-12), pytest.approx(weight, rel=1e-12))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("shards", [1, 2])
def test_a_batch_without_weight_counts_for_nothing(shards: int) -> None:
    classes = model(NAME).graph.output[0]
    weights = (0.0,) + (1.0,) * (classes - 1)
    loss, weight, found = run(weights, shards, t=np.zeros(7, np.intp))
    assert loss == 0
    assert weight < 1e-20
    assert not found.any()
