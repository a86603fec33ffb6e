"""Where a path of the configuration leads: the annotation of each place, found from the types alone."""

from __future__ import annotations

import dataclasses
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt
from pydantic import BeforeValidator

from nncli import registry
from nncli.fields import Choice
from nncli.spec.config import PART, ShareCountOrSource
from nncli.spec.words import article, either, noun, quoted


def options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union without None; of anything else itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(option for option in get_args(annotation) if option is not type(None))
    return (annotation,)


def bare(annotation: Any) -> Any:
    """A type without the marks that `Annotated` gives it."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def marks(annotation: Any) -> tuple[Any, ...]:
    return tuple(annotation.__metadata__) if get_origin(annotation) is Annotated else ()


def share_or_source(annotation: Any) -> bool:
    """Whether the place takes a number or a source, as `data.validation` does."""
    return any(isinstance(mark, ShareCountOrSource) for option in options(annotation) for mark in marks(option))


def chosen_kind(annotation: Any) -> str | None:
    """The registry that a field chooses from, or None."""
    for option in options(annotation):
        for mark in marks(option):
            if isinstance(mark, Choice):
                return mark.kind
            if isinstance(mark, ShareCountOrSource):
                return "source"
    return None


def dataclass_of(annotation: Any) -> type | None:
    """The dataclass whose fields stand at this place, or None."""
    for option in options(annotation):
        inner = bare(option)
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            return inner
    return None


def members(annotation: Any) -> tuple[Any, ...] | None:
    """The arguments of the tuple that may stand at this place (the last is ... for any length), or None."""
    for option in options(annotation):
        if get_origin(bare(option)) is tuple:
            return get_args(bare(option))
    return None


def element(annotation: Any, index: int) -> Any:
    """The annotation of one element of a sequence, or None."""
    arguments = members(annotation)
    if arguments is None:
        return None
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return arguments[0]
    return arguments[index] if index < len(arguments) else None


def fields_of(cls: type) -> dict[str, Any]:
    """Name and annotation of each field of a dataclass, in order."""
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def default_of(cls: type, name: str) -> Any:
    """The default of a field; None for one without."""
    for f in dataclasses.fields(cls):
        if f.name == name:
            if f.default_factory is not dataclasses.MISSING:
                return f.default_factory()
            return None if f.default is dataclasses.MISSING else f.default
    return None


def expanded(annotation: Any, value: Any) -> Any:
    """A value with the shorthand of its place expanded, such as one number for a pair."""
    for option in options(annotation):
        for mark in marks(option):
            if isinstance(mark, BeforeValidator):
                value = mark.func(value)  # type: ignore[call-arg]
    return value


def child(annotation: Any, part: str | int) -> Any:
    """The annotation one step further along a path, or None where the step leads nowhere."""
    if isinstance(part, int):
        return element(annotation, part)
    kind = chosen_kind(annotation)
    if kind is not None:
        return dict(registry.KINDS[kind].items()).get(part)
    cls = dataclass_of(annotation)
    return fields_of(cls).get(part) if cls is not None else None


def beside(annotation: Any) -> list[str] | None:
    """What may stand beside a chosen part at this place; None where no part is chosen with something beside it."""
    fields = names_at(annotation)
    return [name for name in fields if name != PART] if fields[:1] == [PART] else None


def entry_kind(annotation: Any) -> str | None:
    """The registry that an entry of a list chooses from, with or without something beside it; None for others."""
    return chosen_kind(annotation if beside(annotation) is None else child(annotation, PART))


def takes_one(annotation: Any) -> bool:
    """Whether one entry stands for a list of it."""
    return members(annotation) is not None and any(isinstance(mark, BeforeValidator) for mark in marks(annotation))


def takes_names(annotation: Any) -> bool:
    """Whether a mapping of names that users choose may stand here."""
    return any(get_origin(bare(option)) is dict for option in options(annotation))


def names_at(annotation: Any) -> list[str]:
    """The fields that may stand here."""
    cls = dataclass_of(annotation)
    return list(fields_of(cls)) if cls is not None else []


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "a mapping"}


def words(annotation: Any) -> str:
    """What may be written at this place, as a message says it."""
    return either([word for option in options(annotation) for word in _words(option)])


def _words(option: Any) -> list[str]:
    if (kind := chosen_kind(option)) is not None:
        return [*(["a share", "a count"] if share_or_source(option) else []), article(noun(kind))]
    for mark in marks(option):
        short = getattr(mark, "json_schema_input_type", None)
        if isinstance(mark, BeforeValidator) and get_args(short):
            return [word for branch in options(short) for word in _words(branch)]
    inner = bare(option)
    origin = get_origin(inner) or inner
    if origin is Literal:
        return [quoted(o) if isinstance(o, str) else str(o) for o in get_args(inner)]
    if origin is tuple:
        arguments = get_args(inner)
        return ["a list" if arguments[-1:] == (Ellipsis,) else f"a list of {len(arguments)}"]
    if origin is int:
        least = [m.ge for m in marks(option) if isinstance(m, Ge)]
        least += [m.gt + 1 for m in marks(option) if isinstance(m, Gt) and isinstance(m.gt, int)]
        return ["a whole number" + (f" from {least[0]}" if least else "")]
    return [_WORDS.get(origin, "a mapping of its fields" if dataclasses.is_dataclass(inner) else "another value")]
