"""add, multiply, concat, flatten, reshape and permute: no arithmetic worth the name, but shapes to get right."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError, SpecError
from nncli.layers.add import Add
from nncli.layers.concat import Concat
from nncli.layers.flatten import Flatten
from nncli.layers.multiply import Multiply
from nncli.layers.permute import Permute
from nncli.layers.reshape import Reshape
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
    axis = case.layer.axis  # type: ignore[attr-defined]
    assert np.array_equal(y, np.concatenate(alone.x, axis=axis))
    assert np.array_equal(np.concatenate([g[f"x{place}"] for place in range(len(case.shapes))], axis=axis), alone.c)


@each_case_of("multiply")
def test_multiply_is_the_product(case: Case) -> None:
    """Of the logarithms' sum, so that the order of factors is another one; gates spread by einsum."""
    alone = Alone(case.layer, *case.shapes)
    y = alone.forward()
    ones = np.ones(y.shape)
    spread = [np.einsum("c...n,cn->c...n", ones, x.reshape(len(y), -1)) if x.size < y.size else x for x in alone.x]
    sign = np.prod(np.sign(spread), axis=0)
    assert difference(y, sign * np.exp(np.sum(np.log(np.abs(spread)), axis=0))) < 1e-14


def test_multiply_by_itself_is_the_square() -> None:
    alone = Alone(Multiply(), (3, 2), (3, 2))
    alone.x[1] = alone.x[0]
    y, g = alone.run()
    assert np.array_equal(y, alone.x[0] ** 2)
    assert difference(g["x0"] + g["x1"], 2 * alone.x[0] * alone.c) < 1e-15


def test_a_gate_sees_every_position() -> None:
    alone = Alone(Multiply(), (2, 3, 4), (2,))
    _, g = alone.run()
    assert difference(g["x1"], np.einsum("chwn,chwn->cn", alone.c, alone.x[0])) < 1e-14
    assert difference(g["x0"], alone.c * alone.x[1][:, None, None]) < 1e-15


def test_reshape_orders_as_files_do() -> None:
    batch_first = np.arange(24.0 * 5).reshape(5, 24)
    alone = Alone(Reshape((2, -1, 4)), (4, 6), n=5)
    alone.x[0] = np.moveaxis(batch_first.reshape(5, 4, 6), 0, -1)
    assert alone.declared.output == (2, 3, 4)
    assert np.array_equal(np.moveaxis(alone.forward(), -1, 0), batch_first.reshape(5, 2, 3, 4))


@each_case_of("permute")
def test_permute_moves_axes(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    letters = "ijk"[: len(case.shapes[0])]
    moved = "".join(letters[axis] for axis in case.layer.axes)  # type: ignore[attr-defined]
    assert np.array_equal(y, np.einsum(f"{letters}n->{moved}n", alone.x[0]))
    assert np.array_equal(g["x0"], np.einsum(f"{moved}n->{letters}n", alone.c))


@pytest.mark.parametrize(
    ("layer", "shape", "error", "words"),
    [
        (Reshape((5, -1)), (2, 6), ShapeError, "12 numbers of .* do not fill"),
        (Reshape((5, 2)), (2, 10), ShapeError, "20 numbers"),
        (Reshape((0, 2)), (2, 2), SpecError, "no shape"),
        (Reshape((-1, -1)), (2, 2), SpecError, "no shape"),
        (Permute((0, 2)), (2, 2), SpecError, "no order of axes"),
        (Permute((0, 0)), (2, 2), SpecError, "no order of axes"),
        (Permute((1, 0)), (2, 2, 3), ShapeError, "2 axes in order, not the 3"),
    ],
)
def test_shapes_and_axes_that_are_none(
    layer: Reshape | Permute, shape: tuple[int, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        layer.declare(shape)
    assert caught.value.faults[0].hint  # type: ignore[attr-defined]


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
        (Concat(1), ((2, 3, 3), (1, 3, 3))),
        (Concat(1), ((2,), (2,))),
        (Multiply(), ((2, 3, 3), (3,))),
        (Multiply(), ((2, 3, 3), (2, 3, 1))),
        (Multiply(), ((2, 3, 3), (2, 1))),
        (Multiply(), ((4,), (1,))),
    ],
)
def test_shapes_that_do_not_meet(layer: Add | Concat | Multiply, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.declare(*shapes)
    assert all(str(shape) in str(caught.value) for shape in shapes)
    assert caught.value.faults[0].hint


@pytest.mark.parametrize("layer", [Add(), Concat(), Multiply()])
def test_two_inputs_at_least(layer: Add | Concat | Multiply) -> None:
    assert layer.traits.inputs == (2, None)
