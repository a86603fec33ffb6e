"""add, concat and flatten: no arithmetic worth the name, but shapes to get right."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.add import Add
from nncli.layers.concat import Concat
from nncli.layers.flatten import Flatten
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


@each_case_of("add")
def test_add_is_the_sum(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    assert difference(y, np.sum(alone.x, axis=0)) < 1e-15
    assert all(np.array_equal(dx, alone.c) for dx in g.values())


@each_case_of("concat")
def test_concat_puts_side_by_side(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    assert np.array_equal(y, np.concatenate(alone.x))
    assert np.array_equal(np.concatenate([g[f"x{place}"] for place in range(len(case.shapes))]), alone.c)


def test_flatten_orders_as_files_do() -> None:
    """Row n of a batch-first file, flattened, is column n inside the program."""
    batch_first = np.arange(2 * 3 * 4 * 5).reshape(5, 2, 3, 4)
    inside = np.moveaxis(batch_first, 0, -1)
    declared = Flatten().declare((2, 3, 4))
    assert declared.output == (24,)
    assert np.array_equal(inside.reshape(24, 5), batch_first.reshape(5, 24).T)
    assert Flatten.traits.view


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (Add(), ((2, 3, 3), (2, 3, 4))),
        (Add(), ((2,), (2,), (3,))),
        (Concat(), ((2, 3, 3), (2, 3, 4))),
        (Concat(), ((2, 3, 3), (18,))),
    ],
)
def test_shapes_that_do_not_meet(layer: Add | Concat, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.declare(*shapes)
    assert all(str(shape) in str(caught.value) for shape in shapes)
    assert caught.value.faults[0].hint


@pytest.mark.parametrize("layer", [Add(), Concat()])
def test_two_inputs_at_least(layer: Add | Concat) -> None:
    assert layer.traits.inputs == (2, None)
