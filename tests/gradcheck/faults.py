"""Layers with a planted fault, and networks that hold one."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from nncli.engine import Model, Plan
from nncli.gradcheck.network import Batch
from nncli.graph import Graph
from nncli.layers.avg_pool2d import AvgPool2d
from nncli.layers.conv2d import Conv2d
from nncli.layers.dense import Dense
from nncli.layers.dropout import Dropout
from nncli.layers.tanh import Tanh
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Frame, Work
from tests.engine.networks import model as model_of


class Scaled(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        f.g["W"] *= 1.001


class OneSign(Conv2d):
    def backward(self, f: Frame) -> None:
        Conv2d.backward(self, f)
        f.g["W"][1, 0, 2, 1] *= -1


class WithoutBias(Conv2d):
    """Forgets b on the way forward; its gradient is that of a layer with b."""

    def forward(self, f: Frame) -> None:
        kept = f.p["b"].copy()
        f.p["b"][...] = 0
        Conv2d.forward(self, f)
        f.p["b"][...] = kept


class WithoutBiasGradient(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        f.g["b"][...] = 0


class Transposed(Dense):
    """For as many units as inputs."""

    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        if f.dx is not None:
            np.matmul(f.p["W"], f.dy, out=f.dx)


class WrongBorder(Conv2d):
    def backward(self, f: Frame) -> None:
        Conv2d.backward(self, f)
        if f.dx is not None:
            f.dx[:, -1] *= 0.5


class Unshared(AvgPool2d):
    """One position of the window has a weight of its own on the way back."""

    def backward(self, f: Frame) -> None:
        AvgPool2d.backward(self, f)
        f.dx[:, 1::2, 0::2] *= 1.5


class StaleScratch(Dropout):
    """Expects scratch memory, which other nodes use in between, to keep the noise."""

    def workspace(self, inputs: Any, n: int, plan: object) -> dict[str, Work]:
        works = Dropout.workspace(self, inputs, n, plan)
        return works | {"factor": dataclasses.replace(works["factor"], scratch=True)}


class StaleBatch(Tanh):
    """Keeps the output of the first batch it ever saw and uses it for each one after that."""

    def workspace(self, inputs: Any, n: int, plan: object) -> dict[str, Work]:
        return {"first": Work((*inputs[0], n), zero=True)}

    def forward(self, f: Frame) -> None:
        Tanh.forward(self, f)
        if not f.work["first"].any():
            f.work["first"][...] = f.y

    def backward(self, f: Frame) -> None:
        np.multiply(f.dy, 1 - f.work["first"] ** 2, out=f.dx)


class WritesOverInput(Tanh):
    """Takes its input for scratch memory, without the trait that would let it."""

    def forward(self, f: Frame) -> None:
        Tanh.forward(self, f)
        if not np.shares_memory(f.x, f.y):
            f.x.fill(0)


class ChangesWeights(Dense):
    def backward(self, f: Frame) -> None:
        Dense.backward(self, f)
        f.p["W"][...] *= 0.9


class OwnRandomNumbers(Dense):
    def forward(self, f: Frame) -> None:
        Dense.forward(self, f)
        f.y += 1e-3 * np.random.default_rng().normal(size=f.y.shape)


def planted(graph: Graph, name: str, fault: type) -> Graph:
    """The graph with the layer of one node exchanged for a faulty one with the same fields."""
    nodes = []
    for node in graph.nodes:
        if node.name == name:
            fields = {field.name: getattr(node.layer, field.name) for field in dataclasses.fields(node.layer)}
            node = dataclasses.replace(node, layer=fault(**fields))
        nodes.append(node)
    return Graph(graph.input, tuple(nodes))


def faulty(text: str, name: str, fault: type, shards: int = 1) -> Model:
    """A model of one of the engine's test networks with a fault in the node `name`."""
    sound = model_of(text, shards)
    graph = planted(sound.graph, name, fault)
    model = Model(graph, Plan(shards, 1, sound.plan.nodes), np.float64, SoftmaxCrossEntropy(), 0)
    model.parameters.w[...] = sound.parameters.w
    return model


def batch(graph: Graph, n: int = 4, seed: int = 1) -> Batch:
    rng = np.random.default_rng(seed)
    return Batch(rng.normal(size=(*graph.input, n)), {"y": rng.integers(graph.output[0], size=n)})
