"""The table of cases: each layer with each of its options. The generic tests run over it; a new layer adds a line."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from nncli.layers.add import Add
from nncli.layers.avg_pool2d import AvgPool2d
from nncli.layers.concat import Concat
from nncli.layers.conv2d import Conv2d
from nncli.layers.dense import Dense
from nncli.layers.dropout import Dropout
from nncli.layers.flatten import Flatten
from nncli.layers.global_avg_pool2d import GlobalAvgPool2d
from nncli.layers.leaky_relu import LeakyRelu
from nncli.layers.max_pool2d import MaxPool2d
from nncli.layers.relu import Relu
from nncli.layers.sigmoid import Sigmoid
from nncli.layers.softmax import Softmax
from nncli.layers.tanh import Tanh
from nncli.parts import Layer, Shape


class Case(NamedTuple):
    """A layer with its options, and the shapes of its inputs (one sample)."""

    layer: Layer
    shapes: tuple[Shape, ...]

    @property
    def id(self) -> str:
        options = repr(self.layer).partition("(")[2][:-1].replace("init=None, bias_init=None, ", "")
        return f"{self.layer.type_name}({options})-{'+'.join('x'.join(map(str, shape)) for shape in self.shapes)}"


def case(layer: Layer, *shapes: Shape) -> Case:
    return Case(layer, shapes)


CASES = [
    case(Dense(4), (5,)),
    case(Dense(5), (5,)),
    case(Dense(1, bias=False), (3,)),
    case(Conv2d(3), (2, 5, 6)),
    case(Conv2d(2, kernel=(2, 3), bias=False), (1, 4, 5)),
    case(Conv2d(2, kernel=(1, 1)), (3, 3, 4)),
    case(Conv2d(4, kernel=(1, 1), groups=2), (2, 3, 4)),
    case(Conv2d(2, kernel=(1, 1), stride=(2, 2)), (3, 5, 4)),
    case(Conv2d(2, kernel=(3, 3), padding="same"), (2, 4, 5)),
    case(Conv2d(2, kernel=(4, 2), padding="same"), (2, 5, 4)),
    case(Conv2d(2, kernel=(3, 2), padding="full"), (2, 3, 4)),
    case(Conv2d(2, kernel=(3, 3), padding=((1, 2), (0, 3))), (2, 3, 4)),
    case(Conv2d(2, kernel=(2, 2), padding=((3, 3), (3, 3))), (1, 3, 2)),
    case(Conv2d(2, kernel=(3, 3), stride=(2, 2), padding="same"), (2, 6, 5)),
    case(Conv2d(2, kernel=(3, 2), stride=(1, 2)), (2, 5, 6)),
    case(Conv2d(2, kernel=(2, 2), stride=(3, 3)), (2, 7, 6)),
    case(Conv2d(2, kernel=(3, 3), dilation=(2, 2)), (2, 6, 7)),
    case(Conv2d(2, kernel=(2, 3), dilation=(3, 1), padding="same"), (2, 5, 4)),
    case(Conv2d(2, kernel=(2, 3), dilation=(1, 2), stride=(2, 1), padding="full"), (2, 4, 4)),
    case(Conv2d(4, kernel=(2, 2), groups=2, padding="same"), (4, 3, 4)),
    case(Conv2d(6, kernel=(2, 2), groups=3, stride=(2, 1)), (3, 4, 4)),
    case(Conv2d(2, kernel=(2, 3), padding="same", algorithm="gemm"), (2, 3, 4)),
    case(Conv2d(2, kernel=(2, 3), padding="same", algorithm="direct"), (2, 3, 4)),
    case(Conv2d(2, kernel=(2, 3), stride=(2, 1), dilation=(1, 2), groups=2, algorithm="direct"), (4, 4, 6)),
    case(MaxPool2d(), (2, 4, 6)),
    case(MaxPool2d((2, 3)), (2, 5, 8)),
    case(MaxPool2d((3, 3), (2, 2)), (2, 5, 6)),
    case(MaxPool2d((2, 2), (3, 1)), (1, 6, 4)),
    case(MaxPool2d((1, 1)), (2, 2, 3)),
    case(AvgPool2d(), (2, 4, 6)),
    case(AvgPool2d((2, 3)), (2, 5, 8)),
    case(AvgPool2d((3, 2), (1, 2)), (2, 5, 6)),
    case(AvgPool2d((2, 2), (3, 1)), (1, 6, 4)),
    case(AvgPool2d((1, 1)), (2, 2, 3)),
    case(GlobalAvgPool2d(), (3, 4, 2)),
    case(Flatten(), (2, 3, 4)),
    case(Relu(), (3, 4)),
    case(LeakyRelu(), (2, 3, 3)),
    case(LeakyRelu(0.3), (7,)),
    case(LeakyRelu(0.0), (7,)),
    case(Sigmoid(), (2, 3, 3)),
    case(Tanh(), (6,)),
    case(Softmax(), (5,)),
    case(Softmax(), (3, 2, 2)),
    case(Dropout(), (3, 2, 4)),
    case(Dropout(0.2), (9,)),
    case(Dropout(0.0), (4,)),
    case(Add(), (2, 3, 3), (2, 3, 3)),
    case(Add(), (4,), (4,), (4,)),
    case(Concat(), (2, 3, 3), (1, 3, 3)),
    case(Concat(), (4,), (1,), (3,)),
]

each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


def each_case_of(name: str) -> pytest.MarkDecorator:
    """Parametrize a test with the cases of one layer."""
    chosen = [case for case in CASES if case.layer.type_name == name]
    return pytest.mark.parametrize("case", chosen, ids=[case.id for case in chosen])
