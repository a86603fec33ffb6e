"""Layers of sequences (C, L) are layers of images of height 1: no mathematics of their own, only other shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from nncli.errors import ShapeError, SpecError
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Plain, Shape, Work


class Views(NamedTuple):
    """The layer of images, and its frame on the same memory."""

    layer: Layer
    frame: Frame


class Line(Layer):
    """Base of layers of sequences: `image` is the layer of images that does the work."""

    __slots__ = ()

    @property
    def image(self) -> Layer:
        raise NotImplementedError

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 2:
            raise ShapeError(
                f"{self.type_name} takes sequences (channels, length), not {x}",
                hint="put it before `flatten` or `dense`, where there still are sequences, or `reshape` to two axes",
            )
        try:
            declared = self.image.declare(_image(x))
        except (ShapeError, SpecError) as error:
            (fault,) = error.faults
            raise type(error)(_of_lines(fault.message), hint=_of_lines(fault.hint)) from None
        output, parameters = declared.output, declared.parameters
        return replace(
            declared,
            output=(output[0], output[2]) if len(output) == 3 else output,
            parameters={name: _line_parameter(parameter) for name, parameter in parameters.items()},
        )

    def choose(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, Any]:
        return self.image.choose((_image(inputs[0]),), n, itemsize)

    def alternatives(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, tuple[Plain, ...]]:
        return self.image.alternatives((_image(inputs[0]),), n, itemsize)

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: Mapping[str, Any]) -> Mapping[str, Work]:
        return self.image.workspace((_image(inputs[0]),), n, plan)

    def prepare(self, f: Frame) -> Views:
        layer = self.image
        frame = Frame(n=f.n, total=f.total, training=f.training, work=f.work, plan=f.plan, finish=f.finish)
        declared = layer.declare(_image(f.x.shape[:-1]))
        frame.x, frame.y = _reshaped(f.x, _image(f.x.shape[:-1])), _reshaped(f.y, declared.output)
        if f.dy is not None:
            frame.dy = _reshaped(f.dy, declared.output)
        if f.dx is not None:
            frame.dx = _reshaped(f.dx, frame.x.shape[:-1])
        frame.xs, frame.dxs = (frame.x,), (frame.dx,)
        frame.p = {name: f.p[name].reshape(p.shape) for name, p in declared.parameters.items()}
        if f.g is not None:
            frame.g = {name: f.g[name].reshape(p.shape) for name, p in declared.parameters.items()}
        frame.views = layer.prepare(frame)
        return Views(layer, frame)

    def forward(self, f: Frame) -> None:
        layer, frame = f.views
        layer.forward(frame)

    def backward(self, f: Frame) -> None:
        layer, frame = f.views
        layer.backward(frame)


WORDS = {"an image": "a sequence", "image": "sequence", "width": "length", "1×": ""}
"""What messages about an image of height 1 say of a sequence."""


def _of_lines(text: str) -> str:
    for word, instead in WORDS.items():
        text = text.replace(word, instead)
    return text


def _image(x: Shape) -> Shape:
    return x[0], 1, x[1]


def _reshaped(array: Array, shape: Shape) -> Array:
    return array.reshape(*shape, array.shape[-1])


def _line_parameter(parameter: Parameter) -> Parameter:
    """A kernel without its height."""
    if len(parameter.shape) != 4:
        return parameter
    (out, channels, _, kernel), axes = parameter.shape, parameter.axes
    return replace(parameter, shape=(out, channels, kernel), axes=(axes[0], axes[1], "kernel"))
