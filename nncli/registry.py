"""YAML names to classes. The rooms of level 3 fill these tables, and so do plugins.

A registered class is a frozen dataclass whose fields are its configuration; the first field is the one that the
shorthand `type: value` sets. The decorator gives the class two attributes: `type_name`, its name in YAML, and the
settings with which pydantic reads it (unknown fields are refused, and `"3"` or `yes` are not numbers).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

T = TypeVar("T")
C = TypeVar("C", bound=type)

PYDANTIC = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


def section(cls: C) -> C:
    """Mark a dataclass as a part of the configuration that has one form only (it is not chosen among several)."""
    cls.__pydantic_config__ = PYDANTIC  # type: ignore[attr-defined]
    return cls


class Taken(ValueError):
    """A name that another class of the same kind has."""


class Registry(Generic[T]):
    """The classes of one kind, by their YAML names."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type[T]] = {}
        self._modules: dict[str, str] = {}

    def __call__(self, name: str) -> Callable[[C], C]:
        """Decorator: register a frozen dataclass under its YAML name."""

        def register(cls: C) -> C:
            params = getattr(cls, "__dataclass_params__", None)
            if params is None or not params.frozen:
                raise TypeError(f"{cls.__name__}: a {self.kind} is a frozen dataclass")
            if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(cls.__name__ + "("):
                raise TypeError(f"{cls.__name__}: a {self.kind} has a docstring; the reference page is made from it")
            self.add(name, cls)
            cls.type_name = name  # type: ignore[attr-defined]
            section(cls)
            return cls

        return register

    def add(self, name: str, cls: type[T]) -> None:
        """Register a class that has its name and settings already."""
        if name in self._classes or self._modules.get(name, cls.__module__) != cls.__module__:
            raise Taken(f"the {self.kind} '{name}' is registered twice")
        self._classes[name] = cls

    def find(self, package: str, path: Iterable[str]) -> None:
        """Let each module of a package stand for the class of its own name; it is imported when first asked for.

        Making the dataclasses of all layers takes 0.07 s of processor time, and a network has a few of them.
        """
        names = (module.name for module in iter_modules(path))
        self._modules |= {name: f"{package}.{name}" for name in names if not name.startswith("_")}

    def added(self) -> tuple[type[T], ...]:
        """The classes that are here because something ran, without those that modules stand for."""
        return tuple(cls for name, cls in sorted(self._classes.items()) if name not in self._modules)

    def remove(self, name: str) -> None:
        """Forget a class, as when the plugin that it belongs to is no longer in use."""
        del self._classes[name]

    def __getitem__(self, name: str) -> type[T]:
        if name not in self._classes and name in self._modules:
            import_module(self._modules[name])
        return self._classes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._classes or name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._classes.keys() | self._modules.keys()))

    def items(self) -> list[tuple[str, type[T]]]:
        return [(name, self[name]) for name in self]


layer: Registry[Any] = Registry("layer")
loss: Registry[Any] = Registry("loss")
game_loss: Registry[Any] = Registry("game_loss")
metric: Registry[Any] = Registry("metric")
optimizer: Registry[Any] = Registry("optimizer")
schedule: Registry[Any] = Registry("schedule")
response: Registry[Any] = Registry("response")
initializer: Registry[Any] = Registry("initializer")
source: Registry[Any] = Registry("source")
preprocess: Registry[Any] = Registry("preprocess")
augment: Registry[Any] = Registry("augment")

KINDS: dict[str, Registry[Any]] = {
    table.kind: table
    for table in (
        layer,
        loss,
        game_loss,
        metric,
        optimizer,
        schedule,
        response,
        initializer,
        source,
        preprocess,
        augment,
    )
}


def first_field(cls: type) -> str | None:
    """The field that the shorthand `type: value` sets, or None for a class without fields."""
    fields = dataclasses.fields(cls)
    return fields[0].name if fields else None
