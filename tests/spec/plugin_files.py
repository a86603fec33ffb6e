"""Plugins for tests: good ones of each kind, and a table of bad ones with what must be said about them."""

from __future__ import annotations

HEAD = """\
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from nncli import parts, registry
"""

TWICE = (
    HEAD
    + '''
@registry.layer("twice")
@dataclass(frozen=True, slots=True)
class Twice(parts.Layer):
    """Each number times `factor`."""

    factor: float = 2.0

    def declare(self, *inputs):
        return parts.Declared(inputs[0])

    def forward(self, f):
        np.multiply(f.x, self.factor, out=f.y)

    def backward(self, f):
        if f.dx is not None:
            np.multiply(f.dy, self.factor, out=f.dx)
'''
)

EVERY_KIND = (
    TWICE
    + '''
@registry.loss("my_loss")
@dataclass(frozen=True, slots=True)
class MyLoss(parts.Loss):
    """Sum of the outputs."""

    def forward(self, f):
        return float(f.x.sum())

    def backward(self, f):
        f.dx.fill(1 / f.weight)


@registry.metric("my_metric")
@dataclass(frozen=True, slots=True)
class MyMetric(parts.Metric):
    """Mean output."""

    better: ClassVar[str] = "max"

    def update(self, totals, y, t, work):
        totals += y.sum(), y.size

    def value(self, totals):
        return float(totals[0] / totals[1])


@registry.optimizer("my_optimizer")
@dataclass(frozen=True, slots=True)
class MyOptimizer(parts.Optimizer):
    """Plain descent with step size `lr`."""

    lr: float = 0.1
    weight_decay: float = 0.0
    decay_all: bool = False

    def update(self, f):
        np.multiply(f.g, f.lr, out=f.a)
        np.subtract(f.w, f.a, out=f.w)


@registry.schedule("my_schedule")
@dataclass(frozen=True, slots=True)
class MySchedule(parts.Schedule):
    """Half of it."""

    def factor(self, at):
        return 0.5


@registry.initializer("my_initializer")
@dataclass(frozen=True, slots=True)
class MyInitializer(parts.InitializerBase):
    """All equal to `value`."""

    value: float = 0.25

    def draw(self, rng, parameter):
        return np.full(parameter.shape, self.value)


@registry.source("my_source")
@dataclass(frozen=True, slots=True)
class MySource:
    """Ones."""

    def load(self, base):
        from nncli.data.dataset import Dataset, Origin
        return Dataset.of(np.ones((12, 4), np.float32), np.zeros((12, 3), np.float32), Origin("ones"))


@registry.preprocess("my_step")
@dataclass(frozen=True, slots=True)
class MyStep(parts.Step):
    """Nothing."""

    def apply(self, x, fitted):
        pass
'''
)

CONFIG = """\
plugins: [my.py]
data: {train: my_source, preprocess: [my_step]}
network:
  - dense: {units: 3, init: my_initializer}
  - twice: 3
loss: my_loss
metrics: [my_metric]
optimizer: my_optimizer
schedule: my_schedule
train: {epochs: 2, batch: 4}
"""


def layer(
    body: str, *, decorator: str = "@dataclass(frozen=True)", base: str = "parts.Layer", name: str = "mine"
) -> str:
    return f'{HEAD}\n@registry.layer("{name}")\n{decorator}\nclass Mine({base}):\n{body}\n'


TAKEN = "what is built in, or of another plugin, cannot be replaced: choose another name"
BAD: dict[str, tuple[str, str, str]] = {
    "not Python": ("x = 1\nx ==== 2\n", "my.py:2: invalid syntax", "the file is not valid Python"),
    "null bytes": ("x = 1\0", "my.py", ""),
    "an exception": ("\n\n1 / 0\n", "my.py:3: ZeroDivisionError: division by zero", "--debug shows the traceback"),
    "an exception inside": (
        "def f():\n    return {}['a']\n\nf()\n", "my.py:2: KeyError: 'a'", "--debug shows the traceback"
    ),
    "a missing package": (
        "import no_such_package_at_all",
        "my.py:1: ModuleNotFoundError: No module named 'no_such_package_at_all'",
        "--debug shows the traceback",
    ),
    "an exit": ("import sys\nsys.exit(3)\n", "my.py:2: SystemExit: 3", "--debug shows the traceback"),
    "nothing": (
        "x = 1\n",
        "my.py registers nothing",
        "it registers its classes with the decorators of nncli.registry, such as @layer('my_layer')",
    ),
    "a built-in name": (layer('    """X."""', name="relu"), "my.py:6: the layer 'relu' is registered twice", TAKEN),
    "not frozen": (
        layer('    """X."""', decorator="@dataclass"),
        "my.py:6: TypeError: Mine: a layer is a frozen dataclass",
        "--debug shows the traceback",
    ),
    "no docstring": (
        layer("    x: int = 3"),
        "my.py:6: TypeError: Mine: a layer has a docstring; the reference page is made from it",
        "--debug shows the traceback",
    ),
    "no layer": (
        layer('    """X."""', base="parts.Loss"),
        "my.py: the class Mine of 'mine' is not a layer",
        "derive it from nncli.parts.Layer",
    ),
    "a field of no type for YAML": (
        layer('    """X."""\n    x: np.ndarray = None'),
        "my.py: the fields of 'mine' cannot be read from YAML: Unable to generate pydantic-core schema for "
        "<class 'numpy.ndarray'>. Set `arbitrary_types_allowed=True` in the model_config to ignore this error or "
        "implement `__get_pydantic_core_schema__` on your type to fully support it.",
        "types for fields are in nncli.fields; others are int, float, bool, str, Literal and tuples of them",
    ),
    "a field of an unknown type": (
        layer('    """X."""\n    x: "Nothing" = None'),
        "my.py: the fields of 'mine' cannot be read from YAML: name 'Nothing' is not defined",
        "types for fields are in nncli.fields; others are int, float, bool, str, Literal and tuples of them",
    ),
}  # fmt: skip
"""A faulty plugin, what is said about it, and the hint."""
