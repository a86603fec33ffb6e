"""A configuration to YAML text with every default written out: what a checkpoint keeps, and what `summary` can show.

Reading the text gives an equal configuration. Fields that are None by default and stay so are left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from nncli.spec.config import PART, SECTIONS, Config, Data, LossTerm, MetricTerm
from nncli.spec.game import GAME_SECTIONS, PLAYERS, GameConfig
from nncli.spec.yaml12 import scalar

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*")
"""Texts that mean the same without quotes, in flow style and as keys, unless they are read as something else."""

_BEFORE = ("name", "plugins", "seed", "dtype", "threads", "input", "data", "network")
_ORDER = (*_BEFORE, *(name for name in SECTIONS if name not in _BEFORE))


_PLAYERS = ("latent", *PLAYERS, "game")
_GAME_ORDER = (*_BEFORE[:-1], *_PLAYERS, *(name for name in GAME_SECTIONS if name not in (*_BEFORE, *_PLAYERS)))


def dump(config: Config | GameConfig) -> str:
    """The configuration as YAML: one line for each node, each source and each short section."""
    game = isinstance(config, GameConfig)
    networks = PLAYERS if game else ("network",)
    faulty = any(node.layer is None for name in networks for node in getattr(config, name))
    assert not faulty, "a faulty configuration has no text"
    lines = []
    for name in _GAME_ORDER if game else _ORDER:
        value = getattr(config, name)
        if value is None or (name in ("plugins", "loss") and not value):
            continue
        if name == "loss" and len(value) == 1:
            (value,) = value
        if name in networks:
            lines.append(f"{name}:")
            lines += [f"  - {inline(_node(node))}" for node in value]
        elif isinstance(value, Data):
            lines += block(name, plain(value))
        else:
            lines.append(f"{name}: {inline(plain(value))}")
    return "\n".join(lines) + "\n"


def _node(node: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {node.layer.type_name: _fields(node.layer), "name": node.name}
    if node.inputs is not None:
        entry["inputs"] = node.inputs
    if node.share is not None:
        entry["share"] = node.share
    if not node.trainable:
        entry["trainable"] = False
    return entry


def plain(value: Any) -> Any:
    """A part of a configuration as plain values: what `inline` writes and the decoder reads."""
    if isinstance(value, LossTerm | MetricTerm):
        return _beside(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields, name = _fields(value), getattr(value, "type_name", None)
        if name is None:
            return fields
        return {name: fields} if fields else name
    if isinstance(value, tuple | list):
        return tuple(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def _beside(value: LossTerm | MetricTerm) -> Any:
    """What is chosen, with what stands beside it, if anything does."""
    chosen, default = plain(value.part), {field.name: field.default for field in dataclasses.fields(value)}
    more = {name: getattr(value, name) for name in default if name != PART and getattr(value, name) != default[name]}
    return {**(chosen if isinstance(chosen, dict) else {chosen: {}}), **more} if more else chosen


def _fields(part: Any) -> dict[str, Any]:
    """The fields of a part, in order, without those that are None by default and stay so."""
    return {
        field.name: plain(getattr(part, field.name))
        for field in dataclasses.fields(part)
        if not (getattr(part, field.name) is None and field.default is None)
    }


def block(name: str, section: Mapping[str, Any]) -> list[str]:
    """The lines of a section of plain values, one for each of its fields."""
    return [f"{name}:", *(f"  {key}: {inline(part)}" for key, part in section.items())]


def inline(value: Any) -> str:
    """Plain values on one line, in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(float(value))
    return str(int(value))


def _float(value: float) -> str:
    """The shortest digits that give the same number back (Python's `repr`)."""
    text = repr(value)
    return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and isinstance(scalar(text), str) and not text.startswith("..."):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


__all__ = ["block", "dump", "inline", "plain"]
