"""The blocks and tiles of the convolution by matrix products, with sizes that cut unevenly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from nncli.kernels import gemm_blocking, gemm_convolution
from nncli.kernels.window import Window
from nncli.layers._gemm import Gemm
from nncli.layers.conv2d import Conv2d
from tests.layers.harness import Alone, difference

small = st.integers(1, 5)


@settings(max_examples=60, deadline=None)
@given(st.tuples(small, small, small, small, small), st.tuples(small, small))
def test_products_of_tiles_are_the_whole_product(sizes: tuple[int, ...], tile: tuple[int, int]) -> None:
    groups, rows, m, k, length = sizes
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(groups, 1, m, k)), rng.normal(size=(groups, rows, k, length))
    result = np.full((groups, rows, m, length), np.nan)
    for a, b, c in gemm_convolution.products(left, right, result, tile):
        np.matmul(a, b, out=c)
    np.testing.assert_allclose(result, np.einsum("gzmk,grkl->grml", left, right), atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.tuples(small, small, small, small, small), st.tuples(small, small, small))
def test_gradient_products_sum_to_the_whole_product(sizes: tuple[int, ...], tile: tuple[int, int, int]) -> None:
    groups, rows, m, k, length = sizes
    rng = np.random.default_rng(0)
    errors, columns = rng.normal(size=(groups, rows, m, length)), rng.normal(size=(groups, rows, k, length))
    partial = np.full(groups * rows * length * m * k, np.nan)
    stacks, results = gemm_convolution.gradient_products(errors, columns, partial, tile)
    for a, b, c in stacks:
        np.matmul(a, b, out=c)
    np.testing.assert_allclose(results.sum(axis=1), np.einsum("grml,grkl->gmk", errors, columns), atol=1e-13)


@pytest.mark.parametrize(
    ("m", "k"), [(1, 1), (8, 9), (16, 72), (32, 288), (50, 500), (64, 576), (128, 1152), (9, 9000)]
)
def test_tiles_fit_the_routine_for_small_products(m: int, k: int) -> None:
    rows, columns = gemm_blocking.product_tile(m, k)
    assert rows == m or rows * columns * k <= gemm_blocking.SMALL
    rows, columns, length = gemm_blocking.gradient_tile(m, k)
    assert rows * columns <= gemm_blocking.SMALL_RESULT or columns == 1
    assert rows * columns * length <= gemm_blocking.SMALL


@pytest.mark.parametrize(
    ("filters", "shape", "kernel", "n"), [(50, (20, 12, 12), 5, 40), (70, (40, 7, 9), 3, 33), (26, (130, 6, 6), 3, 50)]
)
@pytest.mark.parametrize("way", ["full", "scatter"])
def test_shapes_that_are_cut_into_blocks_and_tiles(
    filters: int, shape: tuple[int, int, int], kernel: int, n: int, way: str
) -> None:
    layer = Conv2d(filters, (kernel, kernel), algorithm="gemm")
    plan = {**layer.choose((shape,), n, 8), "input": way}
    alone = Alone(layer, shape, n=n, plan=plan)
    gemm = Gemm.of(alone.frame, Window((kernel, kernel)), 1, plan)
    assert len(gemm.forward) > 1
    assert len(gemm.forward[0][1]) > 1
    y, g = alone.run()
    x, W, dz = alone.x[0], alone.p["W"], alone.c
    windows = sliding_window_view(x, (kernel, kernel), axis=(1, 2))
    expected = np.einsum("crqnab,jcab->jrqn", windows, W, optimize=True) + alone.p["b"][:, None, None, None]
    assert difference(y, expected) < 1e-12
    assert difference(g["W"], np.einsum("crqnab,jrqn->jcab", windows, dz, optimize=True)) < 1e-12
    border = [(0, 0), (kernel - 1, kernel - 1), (kernel - 1, kernel - 1), (0, 0)]
    errors = sliding_window_view(np.pad(dz, border), (kernel, kernel), axis=(1, 2))
    dx = np.einsum("jrqnab,jcab->crqn", errors, W[:, :, ::-1, ::-1], optimize=True)
    assert difference(g["x0"], dx) < 1e-12


@pytest.mark.parametrize("shape", [(3, 32, 32), (32, 32, 32), (64, 16, 16), (1, 28, 28)])
@pytest.mark.parametrize("n", [1, 32, 64])
def test_blocks_stay_near_their_budget(shape: tuple[int, int, int], n: int) -> None:
    window = Window((3, 3), before=(1, 1))
    plan = gemm_blocking.choose(shape, (32, *shape[1:]), window, 1, n, 4)
    elements = gemm_blocking.buffers(shape, (32, *shape[1:]), window, 1, n, plan)["columns"]
    assert elements * 4 < 3 * gemm_blocking.BUDGET


def test_rows_of_columns_avoid_multiples_of_a_kibibyte() -> None:
    for length in (1, 15, 16, 250, 256, 512, 1000, 2048):
        pitch = gemm_convolution.pitch(length)
        assert length <= pitch < length + 32
        assert pitch % 16 == 0
        assert pitch % 256


def test_scatter_wins_where_the_full_convolution_works_on_borders_and_loses_where_it_does_not() -> None:
    lenet = gemm_blocking.choose((20, 12, 12), (50, 8, 8), Window((5, 5)), 1, 64, 4)
    vgg = gemm_blocking.choose((32, 32, 32), (32, 32, 32), Window((3, 3), before=(1, 1)), 1, 64, 4)
    assert (lenet["input"], vgg["input"]) == ("scatter", "full")
