"""Examples of YAML for every registered part, valid and made from the types of its fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from nncli import docstrings, registry
from nncli.errors import Fault, NncliError
from nncli.fields import Choice
from nncli.spec import walk
from nncli.spec.config import SECTIONS
from nncli.spec.dump import inline, plain
from nncli.spec.game import GAME_SECTIONS
from nncli.spec.reading import read
from nncli.spec.schema import required
from nncli.spec.yaml12 import parse

WIDTH = 76
"""Columns of an example; longer values are written below their keys."""


def examples(kind: str, cls: Any) -> tuple[str, str]:
    """YAML that chooses a part where its section stands: in its shortest form, and with every field.

    Fields without a default get the values of an example in the docstring (`name: value` in backquotes), else ones
    that their types allow.
    """
    part = example(kind, cls)
    fields = {field.name: plain(getattr(part, field.name)) for field in dataclasses.fields(cls)}
    needed = {name: fields[name] for name in fields if name in required(cls)}
    first = registry.first_field(cls)
    short: Any = {cls.type_name: needed} if needed else cls.type_name
    if first is not None and list(needed) == [first] and not isinstance(needed[first], dict):
        short = {cls.type_name: needed[first]}
    return _placed(kind, short), _placed(kind, {cls.type_name: fields})


def example(kind: str, cls: Any) -> Any:
    """An object of a part's class, as `examples` needs it."""
    for text in docstrings.examples(cls.type_name, cls.__doc__):
        if (part := _from_text(kind, text)) is not None:
            return part
    hints = walk.fields_of(cls)
    return cls(**{name: _value(name, hints[name]) for name in required(cls)})


def _from_text(kind: str, text: str) -> Any:
    """The object that an example describes; None where it is none, but a formula or a part of a sentence."""
    try:
        document = parse(text, "")
        faults: list[Fault] = []
        part = read(Annotated[Any, Choice(kind)], document.plain, document, (), faults)
    except NncliError:
        return None
    return None if faults else part


def _value(name: str, annotation: Any) -> Any:
    """A value that a place of this type may hold."""
    option = walk.options(annotation)[0]
    kind, inner = walk.chosen_kind(option), walk.bare(option)
    if kind is not None:
        plainest = sorted(registry.KINDS[kind].items(), key=lambda item: len(required(item[1])))
        return example(kind, plainest[0][1])
    if get_origin(inner) is Literal:
        return get_args(inner)[0]
    if get_origin(inner) is tuple:
        arguments = get_args(inner)
        several = arguments[:1] if arguments[-1] is Ellipsis else arguments
        return tuple(_value(name, argument) for argument in several)
    if dataclasses.is_dataclass(inner) and isinstance(inner, type):
        hints = walk.fields_of(inner)
        return inner(**{field: _value(field, hints[field]) for field in required(inner)})
    if inner is bool:
        return True
    return _between(inner, walk.marks(option)) if inner in (int, float) else f"my_{name}"


def _between(kind: type, marks: tuple[Any, ...]) -> Any:
    """A number within bounds: 10 or 0.5 if it may be."""
    value: Any = 10 if kind is int else 0.5
    step: Any = 1 if kind is int else 0.5
    low: list[Any] = [m.ge for m in marks if isinstance(m, Ge)] + [m.gt + step for m in marks if isinstance(m, Gt)]
    high: list[Any] = [m.le for m in marks if isinstance(m, Le)] + [m.lt - step for m in marks if isinstance(m, Lt)]
    return kind(min([max([value, *low]), *high]))


def _placed(kind: str, value: Any) -> str:
    """A choice below the section where it is made, as YAML."""
    if kind == "layer":
        return "network:\n" + block((value,), "  ")
    for path, needs in _places(kind):
        whole = value
        for step in reversed(path):
            whole = (whole,) if step == 0 else {**needs.get(step, {}), step: whole}
        return block(whole)
    for name, cls in registry.layer.items():
        field = next((field for field, of in walk.fields_of(cls).items() if walk.chosen_kind(of) == kind), None)
        if field is not None:
            part = example("layer", cls)
            fields = {needed: plain(getattr(part, needed)) for needed in required(cls)}
            return block({"network": ({name: {**fields, field: value}},)})
    return block(value)


def _places(kind: str) -> Iterator[tuple[tuple[str | int, ...], dict[str | int, dict[str, Any]]]]:
    """Where a kind is chosen: the path, and what must stand beside its steps."""
    for section, annotation in (*SECTIONS.items(), *GAME_SECTIONS.items()):
        if walk.chosen_kind(annotation) == kind or (walk.takes_one(annotation) and _lists(annotation, kind)):
            yield (section,), {}
        elif _lists(annotation, kind):
            yield (section, 0), {}
        elif (cls := walk.dataclass_of(annotation)) is not None:
            for name, inner in walk.fields_of(cls).items():
                beside = {n: plain(_value(n, walk.fields_of(cls)[n])) for n in required(cls) if n != name}
                if walk.chosen_kind(inner) == kind:
                    yield (section, name), {name: beside}
                elif _lists(inner, kind):
                    yield (section, name, 0), {name: beside}


def _lists(annotation: Any, kind: str) -> bool:
    arguments = walk.members(annotation)
    return bool(arguments) and arguments is not None and walk.entry_kind(arguments[0]) == kind


def block(value: Any, indent: str = "") -> str:
    """Plain values as YAML in block style; what is short and innermost stays on one line."""
    if isinstance(value, dict) and value:
        lines = []
        for key, inner in value.items():
            text = inline(inner)
            if isinstance(inner, dict | tuple) and inner and (_deep(inner) or len(indent + key + text) > WIDTH):
                lines.append(f"{indent}{inline(key)}:\n{block(inner, indent + '  ')}")
            else:
                lines.append(f"{indent}{inline(key)}: {text}")
        return "\n".join(lines)
    if isinstance(value, tuple) and value:
        items = (block(item, indent + "  ") for item in value)
        return "\n".join(f"{indent}- {item[len(indent) + 2 :]}" for item in items)
    return indent + inline(value)


def _deep(value: Any) -> bool:
    """Whether a value is written over several lines, whatever its length."""
    return isinstance(value, dict) or any(isinstance(item, dict) for item in value)


__all__ = ["block", "example", "examples"]
