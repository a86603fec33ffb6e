"""The three passes of a convolution by matrix products, as views of a frame's arrays that are made once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nncli.kernels import gemm_blocking, gemm_convolution
from nncli.kernels.gemm_convolution import Block, Product
from nncli.kernels.window import Window
from nncli.parts import Array, Frame

Blocks = list[tuple[Block, list[Product]]]


@dataclass(slots=True)
class Gemm:
    """Blocks with their products for each pass; empty where a pass is not needed.

    forward          also empty where a layer that uses these passes backwards has no use for it
    weights, back    pairs (copy, original): the weights in the order of axes that the products need
    gradient         the same for what the products give: `total`, in the order of the parameter's axes
    scatters         whether the input's gradient is scattered, or a full convolution
    """

    weights: tuple[Array, Array]
    total: Array
    sums: Array
    gradient: tuple[Array, Array]
    back: tuple[Array, Array]
    scatters: bool
    forward: Blocks = field(default_factory=list)
    weight: list[tuple[Block, list[tuple[list[Product], Array]]]] = field(default_factory=list)
    input: Blocks = field(default_factory=list)

    @staticmethod
    def of(f: Frame, window: Window, groups: int, plan: Mapping[str, Any]) -> Gemm:
        W = f.p["W"]
        grouped = W.reshape(groups, len(W) // groups, *W.shape[1:])
        copy, matrices = _arranged(f.work["weights"], grouped.transpose(0, 1, 3, 2, 4))
        total, sums = (f.work[name][: W.size].reshape(matrices[:, 0].shape) for name in ("weights", "sums"))
        gradient = copy
        if f.g is not None:
            gradient = f.g["W"].reshape(grouped.shape).transpose(0, 1, 3, 2, 4), copy[0]
        scatters = plan["input"] == "scatter" or gemm_blocking.full_window(window) is None
        axes = grouped.transpose(0, 3, 2, 4, 1) if scatters else grouped[..., ::-1, ::-1].transpose(0, 2, 3, 1, 4)
        back, back_matrices = _arranged(f.work["weights"], axes, 3 if scatters else 1)
        gemm = Gemm(copy, total, sums, gradient, back, scatters)
        if f.x is not None and f.y is not None:
            gemm._add_forward(f, window, groups, plan, matrices)
        if f.g is not None:
            gemm._add_weight(f, window, groups, plan)
        if f.dx is not None:
            gemm._add_input(f, window, groups, plan, back_matrices)
        return gemm

    def _add_forward(self, f: Frame, window: Window, groups: int, plan: Mapping[str, Any], matrices: Array) -> None:
        tile = gemm_blocking.product_tile(*matrices.shape[2:])
        size = plan["forward_rows"], plan["forward_columns"]
        for block in gemm_convolution.make_blocks(f.x, f.y, window, size, f.work["columns"], groups):
            self.forward.append((block, gemm_convolution.products(matrices, block.columns, block.rows, tile)))

    def _add_weight(self, f: Frame, window: Window, groups: int, plan: Mapping[str, Any]) -> None:
        m, k = self.total.shape[1:]
        tile = gemm_blocking.gradient_tile(m, k)
        size = plan["weight_rows"], plan["weight_columns"]
        for block in gemm_convolution.make_blocks(f.x, f.dy, window, size, f.work["columns"], groups):
            rows = gemm_blocking.gradient_rows(m, k, groups, block.rows.shape[3])
            runs = [
                gemm_convolution.gradient_products(
                    block.rows[:, top : top + rows], block.columns[:, top : top + rows], f.work["partial"], tile
                )
                for top in range(0, block.rows.shape[1], rows)
            ]
            self.weight.append((block, runs))

    def _add_input(self, f: Frame, window: Window, groups: int, plan: Mapping[str, Any], matrices: Array) -> None:
        assert f.dx is not None
        tile = gemm_blocking.product_tile(*matrices.shape[2:])
        size, buffer = (plan["input_rows"], plan["input_columns"]), f.work["columns"]
        back = gemm_blocking.full_window(window)
        if self.scatters or back is None:
            for block in gemm_convolution.make_blocks(f.dx, f.dy, window, size, buffer, groups, adjoint=True):
                self.input.append((block, gemm_convolution.products(matrices, block.rows, block.columns, tile)))
        else:
            for block in gemm_convolution.make_blocks(f.dy, f.dx, back, size, buffer, groups):
                self.input.append((block, gemm_convolution.products(matrices, block.columns, block.rows, tile)))


def _arranged(buffer: Array, axes: Array, rows: int = 1) -> tuple[tuple[Array, Array], Array]:
    """The pair that copies weights to a buffer in this order of axes, and the copy as matrices (G, 1, M, K).

    The `rows` axes after the first are the matrices' rows.
    """
    copy = buffer.reshape(axes.shape)
    count = math.prod(axes.shape[1 : 1 + rows])
    return (copy, axes), copy.reshape(axes.shape[0], 1, count, -1)
