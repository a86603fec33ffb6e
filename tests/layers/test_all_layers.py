"""What every layer must keep, over the table of cases."""

from __future__ import annotations

import dataclasses
import functools
import math
import tracemalloc

import numpy as np
import pytest

from nncli import layers, registry
from nncli.parts import Array
from tests.layers.cases import CASES, Case, each_case
from tests.layers.harness import Alone, difference, wrong

IN_PLACE = [case for case in CASES if case.layer.traits.in_place]
FUSABLE = [case for case in CASES if case.layer.traits.fusable]
FINISHING = [case for case in CASES if case.layer.traits.finishes]
SEVERAL = [case for case in CASES if len(case.shapes) > 1]


def ids(cases: list[Case]) -> list[str]:
    return [case.id for case in cases]


def missing_from_table(names: list[str]) -> list[str]:
    return sorted(set(names) - {case.layer.type_name for case in CASES})


def test_every_registered_layer_is_in_the_table() -> None:
    assert layers.__name__
    assert missing_from_table(list(registry.layer)) == []


def test_a_layer_missing_from_the_table_is_found() -> None:
    assert missing_from_table([*registry.layer, "made_up"]) == ["made_up"]


@pytest.mark.parametrize("name", list(registry.layer))
def test_every_option_is_set_by_some_case(name: str) -> None:
    initializers = {"init", "bias_init"}
    cases = [case.layer for case in CASES if case.layer.type_name == name]
    for field in dataclasses.fields(registry.layer[name]):
        if field.name not in initializers:
            values = {getattr(layer, field.name) for layer in cases}
            assert values != {field.default}, f"no case of {name} sets {field.name}"


@each_case
def test_gradients_are_those_of_central_differences(case: Case) -> None:
    for variant in case.algorithms():
        assert wrong(Alone(variant.layer, *variant.shapes)) == []


@each_case
def test_output_has_the_declared_shape_and_no_stale_value(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y = alone.forward()
    assert y.shape == (*alone.declared.output, 3)
    assert np.isfinite(y).all()


@each_case
def test_float32_is_close_to_float64(case: Case) -> None:
    y64, g64 = Alone(case.layer, *case.shapes, n=5).run()
    y32, g32 = Alone(case.layer, *case.shapes, n=5, dtype=np.float32).run()
    assert difference(y32, y64) < 1e-5
    assert {name: g.dtype for name, g in g32.items()} == dict.fromkeys(g64, np.dtype(np.float32))
    assert all(difference(g32[name], g64[name]) < 1e-5 for name in g64)


@each_case
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_batch_is_its_samples_one_by_one(case: Case, n: int) -> None:
    if case.layer.traits.coupled:
        pytest.skip("couples the samples of a batch by design")
    batch = Alone(case.layer, *case.shapes, n=n)
    y, g = batch.run()
    parts = []
    for sample in range(n):
        one = Alone(case.layer, *case.shapes, n=1, start=sample)
        one.x = [x[..., sample : sample + 1] for x in batch.x]
        one.c = batch.c[..., sample : sample + 1]
        one.p = batch.p
        parts.append(one.run())
    assert difference(np.concatenate([part[0] for part in parts], axis=-1), y) < 1e-13
    for name, gradient in g.items():
        singles = [part[1][name] for part in parts]
        expected = sum(singles) if name in batch.p else np.concatenate(singles, axis=-1)
        assert difference(np.asarray(expected), gradient) < 1e-12


@each_case
def test_backward_overwrites_and_can_be_repeated(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    alone.forward()
    first = alone.backward()
    alone.forward()
    second = alone.backward()
    assert all(np.array_equal(first[name], second[name]) for name in first)


@each_case
def test_gradients_that_nobody_needs_change_nothing(case: Case) -> None:
    _, expected = Alone(case.layer, *case.shapes).run()
    _, frozen = Alone(case.layer, *case.shapes, frozen=True).run()
    _, first_node = Alone(case.layer, *case.shapes, needed=[False] * len(case.shapes)).run()
    indices = case.layer.indices() is not None
    inputs = set() if indices else {f"x{place}" for place in range(len(case.shapes))}
    assert set(frozen) == inputs
    assert set(first_node) == set(expected) - inputs
    for name, gradient in (frozen | first_node).items():
        assert np.array_equal(gradient, expected[name])


@each_case
def test_evaluation_needs_no_backward_arrays(case: Case) -> None:
    if case.layer.traits.evaluation != "same":
        pytest.skip("another result in evaluation, checked in the layer's own tests")
    alone = Alone(case.layer, *case.shapes, training=False)
    if not case.layer.traits.view:
        alone.frame.dy = None  # type: ignore[assignment]
        alone.frame.views = case.layer.prepare(alone.frame)
    assert np.array_equal(alone.forward(), Alone(case.layer, *case.shapes).forward())


@pytest.mark.parametrize("case", SEVERAL, ids=ids(SEVERAL))
def test_each_input_alone_may_need_its_gradient(case: Case) -> None:
    _, expected = Alone(case.layer, *case.shapes).run()
    for place in range(len(case.shapes)):
        _, found = Alone(case.layer, *case.shapes, needed=[other == place for other in range(len(case.shapes))]).run()
        assert set(found) == {f"x{place}"}
        assert np.array_equal(found[f"x{place}"], expected[f"x{place}"])


@pytest.mark.parametrize("case", IN_PLACE, ids=ids(IN_PLACE))
def test_in_place_gives_the_same(case: Case) -> None:
    y, g = Alone(case.layer, *case.shapes).run()
    same_y, same_g = Alone(case.layer, *case.shapes, in_place=True).run()
    assert np.array_equal(same_y, y)
    assert all(np.array_equal(same_g[name], g[name]) for name in g)


@pytest.mark.parametrize("case", FUSABLE, ids=ids(FUSABLE))
def test_apply_on_parts_is_forward(case: Case) -> None:
    assert case.layer.traits.in_place
    alone = Alone(case.layer, *case.shapes)
    expected = alone.forward()
    y = alone.x[0].copy()
    for sample in range(alone.n):
        case.layer.apply(y[..., sample])  # type: ignore[attr-defined]
    assert difference(y, expected) < 1e-15


@pytest.mark.parametrize("case", FINISHING, ids=ids(FINISHING))
def test_finish_is_called_once_on_every_part_of_the_output(case: Case) -> None:
    def finish(part: Array) -> None:
        np.add(part, 1, out=part)

    plain = Alone(case.layer, *case.shapes).forward()
    finished = Alone(case.layer, *case.shapes, finish=finish).forward()
    assert difference(finished, plain + 1) < 1e-15


@pytest.mark.parametrize("case", IN_PLACE, ids=ids(IN_PLACE))
def test_in_place_gives_the_same_in_evaluation(case: Case) -> None:
    """Where backward reads x, only evaluation writes y over it."""
    y = Alone(case.layer, *case.shapes, training=False).forward()
    assert np.array_equal(Alone(case.layer, *case.shapes, training=False, in_place=True).forward(), y)


USES = {"locally_connected2d": 1, "embedding": 0}
"""Multiplications of a sample with each weight, where its first axis does not say so."""


def products(case: Case) -> int:
    """Operations of all products with the weights W.

    Their first axis says what they belong to: "out", the positions of the output, or "in", those of the input, each of
    which is spread over the output.
    """
    declared = case.layer.declare(*case.shapes)
    weights = declared.parameters["W"]
    places = case.shapes[0] if weights.axes[0] == "in" else declared.output
    uses = USES.get(case.layer.type_name, math.prod(places[1:]))
    return 2 * math.prod(weights.shape) * uses


@each_case
def test_flops_are_sensible(case: Case) -> None:
    """At least a multiplication and an addition for each weight and position it is used at, and at most one more
    addition for each number of the output; a constant for each number where there are no weights."""
    declared = case.layer.declare(*case.shapes)
    inputs = sum(math.prod(shape) for shape in case.shapes)
    if "W" in declared.parameters:
        assert products(case) <= declared.flops <= products(case) + math.prod(declared.output)
    else:
        assert 0 <= declared.flops <= 10 * max(inputs, math.prod(declared.output) * 9)


def peak_of_a_step(case: Case, n: int) -> int:
    """Bytes allocated at most in a steady forward and backward."""
    alone = Alone(case.layer, *case.shapes, n=n, dtype=np.float32)
    f, layer = alone.frame, case.layer
    rng = np.random.default_rng(0)
    f.uniform = functools.partial(rng.random, None, np.float32)
    alone.run()
    f.dy[...] = alone.c
    tracemalloc.start()
    try:
        for _ in range(2):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            layer.forward(f)
            layer.backward(f)
            peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return peak


BUFFERS = 3 * 8192 * 4 + 1024
"""Bytes. NumPy's iterator may take a buffer of 8192 elements for each of three arrays, whatever their size."""


def grows(case: Case) -> int:
    """How much more a batch three times as large allocates; one array of one byte for each number would be 120 kB."""
    elements = min(math.prod(shape) for shape in (*case.shapes, case.layer.declare(*case.shapes).output))
    n = -(-60000 // elements)
    return peak_of_a_step(case, 3 * n) - peak_of_a_step(case, n)


@each_case
def test_a_steady_step_allocates_nothing_that_grows_with_the_batch(case: Case) -> None:
    if case.layer.traits.view:
        pytest.skip("a view: there is no step")
    if getattr(case.layer, "algorithm", "") in ("direct", "oaconvolve"):
        # What works sample by sample gets few samples of larger images (76 kB or more for one array), and no bias,
        # whose sum would take one of NumPy's buffers. Python's own objects come and go with its garbage collector.
        larger_shape = (144,) if len(case.shapes[0]) == 2 else (12, 12)
        larger = Case(dataclasses.replace(case.layer, bias=False), ((case.shapes[0][0], *larger_shape),))
        assert peak_of_a_step(larger, 250) - peak_of_a_step(larger, 50) < 50_000
    else:
        assert grows(case) < BUFFERS
