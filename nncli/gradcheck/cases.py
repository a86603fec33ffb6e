"""The table of cases: each layer and loss with each of its options. A new one adds a line.

`nncli gradcheck` runs over it, and so do the generic tests.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nncli.errors import ShapeError
from nncli.layers.add import Add
from nncli.layers.alpha_dropout import AlphaDropout
from nncli.layers.avg_pool1d import AvgPool1d
from nncli.layers.avg_pool2d import AvgPool2d
from nncli.layers.batch_norm import BatchNorm
from nncli.layers.concat import Concat
from nncli.layers.conv1d import Conv1d
from nncli.layers.conv2d import Conv2d
from nncli.layers.conv_transpose2d import ConvTranspose2d
from nncli.layers.crop2d import Crop2d
from nncli.layers.dense import Dense
from nncli.layers.dropout import Dropout
from nncli.layers.elu import Elu
from nncli.layers.embedding import Embedding
from nncli.layers.flatten import Flatten
from nncli.layers.gain import Gain
from nncli.layers.gaussian_noise import GaussianNoise
from nncli.layers.gelu import Gelu
from nncli.layers.global_avg_pool1d import GlobalAvgPool1d
from nncli.layers.global_avg_pool2d import GlobalAvgPool2d
from nncli.layers.global_max_pool1d import GlobalMaxPool1d
from nncli.layers.global_max_pool2d import GlobalMaxPool2d
from nncli.layers.group_norm import GroupNorm
from nncli.layers.hard_sigmoid import HardSigmoid
from nncli.layers.hard_swish import HardSwish
from nncli.layers.hard_tanh import HardTanh
from nncli.layers.layer_norm import LayerNorm
from nncli.layers.leaky_relu import LeakyRelu
from nncli.layers.learned_pool2d import LearnedPool2d
from nncli.layers.locally_connected2d import LocallyConnected2d
from nncli.layers.log_softmax import LogSoftmax
from nncli.layers.max_pool1d import MaxPool1d
from nncli.layers.max_pool2d import MaxPool2d
from nncli.layers.multiply import Multiply
from nncli.layers.pad2d import Pad2d
from nncli.layers.permute import Permute
from nncli.layers.prelu import Prelu
from nncli.layers.relu import Relu
from nncli.layers.reshape import Reshape
from nncli.layers.selu import Selu
from nncli.layers.sigmoid import Sigmoid
from nncli.layers.silu import Silu
from nncli.layers.softmax import Softmax
from nncli.layers.softplus import Softplus
from nncli.layers.softsign import Softsign
from nncli.layers.tanh import Tanh
from nncli.layers.upsample2d import Upsample2d
from nncli.losses.absolute import Absolute
from nncli.losses.binary_cross_entropy import BinaryCrossEntropy
from nncli.losses.cross_entropy import CrossEntropy
from nncli.losses.hinge import Hinge
from nncli.losses.huber import Huber
from nncli.losses.kullback_leibler import KullbackLeibler
from nncli.losses.least_squares import LeastSquares
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Array, Layer, Loss, Shape


def options_of(part: Layer | Loss) -> str:
    """Its fields with their values, as text."""
    return repr(part).partition("(")[2][:-1]


@dataclass(frozen=True)
class Case:
    """A layer with its options, and the shapes of its inputs (one sample)."""

    layer: Layer
    shapes: tuple[Shape, ...]

    @property
    def options(self) -> str:
        return options_of(self.layer).replace("init=None, bias_init=None, ", "")

    @property
    def id(self) -> str:
        shapes = "+".join("x".join(map(str, shape)) for shape in self.shapes)
        return f"{self.layer.type_name}({self.options})-{shapes}"

    def algorithms(self) -> Iterator[Case]:
        """The case itself, and where the algorithm is left to the plan, the case with each one there is."""
        yield self
        layer: typing.Any = self.layer
        if getattr(layer, "algorithm", "") == "auto":
            for algorithm in typing.get_args(typing.get_type_hints(type(layer))["algorithm"]):
                variant = Case(dataclasses.replace(layer, algorithm=algorithm), self.shapes)
                if algorithm != "auto" and variant.fits():
                    yield variant

    def fits(self) -> bool:
        """Whether the layer takes these shapes; an algorithm may decline some."""
        try:
            self.layer.declare(*self.shapes)
        except ShapeError:
            return False
        return True


@dataclass(frozen=True)
class LossCase:
    """A loss with its options, and the shape of the network's output (one sample).

    With `probabilities` the outputs are positive and those of a sample sum to 1, as after `softmax`.
    """

    loss: Loss
    output: Shape
    probabilities: bool = False

    @property
    def id(self) -> str:
        shape = "x".join(map(str, self.output))
        options = options_of(self.loss)
        return f"{self.loss.type_name}({options})-{shape}" if options else f"{self.loss.type_name}-{shape}"

    def samples(self, n: int, seed: int = 0) -> tuple[Array, Array]:
        """Outputs (…, n) of a network and targets for them, in float64."""
        rng = np.random.default_rng(seed)
        x = 2 * rng.normal(size=(*self.output, n))
        if self.probabilities:
            x = np.exp(x) / np.exp(x).sum(axis=0)
        return x, self.loss.example(rng, self.output, n)


def case(layer: Layer, *shapes: Shape) -> Case:
    return Case(layer, shapes)


LAYERS = [
    case(Dense(4), (5,)),
    case(Dense(5), (5,)),
    case(Dense(1, bias=False), (3,)),
    case(Dense(13), (11,)),
    case(Conv2d(3), (2, 5, 6)),
    case(Conv2d(5, padding="same"), (4, 9, 8)),
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
    case(Conv2d(4, padding="same", groups=2, algorithm="winograd"), (2, 7, 6)),
    case(Conv2d(2, padding=((3, 0), (4, 2)), algorithm="winograd", tolerance=1e-6), (3, 3, 5)),
    case(
        Conv2d(4, kernel=(4, 3), stride=(2, 1), dilation=(1, 2), groups=2, padding="same", algorithm="fft"), (2, 6, 7)
    ),
    case(Conv2d(4, kernel=(3, 2), stride=(1, 2), groups=2, padding="full", algorithm="oaconvolve"), (2, 5, 6)),
    case(Conv1d(3), (2, 6)),
    case(Conv1d(2, kernel=2, stride=2, padding="same", bias=False), (3, 5)),
    case(Conv1d(4, kernel=3, dilation=2, groups=2, padding="full"), (2, 5)),
    case(Conv1d(2, kernel=4, padding=(1, 3)), (2, 5)),
    case(Conv1d(2, kernel=3, stride=2, padding=(2, 2), algorithm="gemm"), (2, 6)),
    case(Conv1d(4, kernel=3, padding="same", groups=2, algorithm="direct"), (4, 5)),
    case(Conv1d(3, kernel=5, padding="same", algorithm="fft", tolerance=1e-6), (2, 9)),
    case(ConvTranspose2d(3), (2, 3, 4)),
    case(ConvTranspose2d(2, kernel=(4, 4), stride=(2, 2), padding=((1, 1), (1, 1))), (3, 3, 2)),
    case(ConvTranspose2d(2, kernel=(2, 3), stride=(3, 2), output_padding=(2, 1), bias=False), (2, 3, 2)),
    case(ConvTranspose2d(2, kernel=(3, 3), padding=((0, 2), (4, 1))), (1, 5, 5)),
    case(ConvTranspose2d(4, kernel=(2, 3), dilation=(2, 1), groups=2), (2, 2, 3)),
    case(ConvTranspose2d(2, kernel=(3, 2), stride=(2, 1), dilation=(1, 3), output_padding=(1, 2), groups=2), (4, 3, 2)),
    case(ConvTranspose2d(2, kernel=(1, 1)), (3, 3, 2)),
    case(MaxPool2d(), (2, 4, 6)),
    case(MaxPool2d((2, 3)), (2, 5, 8)),
    case(MaxPool2d((3, 3), (2, 2)), (2, 5, 6)),
    case(MaxPool2d((2, 2), (3, 1)), (1, 6, 4)),
    case(MaxPool2d((1, 1)), (2, 2, 3)),
    case(MaxPool2d((2, 2), padding=((1, 1), (0, 1))), (2, 4, 5)),
    case(MaxPool2d((3, 3), (2, 2), ((1, 1), (1, 1))), (2, 5, 6)),
    case(MaxPool2d((3, 2), (1, 3), ((2, 0), (1, 1))), (1, 2, 5)),
    case(MaxPool1d(), (2, 7)),
    case(MaxPool1d(3, 1, (1, 2)), (2, 5)),
    case(AvgPool2d(), (2, 4, 6)),
    case(AvgPool2d((2, 3)), (2, 5, 8)),
    case(AvgPool2d((3, 2), (1, 2)), (2, 5, 6)),
    case(AvgPool2d((2, 2), (3, 1)), (1, 6, 4)),
    case(AvgPool2d((1, 1)), (2, 2, 3)),
    case(LearnedPool2d(), (2, 4, 6)),
    case(LearnedPool2d((2, 3)), (2, 5, 8)),
    case(LearnedPool2d((3, 2), (1, 2)), (2, 5, 6)),
    case(LearnedPool2d(weights="per_position"), (2, 4, 6)),
    case(LearnedPool2d((2, 3), weights="per_position"), (2, 5, 8)),
    case(LearnedPool2d((3, 2), (1, 2), weights="per_position"), (2, 5, 6)),
    case(LearnedPool2d((2, 2), (3, 1), weights="per_position"), (1, 6, 4)),
    case(GlobalAvgPool2d(), (3, 4, 2)),
    case(LocallyConnected2d(3), (2, 4, 5)),
    case(LocallyConnected2d(2, kernel=(2, 3), padding="same"), (2, 3, 4)),
    case(LocallyConnected2d(2, kernel=(2, 3), stride=(2, 1), bias=False), (1, 5, 4)),
    case(LocallyConnected2d(2, kernel=(3, 2), stride=(3, 2), padding="full"), (2, 3, 4)),
    case(LocallyConnected2d(2, kernel=(2, 2), padding=((3, 3), (0, 3))), (1, 2, 2)),
    case(Gain(), (3, 2, 4)),
    case(Gain(), (5,)),
    case(Embedding(7, 3), (4,)),
    case(Embedding(2, 5), (6,)),
    case(Embedding(300, 1), (1,)),
    case(AvgPool2d((2, 2), padding=((1, 1), (0, 1))), (2, 4, 5)),
    case(AvgPool2d((3, 3), (2, 2), ((1, 1), (1, 1)), count_padding=False), (2, 5, 6)),
    case(AvgPool2d((3, 2), (1, 3), ((2, 0), (1, 1)), count_padding=False), (1, 2, 5)),
    case(AvgPool1d(), (2, 7)),
    case(AvgPool1d(3, 2, (1, 2)), (2, 5)),
    case(AvgPool1d(3, 1, (2, 1), count_padding=False), (2, 4)),
    case(GlobalAvgPool2d(), (3, 4, 2)),
    case(GlobalAvgPool1d(), (3, 5)),
    case(GlobalMaxPool2d(), (3, 4, 2)),
    case(GlobalMaxPool2d(), (2, 1, 1)),
    case(GlobalMaxPool1d(), (3, 5)),
    case(Upsample2d(), (2, 3, 4)),
    case(Upsample2d((3, 1)), (2, 2, 3)),
    case(Upsample2d(mode="bilinear"), (2, 3, 4)),
    case(Upsample2d((3, 2), mode="bilinear"), (2, 1, 4)),
    case(Upsample2d((1, 4), mode="bilinear"), (1, 3, 2)),
    case(Flatten(), (2, 3, 4)),
    case(Reshape((3, -1)), (2, 3, 4)),
    case(Reshape((2, 2, 3)), (12,)),
    case(Permute((1, 2, 0)), (2, 3, 4)),
    case(Permute((1, 0)), (2, 3)),
    case(Crop2d(((1, 1), (1, 1))), (2, 4, 5)),
    case(Crop2d(((0, 2), (1, 0))), (2, 4, 3)),
    case(Pad2d(((1, 1), (1, 1))), (2, 2, 3)),
    case(Pad2d(((0, 2), (1, 0)), value=-1.5), (2, 2, 3)),
    case(Pad2d(((2, 1), (0, 3)), mode="reflect"), (2, 3, 4)),
    case(Pad2d(((2, 1), (0, 3)), mode="edge"), (2, 1, 2)),
    case(Relu(), (3, 4)),
    case(LeakyRelu(), (2, 3, 3)),
    case(LeakyRelu(0.3), (7,)),
    case(LeakyRelu(0.0), (7,)),
    case(Prelu(), (3, 2, 4)),
    case(Prelu(), (5,)),
    case(Prelu(shared=True), (3, 2, 4)),
    case(Elu(), (2, 3, 3)),
    case(Elu(0.3), (7,)),
    case(Elu(0.0), (7,)),
    case(Selu(), (2, 3, 3)),
    case(Softplus(), (2, 3, 3)),
    case(Softplus(3.0), (7,)),
    case(Softsign(), (2, 3, 3)),
    case(Gelu(), (2, 3, 3)),
    case(Gelu("tanh"), (7,)),
    case(Silu(), (2, 3, 3)),
    case(HardSigmoid(), (2, 3, 3)),
    case(HardTanh(), (2, 3, 3)),
    case(HardTanh(-0.4, 1.7), (7,)),
    case(HardSwish(), (2, 3, 3)),
    case(Sigmoid(), (2, 3, 3)),
    case(Tanh(), (6,)),
    case(Softmax(), (5,)),
    case(Softmax(), (3, 2, 2)),
    case(LogSoftmax(), (5,)),
    case(LogSoftmax(), (3, 2, 2)),
    case(AlphaDropout(), (3, 2, 4)),
    case(AlphaDropout(0.2), (9,)),
    case(AlphaDropout(0.0), (4,)),
    case(GaussianNoise(), (3, 2, 4)),
    case(GaussianNoise(0.5), (9,)),
    case(GaussianNoise(0.0), (4,)),
    case(BatchNorm(), (3, 2, 4)),
    case(BatchNorm(0.3, 0.1), (5,)),
    case(BatchNorm(affine=False), (2, 6)),
    case(LayerNorm(), (3, 2, 4)),
    case(LayerNorm(eps=0.1), (5,)),
    case(LayerNorm(affine=False), (2, 3)),
    case(GroupNorm(2), (4, 2, 3)),
    case(GroupNorm(3, eps=0.1), (3, 4)),
    case(GroupNorm(1, affine=False), (6,)),
    case(Dropout(), (3, 2, 4)),
    case(Dropout(0.2), (9,)),
    case(Dropout(0.0), (4,)),
    case(Add(), (2, 3, 3), (2, 3, 3)),
    case(Add(), (4,), (4,), (4,)),
    case(Concat(), (2, 3, 3), (1, 3, 3)),
    case(Concat(), (4,), (1,), (3,)),
    case(Concat(1), (2, 1, 3), (2, 4, 3)),
    case(Concat(2), (2, 2, 3), (2, 2, 1), (2, 2, 2)),
    case(Multiply(), (2, 3, 3), (2, 3, 3)),
    case(Multiply(), (4,), (4,), (4,)),
    case(Multiply(), (3, 2, 4), (3,)),
    case(Multiply(), (3, 1, 1), (3, 2, 4), (3,), (3, 2, 4)),
    case(Multiply(), (3, 1), (3,), (3, 5)),
]

LOSSES = [
    LossCase(LeastSquares(), (1,)),
    LossCase(LeastSquares(), (5,)),
    LossCase(LeastSquares(), (2, 3, 2)),
    LossCase(SoftmaxCrossEntropy(), (2,)),
    LossCase(SoftmaxCrossEntropy(), (7,)),
    LossCase(SoftmaxCrossEntropy(label_smoothing=0.1), (5,)),
    LossCase(SoftmaxCrossEntropy(class_weights=(1.0, 0.5, 3.0)), (3,)),
    LossCase(SoftmaxCrossEntropy(label_smoothing=0.3, class_weights=(1.0, 0.25, 3.0, 0.5)), (4,)),
    LossCase(CrossEntropy(), (2,), probabilities=True),
    LossCase(CrossEntropy(class_weights=(1.0, 0.5, 3.0, 2.0)), (4,), probabilities=True),
    LossCase(KullbackLeibler(), (5,)),
    LossCase(KullbackLeibler(), (3, 2, 2)),
    LossCase(KullbackLeibler(logits=False), (4,), probabilities=True),
    LossCase(BinaryCrossEntropy(), (1,)),
    LossCase(BinaryCrossEntropy(label_smoothing=0.2), (2, 3)),
    LossCase(BinaryCrossEntropy(positive_weight=3.0), (4,)),
    LossCase(BinaryCrossEntropy(label_smoothing=0.1, positive_weight=(2.0, 0.5, 1.0)), (3,)),
    LossCase(Huber(), (4,)),
    LossCase(Huber(delta=0.3), (2, 3)),
    LossCase(Absolute(), (3,)),
    LossCase(Absolute(), (2, 2)),
    LossCase(Hinge(), (4,)),
    LossCase(Hinge(margin=2.5), (2,)),
    LossCase(Hinge(squared=True), (6,)),
]
