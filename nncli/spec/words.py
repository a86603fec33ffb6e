"""How messages quote what users wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LONGEST = 60
"""Characters of a value that a message quotes at most."""


def quoted(text: str) -> str:
    """A text in quotes, on one line whatever it holds, cut where it is long."""
    return f"'{cut(visible(text[: LONGEST + 1]))}'"


def visible(text: str) -> str:
    """Escapes in the place of characters that a terminal would not show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def shown(value: Any) -> str:
    """A plain value as a message quotes it."""
    if value is None:
        return "nothing"
    return quoted(value) if isinstance(value, str) else cut(flow(value))


def flow(value: Any, deep: int = 4) -> str:
    """A plain value in YAML's flow style, as far as a message needs it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, str):
        return visible(value[: LONGEST + 1])
    if not isinstance(value, tuple | list | dict):
        return str(value)
    left, right = "{}" if isinstance(value, dict) else "[]"
    if deep == 0 and value:
        return f"{left}...{right}"
    if isinstance(value, dict):
        items = [f"{visible(str(k)[:LONGEST])}: {flow(v, deep - 1)}" for k, v in list(value.items())[:10]]
    else:
        items = [flow(v, deep - 1) for v in value[:10]]
    return left + ", ".join(items) + right


def figure(value: float) -> str:
    """A bound as people write it: 1 rather than 1.0."""
    return str(int(value)) if value == int(value) else repr(value)


def noun(kind: str) -> str:
    """What messages call a class of a registry."""
    names = {"preprocess": "preprocessing step", "augment": "augmentation", "game_loss": "loss of a game"}
    names |= {"response": "response to divergence"}
    return names.get(kind, kind)


def either(options: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(part for part in (", ".join(options[:-1]), options[-1]) if part)


def number(count: int, noun: str) -> str:
    """`1 entry`, `2 entries`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count} {noun if count == 1 else plural}"


def article(noun: str) -> str:
    return ("an " if noun[:1] in "aeiou" else "a ") + noun


__all__ = ["article", "cut", "either", "figure", "flow", "noun", "number", "quoted", "shown", "visible"]
