"""Every algorithm of a convolution gives what SciPy's direct sums give, or declines."""

from __future__ import annotations

import dataclasses
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncli.engine.plan import combined
from nncli.errors import ShapeError, SpecError
from nncli.kernels import convolution_choice, winograd
from nncli.kernels.convolution_choice import ERRORS, algorithm_of
from nncli.kernels.gemm_blocking import PASSES
from nncli.layers.conv1d import Conv1d
from nncli.layers.conv2d import Conv2d
from nncli.parts import Array
from tests.layers.harness import Alone, difference

Drawn = tuple[Conv2d, tuple[int, int, int], int, dict[str, Any]]
FAST = "winograd", "fft", "oaconvolve"


@st.composite
def convolutions(draw: st.DrawFn, algorithm: str) -> Drawn:
    """A convolution that the algorithm takes, a shape, a number of samples, and sizes of blocks that cut unevenly."""
    small = st.integers(1, 3)
    groups = draw(small)
    padding = draw(st.sampled_from(["valid", "same", "full"]) | st.tuples(*[st.tuples(*[st.integers(0, 4)] * 2)] * 2))
    kernel, stride, dilation = (draw(st.tuples(small, small)) for _ in range(3))
    channels = draw(small)
    if algorithm == "winograd":
        kernel, stride, dilation = (3, 3), (1, 1), (1, 1)
    if algorithm == "oaconvolve":
        channels = 1
    bias = draw(st.booleans())
    layer = Conv2d(groups * draw(small), kernel, stride, dilation, groups, padding, bias, None, None, algorithm)
    least = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    shape = groups * channels, draw(st.integers(least[0], 11)), draw(st.integers(least[1], 11))
    plan: dict[str, Any] = {"algorithm": algorithm}
    for which in PASSES:
        plan |= {f"{which}_tile": draw(st.sampled_from([2, 4])), f"{which}_samples": draw(small)}
        plan |= {f"{which}_rows": draw(small), f"{which}_columns": draw(small)}
    return layer, shape, draw(st.integers(1, 4)), plan


def both(drawn: Drawn) -> tuple[tuple[Array, dict[str, Array]], tuple[Array, dict[str, Array]]]:
    layer, shape, n, plan = drawn
    direct = dataclasses.replace(layer, algorithm="direct")
    return Alone(layer, shape, n=n, plan=plan).run(), Alone(direct, shape, n=n).run()


def disagreement(drawn: Drawn) -> float:
    """Largest difference over the largest value, or over 1 where all are smaller: a transform of zeros is not zero."""
    (y, g), (expected_y, expected_g) = both(drawn)
    pairs = [(y, expected_y), *((g[name], expected_g[name]) for name in expected_g)]
    return max(float(np.abs(found - exact).max() / max(1, np.abs(exact).max())) for found, exact in pairs)


@settings(max_examples=100, deadline=None)
@given(convolutions("winograd"))
def test_winograd_agrees_with_direct(drawn: Drawn) -> None:
    assert disagreement(drawn) < 1e-12


@settings(max_examples=100, deadline=None)
@given(convolutions("fft"))
def test_fft_agrees_with_direct(drawn: Drawn) -> None:
    assert disagreement(drawn) < 1e-12


@settings(max_examples=60, deadline=None)
@given(convolutions("oaconvolve"))
def test_oaconvolve_agrees_with_direct(drawn: Drawn) -> None:
    assert disagreement(drawn) < 1e-12


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("shape", [(1, 9, 11), (4, 12, 8)])
def test_every_alternative_of_a_plan_agrees_with_direct(shape: tuple[int, int, int], kernel: int) -> None:
    layer = Conv2d(6, (kernel, kernel), padding="same")
    usual = layer.choose((shape,), 3, 8)
    offers = layer.alternatives((shape,), 3, 8)
    names = {choice[f"{which}_algorithm"] for which, choices in offers.items() for choice in choices}
    assert names >= {"gemm", "fft"} | ({"winograd"} if kernel == 3 else set())
    for choices in offers.values():
        for choice in choices:
            assert disagreement((layer, shape, 3, combined(usual, [choice]))) < 1e-12


def test_agreement_tells_a_wrong_transform() -> None:
    layer = Conv2d(2, padding="same", algorithm="winograd")
    plan = dict(layer.choose(((2, 6, 6),), 2, 8)) | {f"{which}_tile": 4 for which in PASSES}
    right = winograd.transforms(4, np.dtype(np.float64))
    outputs = right.outputs.copy()
    outputs[1, 3, 7] += 1e-3
    with mock.patch.object(winograd, "transforms", return_value=right._replace(outputs=outputs)):
        assert disagreement((layer, (2, 6, 6), 2, plan)) > 1e-5


@pytest.mark.parametrize("m", [2, 4])
def test_transforms_are_minimal_filtering(m: int) -> None:
    """Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A is the correlation of a tile, by a loop."""
    rng = np.random.default_rng(0)
    size = m + 2
    tile, kernel = rng.normal(size=(size, size)), rng.normal(size=(3, 3))
    inputs, weights, outputs = winograd.matrices(m)
    found = outputs @ ((weights @ kernel @ weights.T) * (inputs @ tile @ inputs.T)) @ outputs.T
    expected = [(tile[r : r + 3, c : c + 3] * kernel).sum() for r in range(m) for c in range(m)]
    assert difference(found.ravel(), np.array(expected)) < 1e-13


def test_tiles_of_two_are_those_of_the_paper() -> None:
    """Lavin & Gray 2016, equation 7, up to the signs and scales that cancel between the matrices."""
    inputs, kernel, _ = winograd.matrices(2)
    data = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    weights = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    for point in range(4):
        paper, ours = np.outer(weights[point], data[point]), np.outer(kernel[point], inputs[point])
        assert np.allclose(np.abs(ours), np.abs(paper))


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Conv2d(2, (5, 5), algorithm="winograd"), (2, 8, 8), ["3×3", "5×5"]),
        (Conv2d(2, stride=(2, 1), algorithm="winograd"), (2, 8, 8), ["stride"]),
        (Conv2d(2, dilation=(1, 2), algorithm="winograd"), (2, 8, 8), ["dilation"]),
        (Conv2d(2, algorithm="oaconvolve"), (2, 8, 8), ["one channel", "2"]),
        (Conv1d(2, algorithm="oaconvolve"), (2, 8), ["one channel", "2"]),
    ],
)
def test_an_algorithm_that_declines_says_why(layer: Any, shape: tuple[int, ...], words: list[str]) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.declare(shape)
    assert all(word in str(caught.value) for word in words)
    assert "auto" in caught.value.faults[0].hint


@pytest.mark.parametrize("algorithm", FAST)
def test_a_named_algorithm_that_rounds_too_much_is_an_error(algorithm: str) -> None:
    with pytest.raises(SpecError, match=f"{algorithm} errs by"):
        Conv2d(2, algorithm=algorithm, tolerance=1e-7).declare((1, 8, 8))


VGG = Conv2d(64, padding="same"), ((64, 16, 16),), 32


def test_the_tolerance_forbids() -> None:
    layer, shapes, n = VGG

    def tiles(tolerance: float, itemsize: int = 4) -> set[int | None]:
        plan = dataclasses.replace(layer, tolerance=tolerance).choose(shapes, n, itemsize)
        return {plan.get(f"{which}_tile") for which in PASSES}

    assert tiles(1e-5) == {4}
    assert 4 not in tiles(1e-6)
    assert tiles(1e-7) == {None}
    assert tiles(1e-7, itemsize=8) == {4}
    large = Conv2d(16, (31, 31), padding="same", tolerance=1e-7).choose(((16, 64, 64),), 4, 4)
    assert large["algorithm"] == "gemm"


def error(layer: Conv2d, shape: tuple[int, int, int], n: int, which: str) -> float:
    """Norm of the difference to float64 over that of the result."""
    rng = np.random.default_rng(0)
    exact = Alone(dataclasses.replace(layer, algorithm="gemm"), shape, n=n)
    exact.x = [np.maximum(rng.normal(size=x.shape), 0).astype(np.float32).astype(float) for x in exact.x]
    exact.p = {name: rng.normal(size=p.shape).astype(np.float32).astype(float) for name, p in exact.p.items()}
    exact.c = exact.c.astype(np.float32).astype(float)
    rough = Alone(layer, shape, n=n, dtype=np.float32)
    rough.x, rough.p, rough.c = [x.astype(np.float32) for x in exact.x], {**exact.p}, exact.c
    y, g = rough.run()
    expected_y, expected_g = exact.run()
    found, expected = {"forward": (y, expected_y), "weight": (g["W"], expected_g["W"])}.get(
        which, (g["x0"], expected_g["x0"])
    )
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("which", PASSES)
@pytest.mark.parametrize("name", [*ERRORS, "gemm"])
def test_errors_in_float32_are_what_is_said(name: str, which: str) -> None:
    algorithm = name.rstrip("24")
    tolerance = {"winograd2": 1e-6}.get(name, 1e-5)
    kernel = (9, 9) if algorithm in ("fft", "oaconvolve") else (3, 3)
    groups = 16 if algorithm == "oaconvolve" else 1
    layer = Conv2d(16, kernel, groups=groups, padding="same", bias=False, algorithm=algorithm, tolerance=tolerance)
    found = error(layer, (16, 16, 16), 8, which)
    stated = ERRORS.get(name, 5e-7)
    assert found < stated
    assert found > stated / 30


def test_passes_may_be_made_by_different_algorithms() -> None:
    layer, shape = Conv2d(4, padding="same"), (3, 7, 8)
    plan = dict(dataclasses.replace(layer, algorithm="gemm").choose((shape,), 3, 8))
    plan |= {"algorithm": "gemm", "forward_algorithm": "winograd", "forward_tile": 2}
    plan |= {"input_algorithm": "fft", "input_samples": 2}
    assert disagreement((layer, shape, 3, plan)) < 1e-12


def test_auto_takes_what_is_fast() -> None:
    layer, shapes, n = VGG
    assert layer.choose(shapes, n, 4)["algorithm"] == "winograd"
    large = Conv2d(16, (31, 31), padding="same").choose(((16, 64, 64),), 4, 4)
    assert large["algorithm"] == "fft"
    assert algorithm_of(Conv2d(8, padding="same").choose(((1, 8, 8),), 32, 4), "forward") == "gemm"
    assert Conv2d(50, (5, 5)).choose(((20, 12, 12),), 32, 4)["algorithm"] == "gemm"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FAST).flatmap(convolutions))
def test_auto_chooses_what_can_and_may(drawn: Drawn) -> None:
    layer, shape, n, _ = drawn
    auto = dataclasses.replace(layer, algorithm="auto")
    plan = auto.choose((shape,), n, 4)
    assert plan == auto.choose((shape,), n, 4)
    assert all(type(value) in (int, str) for value in plan.values())
    for which in PASSES:
        assert algorithm_of(plan, which) != "direct"
        assert convolution_choice.declines(algorithm_of(plan, which), auto.convolution(shape)) is None
    assert disagreement((auto, shape, n, dict(plan))) < 1e-12


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("algorithm", ["winograd", "fft"])
def test_plan_of_another_batch_size_serves(algorithm: str, n: int) -> None:
    layer = Conv2d(4, padding="same", algorithm=algorithm)
    assert disagreement((layer, (3, 9, 9), n, dict(layer.choose(((3, 9, 9),), 64, 8)))) < 1e-12


@pytest.mark.parametrize("algorithm", ["winograd", "auto"])
def test_workspace_does_not_grow_with_the_image(algorithm: str) -> None:
    layer = Conv2d(32, padding="same", algorithm=algorithm)

    def numbers(size: int) -> int:
        shapes, n = ((32, size, size),), 16
        return sum(np.prod(work.shape) for work in layer.workspace(shapes, n, layer.choose(shapes, n, 4)).values())

    assert numbers(64) <= 1.5 * numbers(32)
