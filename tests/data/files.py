"""Data files made by hand, good and bad, and where the real ones are."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nncli.data
from nncli import registry
from nncli.data.dataset import Dataset, Origin
from nncli.parts import Array, Shape

assert nncli.data
ROOT = Path(__file__).parents[2]
DATASETS = ROOT.parent / "shared" / "datasets"

needs_mnist = pytest.mark.skipif(not (DATASETS / "mnist").is_dir(), reason="MNIST is not in ../shared/datasets/mnist")
needs_cifar10 = pytest.mark.skipif(
    not (DATASETS / "cifar10-subset").is_dir(), reason="a part of CIFAR-10 is not in ../shared/datasets/cifar10-subset"
)
needs_optdigits = pytest.mark.skipif(
    not (DATASETS / "optdigits").is_dir(), reason="the UCI digits are not in ../shared/datasets/optdigits"
)


def idx_bytes(array: Array) -> bytes:
    """The IDX file of an array, from the format's description."""
    codes = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
    head = struct.pack(">BBBB", 0, 0, codes[array.dtype.str[1:]], array.ndim)
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()


def cifar_bytes(images: Array, *labels: Array) -> bytes:
    """The binary file of images (N, 3, 32, 32) and their labels, a number at a time from the format's description."""
    content = bytearray()
    for n, image in enumerate(images):
        content += bytes(int(label[n]) for label in labels)
        content += bytes(int(image[c, h, w]) for c in range(3) for h in range(32) for w in range(32))
    return bytes(content)


def source(kind: str, /, **fields: Any) -> Any:
    return registry.source[kind](**fields)


def step(kind: str, /, **fields: Any) -> Any:
    return registry.preprocess[kind](**fields)


def dataset(x: Array, t: Array | None = None, name: str = "made.npz") -> Dataset:
    return Dataset.of(x, t, Origin(name, "x"), Origin(name, "y"))


@dataclass(frozen=True)
class Section:
    """Stands in for the section `data` of a configuration."""

    train: Any
    validation: Any = None
    test: Any = None
    fold: Any = None
    stratified: bool = False


@dataclass(frozen=True)
class Given:
    """Stands in for the section `input`."""

    shape: Shape
    classes: int | None = None
