"""Planted faults: each check of the generic tests must fail on what it is for."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from nncli.layers.conv2d import Conv2d
from nncli.layers.conv_transpose2d import ConvTranspose2d
from nncli.layers.dense import Dense
from nncli.layers.relu import Relu
from nncli.parts import Declared, Frame, Shape, Traits
from tests.layers import test_all_layers
from tests.layers.cases import Case
from tests.layers.harness import Alone, difference, wrong
from tests.layers.test_all_layers import BUFFERS, grows


class ScaledGradient(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        f.g["W"] *= 1.001


class ScaledError(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        f.dx *= 1.001


class SignFlip(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        np.negative(f.dx, out=f.dx)


class MissingBiasGradient(Dense):
    def backward(self, f: Frame) -> None:
        kept = f.g["b"].copy()
        Dense.backward(self, f)
        f.g["b"][...] = kept


class MissingBias(Dense):
    def forward(self, f: Frame) -> None:
        np.matmul(f.p["W"], f.x, out=f.y)


class TransposedWeight(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        np.matmul(f.p["W"], f.dy, out=f.dx)


class Accumulating(Dense):
    def backward(self, f: Frame) -> None:
        kept = f.dx.copy()
        Dense.backward(self, f)
        f.dx += kept


class WrongBorder(Conv2d):
    def backward(self, f: Frame) -> None:
        Conv2d.backward(self, f)
        f.dx[:, -1] = f.dx[:, -2]


class StaleRow(Conv2d):
    def backward(self, f: Frame) -> None:
        kept = f.dx[:, 0].copy()
        Conv2d.backward(self, f)
        f.dx[:, 0] = kept


class SwappedChannels(Conv2d):
    """Gives each channel the error of another one."""

    def backward(self, f: Frame) -> None:
        Conv2d.backward(self, f)
        f.dx[...] = f.dx[::-1].copy()


FAULTS = [
    ScaledGradient(4),
    ScaledError(4),
    SignFlip(4),
    MissingBiasGradient(4),
    MissingBias(4),
    TransposedWeight(5),
    Accumulating(4),
    WrongBorder(2, padding="same"),
    StaleRow(2, padding="same"),
    SwappedChannels(2),
]


def shape_for(layer: Dense | Conv2d) -> tuple[int, ...]:
    return (5,) if isinstance(layer, Dense) else (2, 4, 5)


@pytest.mark.parametrize("layer", FAULTS, ids=[type(fault).__name__ for fault in FAULTS])
def test_gradient_check_finds_a_planted_fault(layer: Dense | Conv2d) -> None:
    assert wrong(Alone(layer, shape_for(layer)))


@dataclass(frozen=True, slots=True)
class Liar(Relu):
    """Reads y on the way back although its traits say that it does not."""

    traits: ClassVar[Traits] = Traits(needs_x=False, needs_y=False)


@dataclass(frozen=True, slots=True)
class LiarAboutX(Dense):
    traits: ClassVar[Traits] = Traits(needs_x=False)


@dataclass(frozen=True, slots=True)
class Doubling(Relu):
    """Works in place in one direction only: adds its input to what it has written."""

    def forward(self, f: Frame) -> None:
        np.maximum(f.x, 0, out=f.y)
        np.add(f.y, f.x, out=f.y)


@dataclass(frozen=True, slots=True)
class Allocating(Dense):
    def forward(self, f: Frame) -> None:
        f.y[...] = f.p["W"] @ f.x


def test_arrays_that_traits_say_are_not_read_are_spoiled() -> None:
    assert wrong(Alone(Liar(), (5,)))
    assert wrong(Alone(LiarAboutX(4), (5,)))


def test_in_place_run_finds_a_layer_that_reads_its_input_after_writing() -> None:
    apart, over = Alone(Doubling(), (5,)).forward(), Alone(Doubling(), (5,), in_place=True).forward()
    assert difference(over, apart) > 0.1


@dataclass(frozen=True, slots=True)
class AtTheOutput(ConvTranspose2d):
    """Counts its weights' products at the positions of the output."""

    def declare(self, *inputs: Shape) -> Declared:
        declared = ConvTranspose2d.declare(self, *inputs)
        positions = math.prod(declared.output[1:]) // math.prod(inputs[0][1:])
        return dataclasses.replace(declared, flops=declared.flops * positions)


@dataclass(frozen=True, slots=True)
class Halved(Dense):
    """Takes a multiplication and an addition for one operation."""

    def declare(self, *inputs: Shape) -> Declared:
        declared = Dense.declare(self, *inputs)
        return dataclasses.replace(declared, flops=declared.flops // 2)


@pytest.mark.parametrize("case", [Case(AtTheOutput(2, stride=(2, 2)), ((2, 4, 4),)), Case(Halved(4), ((5,),))])
def test_a_wrong_count_of_operations_is_found(case: Case) -> None:
    with pytest.raises(AssertionError):
        test_all_layers.test_flops_are_sensible(case)


def test_growing_allocation_is_found() -> None:
    assert grows(Case(Allocating(4), ((5,),))) > BUFFERS
