"""The three passes of a convolution by the algorithms that a plan names, as calls that are made ready once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from nncli.kernels import convolution_choice, direct_convolution, fft_convolution, gemm_convolution, winograd
from nncli.kernels.gemm_blocking import full_window
from nncli.kernels.row_sums import row_sums
from nncli.kernels.window import Window
from nncli.layers._gemm import Gemm
from nncli.parts import Array, Frame

Finish: TypeAlias = Callable[[Array], None] | None
Plan: TypeAlias = Mapping[str, Any]


class Passes(NamedTuple):
    """`forward` writes y with the bias added and finished, `weight` f.g["W"], `bias` f.g["b"], `input` f.dx; None: not
    needed."""

    forward: Callable[[], None]
    weight: Callable[[], None] | None
    bias: Callable[[], None] | None
    input: Callable[[], None] | None


def make_passes(f: Frame, window: Window, groups: int, bias: Array | None, plan: Plan) -> Passes:
    """The passes of a convolution from f.x to f.y with the weights W (F, C/G, kh, kw) and a bias (F, 1, 1, 1)."""

    def made(which: str) -> Callable[[], None]:
        return MAKERS[convolution_choice.algorithm_of(plan, which)](which, f, window, groups, bias, plan)

    return Passes(
        made("forward"),
        None if f.g is None else made("weight"),
        None if f.g is None or bias is None else row_sums(f.dy.reshape(len(bias), -1), f.g["b"]),
        None if f.dx is None else made("input"),
    )


def _gemm(which: str, f: Frame, window: Window, groups: int, bias: Array | None, plan: Plan) -> Callable[[], None]:
    frame = Frame(x=f.x, dy=f.dy, p=f.p, work=f.work)
    frame.y = f.y if which == "forward" else None  # type: ignore[assignment]
    frame.g = f.g if which == "weight" else None
    frame.dx = f.dx if which == "input" else None
    gemm = Gemm.of(frame, window, groups, plan)
    finish = f.finish

    def forward() -> None:
        np.copyto(*gemm.weights)
        gemm_convolution.correlate(gemm.forward, bias, finish)

    def weight() -> None:
        gemm_convolution.weight_gradient(gemm.weight, gemm.total, gemm.sums)
        np.copyto(*gemm.gradient)

    def back() -> None:
        np.copyto(*gemm.back)
        if gemm.scatters:
            gemm_convolution.scatter(gemm.input, frame.dx)  # type: ignore[arg-type]
        else:
            gemm_convolution.correlate(gemm.input)

    return {"forward": forward, "weight": weight, "input": back}[which]


def _winograd(which: str, f: Frame, window: Window, groups: int, bias: Array | None, plan: Plan) -> Callable[[], None]:
    W, work = f.p["W"], f.work
    filters, channels = len(W) // groups, W.shape[1]
    m, block = plan[f"{which}_tile"], (plan[f"{which}_rows"], plan[f"{which}_columns"])
    size = winograd.points(m)
    flat = work["points"][: size * filters * channels * groups].reshape(size, -1)
    buffers = work["tiles"], work["spectrum"]
    if which == "weight":
        assert f.g is not None
        total = flat.reshape(size * groups, filters, channels)
        sums = work["sums"][: total.size].reshape(total.shape)
        three = *buffers, work["errors"]
        of_gradient = winograd.make_gradient_blocks(f.x, f.dy, groups, window.before, m, block, three, work["partial"])
        back_to_weights = winograd.turn_weights_back(flat, m, f.g["W"].reshape(-1, 9))

        def weight() -> None:
            winograd.weight_gradient(of_gradient, total, sums)
            winograd.multiply([back_to_weights])

        return weight
    if which == "forward":
        transform = [winograd.transform_weights(W.reshape(-1, 9), m, flat)]
        matrices = flat.reshape(size, groups, filters, channels)
        blocks = winograd.make_blocks(f.x, f.y, matrices, window.before, m, block, buffers)
        finish = f.finish

        def forward() -> None:
            winograd.multiply(transform)
            winograd.correlate(blocks, bias, finish)

        return forward
    back = full_window(window)
    assert back is not None
    assert f.dx is not None
    turned = work["turned"][: W.size].reshape(groups, channels, filters, 9)
    transform = [winograd.transform_weights(turned.reshape(-1, 9), m, flat, turned=True)]
    by_channel = W.reshape(groups, filters, channels, 9).swapaxes(1, 2)
    matrices = flat.reshape(size, groups, channels, filters)
    of_errors = winograd.make_blocks(f.dy, f.dx, matrices, back.before, m, block, buffers)

    def input_gradient() -> None:
        np.copyto(turned, by_channel)
        winograd.multiply(transform)
        winograd.correlate(of_errors)

    return input_gradient


def _fft(which: str, f: Frame, window: Window, groups: int, bias: Array | None, plan: Plan) -> Callable[[], None]:
    W, samples, dx = f.p["W"], plan[f"{which}_samples"], f.dx
    weights = W.reshape(groups, -1, *W.shape[1:])
    lengths = fft_convolution.axes(f.x.shape, (len(W), *f.y.shape[1:]), window, which)
    shape = fft_convolution.spectrum_shape(weights.shape, lengths)
    numbers = f.work["kernels"][: 2 * math.prod(shape)]
    spectrum = numbers.view(np.result_type(numbers.dtype, np.complex64)).reshape(shape)
    if which == "weight":
        assert f.g is not None
        dw = f.g["W"].reshape(weights.shape)
        return lambda: fft_convolution.weight_gradient(f.x, f.dy, dw, window, samples, spectrum)
    if which == "input":
        assert dx is not None
        return lambda: fft_convolution.input_gradient(f.dy, weights, dx, window, samples, spectrum)

    def forward() -> None:
        fft_convolution.correlate(f.x, weights, f.y, window, samples, spectrum)
        _finish(f, bias)

    return forward


def _scipy(combine: direct_convolution.Sum) -> Callable[..., Callable[[], None]]:
    def make(which: str, f: Frame, window: Window, groups: int, bias: Array | None, plan: Plan) -> Callable[[], None]:
        W, dx = f.p["W"], f.dx
        if which == "weight":
            assert f.g is not None
            dw = f.g["W"]
            return lambda: direct_convolution.weight_gradient(f.x, f.dy, dw, window, combine)
        if which == "input":
            assert dx is not None
            return lambda: direct_convolution.input_gradient(f.dy, W, dx, window, combine)

        def forward() -> None:
            direct_convolution.correlate(f.x, W, f.y, window, combine)
            _finish(f, bias)

        return forward

    return make


def _finish(f: Frame, bias: Array | None) -> None:
    if bias is not None:
        np.add(f.y, bias, out=f.y)
    if f.finish is not None:
        f.finish(f.y)


MAKERS = {
    "direct": _scipy(direct_convolution.direct),
    "gemm": _gemm,
    "winograd": _winograd,
    "fft": _fft,
    "oaconvolve": _scipy(direct_convolution.overlapping),
}
