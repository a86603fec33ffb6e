"""Reference pages as data: what a registered part is, from its docstring and its fields."""

from __future__ import annotations

from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from nncli import docstrings, registry
from nncli.errors import Fault, NncliError, UsageError, nearest
from nncli.spec import walk
from nncli.spec.dump import plain
from nncli.spec.examples import examples
from nncli.spec.schema import required
from nncli.spec.words import figure, noun


def contents() -> dict[str, Any]:
    """Every registered name with the first sentence about it, by kind."""
    return {
        kind: [{"name": name, "summary": docstrings.summary(cls.__doc__)} for name, cls in table.items()]
        for kind, table in registry.KINDS.items()
    }


def pages(name: str) -> list[dict[str, Any]]:
    """The page of each part of this name, of whatever kind. Raises UsageError where there is none."""
    found = [page(kind, table[name]) for kind, table in registry.KINDS.items() if name in table]
    if not found:
        known = [known for table in registry.KINDS.values() for known in table]
        raise UsageError(Fault(f"nothing is called '{name}'", hint=nearest(name, known)))
    return found


def page(kind: str, cls: Any) -> dict[str, Any]:
    """One part: name, kind, fields, the docstring's paragraphs, examples.

    There are no examples of a plugin's class that refuses values which its types allow, and whose docstring has none.
    """
    try:
        short, full = examples(kind, cls)
    except (ValueError, TypeError, NncliError):
        short = full = ""
    return {
        "name": cls.type_name,
        "kind": noun(kind),
        "summary": docstrings.summary(cls.__doc__),
        "fields": [_field(cls, name, annotation) for name, annotation in walk.fields_of(cls).items()],
        "text": [
            {"title": part.title, "text": part.text, "lines": list(part.lines)}
            for part in docstrings.parse(cls.__doc__)
        ],
        "examples": {"short": short, "full": full} if short else {},
    }


def _field(cls: type, name: str, annotation: Any) -> dict[str, Any]:
    needed = name in required(cls)
    return {
        "name": name,
        "type": walk.words(annotation),
        "bounds": bounds(annotation),
        "required": needed,
        "default": None if needed else plain(walk.default_of(cls, name)),
        "description": docstrings.about(name, cls.__doc__),
    }


def bounds(annotation: Any) -> str:
    """The bounds of a number that `walk.words` does not name, such as `greater than 0` or `from 0, less than 1`."""
    for option in walk.options(annotation):
        kind, marks = walk.bare(option), walk.marks(option)
        if kind not in (int, float):
            continue
        low = [f"from {_number(m.ge)}" for m in marks if isinstance(m, Ge)]
        low += [f"greater than {_number(m.gt)}" for m in marks if isinstance(m, Gt)]
        high = [f"at most {_number(m.le)}" for m in marks if isinstance(m, Le)]
        high += [f"less than {_number(m.lt)}" for m in marks if isinstance(m, Lt)]
        return ", ".join((low if kind is float else []) + high)
    return ""


def _number(value: Any) -> str:
    return figure(float(value))


__all__ = ["bounds", "contents", "page", "pages"]
