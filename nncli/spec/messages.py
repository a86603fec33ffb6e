"""Pydantic's errors in the words of the configuration: what was found, what is allowed, the nearest name."""

from __future__ import annotations

from typing import Any, NamedTuple

from nncli import registry
from nncli.errors import Fault, nearest
from nncli.spec import walk
from nncli.spec.config import PART
from nncli.spec.words import article, cut, either, figure, flow, noun, number, quoted, shown, visible
from nncli.spec.yaml12 import Path, Places, scalar

_WRONG_TYPE = {
    "int_type", "int_from_float", "int_parsing", "float_type", "float_parsing", "bool_type", "bool_parsing",
    "string_type", "tuple_type", "dataclass_type", "dataclass_exact_type", "dict_type", "literal_error", "no_branch",
}  # fmt: skip
_BOUNDS = {
    "greater_than": ("must be greater than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than": ("must be less than {}", "lt"),
    "less_than_equal": ("must be at most {}", "le"),
}


class _Located(NamedTuple):
    """An error with its place in the file, the annotation of that place and of the one around it."""

    error: dict[str, Any]
    path: Path
    here: Any
    around: Any


def faults(errors: list[Any], document: Places, path: Path, annotation: Any) -> list[Fault]:
    """Pydantic's errors on the value at `path`, which has this annotation; what comes twice is said once."""
    found = [_fault(located, document) for located in _located(errors, path, annotation, None)]
    return list(dict.fromkeys(found))


def unknown(kind: str, name: str, path: Path, document: Places, value: Any = None) -> Fault:
    """A name that no class of this kind has; `value` is what stands under it."""
    table = registry.KINDS[kind]
    hint = nearest(name, list(table)) or f"there is no {noun(kind)} to choose"
    suffix = name.rpartition(".")[2]
    if kind == "source" and suffix in table:
        hint = f"a file is written with its kind: `{{{suffix}: {visible(name)}}}`"
    if name in TYPE_KEYS and isinstance(value, str):
        hint = type_is_key(kind, value, {})
    key = isinstance(document.at(path), dict)
    return document.fault((*path, name) if key else path, f"unknown {noun(kind)} {quoted(name)}", hint, key=key)


TYPE_KEYS = ("type", "kind", "class", "class_name")
"""Keys under which other programs' configurations name what is chosen."""


def type_is_key(kind: str, name: str, fields: dict[str, Any]) -> str:
    """The hint for what is chosen by a key of its own, as other programs write it."""
    return f"the {noun(kind)} itself is the key: write `{cut(visible(name))}: {flow(fields) if fields else '{...}'}`"


def no_fields(path: Path, document: Places, value: Any) -> Fault:
    """A class without fields that was given one."""
    return document.fault(path, f"{quoted(str(path[-1]))} has no fields, found {shown(value)}", f"write `{path[-1]}`")


# -- places ------------------------------------------------------------------------------------------------------------


def _located(errors: list[Any], path: Path, here: Any, around: Any) -> list[_Located]:
    """Follow the errors' own paths from `path` on; of a union only the branch that was meant counts."""
    ends = [_Located(error, path, here, around) for error in errors if not error["loc"]]
    deeper = _by_part(errors)
    if not deeper:
        return ends
    if walk.share_or_source(here):  # its branches are told by the value's form; their labels are no part of the path
        below = [error for group in deeper.values() for error in group]
        ends += [_Located(error, path, here, around) for error in below if not error["loc"]]
        deeper = _by_part(below)
    branches = walk.options(here)
    if len(branches) > 1:
        return ends + _branch(list(deeper.values()), path, branches, around, here)
    for part, group in deeper.items():
        inside = part == PART and walk.beside(here) is not None
        ends += _located(group, path if inside else (*path, part), walk.child(here, part), here)
    return ends


def _by_part(errors: list[Any]) -> dict[str | int, list[Any]]:
    """Errors by the first part of their paths, which is taken off."""
    parts: dict[str | int, list[Any]] = {}
    for error in errors:
        if error["loc"]:
            parts.setdefault(error["loc"][0], []).append({**error, "loc": error["loc"][1:]})
    return parts


def _branch(groups: list[list[Any]], path: Path, branches: Any, around: Any, here: Any) -> list[_Located]:
    """The errors of the branch of a union that came furthest; one error for all where none fits at all."""
    if len(groups) == len(branches):
        for group, branch in zip(groups, branches, strict=True):
            if not any(_misses(error) for error in group):
                return _located(group, path, branch, around)
    return [_Located({**groups[0][0], "loc": (), "type": "no_branch"}, path, here, around)]


def _misses(error: Any) -> bool:
    """Whether the value is of another kind altogether than what the branch takes."""
    if error["loc"]:
        return False
    return error["type"] in _WRONG_TYPE and not (error["type"] == "literal_error" and isinstance(error["input"], str))


def _written(path: Path, document: Places) -> Path:
    """The path without indices that a shorthand has made (one number written for a pair, one loss for a list)."""
    written = path[: len(document.base)]
    for step in path[len(document.base) :]:
        if not isinstance(step, int) or _is_list(document.at(written), step):
            written = (*written, step)
    return written


def _is_list(value: Any, index: int) -> bool:
    return isinstance(value, tuple) and index < len(value)


# -- words -------------------------------------------------------------------------------------------------------------


def _fault(located: _Located, document: Places) -> Fault:
    error, _, here, around = located
    path = _written(located.path, document)
    kind, value, context = error["type"], error["input"], error.get("ctx") or {}
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        hint = nearest(str(path[-1]), walk.names_at(around)) or "it has no fields"
        return document.fault(path, "unknown field", hint, key=True)
    if kind == "missing":
        return _missing((*_written(located.path[:-1], document), located.path[-1]), around, document)
    if kind == "union_tag_invalid":
        return unknown(walk.chosen_kind(here) or "", str(value[0]), path, document, value[1])
    if kind == "choice_form":
        return _choice_form(here, value, path, document)
    if kind == "choice_no_fields":
        return no_fields((*path, context["name"]), document, document.at((*path, context["name"])))
    if kind in _WRONG_TYPE:
        return document.fault(path, f"expected {walk.words(here)}, found {shown(value)}", _spelling(here, value))
    if kind in _BOUNDS:
        text, name = _BOUNDS[kind]
        return document.fault(path, f"{text.format(figure(context[name]))}, found {shown(value)}")
    if kind == "finite_number":
        return document.fault(path, f"expected a finite number, found {shown(value)}")
    if kind == "too_long":
        return document.fault(path, _count(here, document.at(path)))
    if kind in ("string_too_short", "too_short"):
        return document.fault(path, "must not be empty", "give at least one" if kind == "too_short" else "")
    if kind == "value_error":
        return document.fault(path, str(context["error"]))
    return document.fault(path, f"{error['msg']}, found {shown(value)}")


def _missing(path: Path, around: Any, document: Places) -> Fault:
    name = path[-1]
    if isinstance(name, int):
        path = path[:-1]
        return document.fault(path, _count(around, document.at(path)))
    outer = path[-2] if len(path) > 1 and isinstance(path[-2], str) else None
    hint = f"write `{outer}: {{{name}: ...}}`" if outer else f"write `{name}: ...`"
    return document.fault(path[:-1], f"the field '{name}' is required", hint)


def _count(annotation: Any, value: Any) -> str:
    wanted, found = len(walk.members(annotation) or ()), len(value) if isinstance(value, tuple) else 1
    return f"expected {number(wanted, 'value')}, found {found}"


def _choice_form(annotation: Any, value: Any, path: Path, document: Places) -> Fault:
    kind = walk.chosen_kind(annotation) or ""
    names = [key for key in value if key in registry.KINDS[kind]] if isinstance(value, dict) else []
    hint = f"write the name of {article(noun(kind))}, or one `name: {{fields}}`"
    if len(names) == 1:
        rest = {key: item for key, item in value.items() if key != names[0]}
        hint = f"fields go inside its braces: `{names[0]}: {flow(rest)}`"
    elif len(names) > 1:
        hint = f"choose one of {either([quoted(name) for name in names])}"
    elif isinstance(value, dict):
        for key in TYPE_KEYS:
            if isinstance(value.get(key), str):
                hint = type_is_key(kind, value[key], {k: item for k, item in value.items() if k != key})
    return document.fault(path, f"expected {walk.words(annotation)}, found {shown(value)}", hint)


def _spelling(annotation: Any, value: Any) -> str:
    """A hint where the value would have been right in another spelling."""
    if value is None:
        return "write a value, or leave the field out"
    if (members := walk.members(annotation)) is not None and members[-1:] == (Ellipsis,):
        if isinstance(value, dict) and walk.chosen_kind(members[0]) is None and not walk.names_at(members[0]):
            return ""
        return f"write `[{cut(flow(value))}]`"
    if names := walk.names_at(annotation):
        plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        return f"write `{{{names[0]}: {cut(flow(value))}}}`" if plain else nearest("", names)
    types = {walk.bare(option) for option in walk.options(annotation)}
    if bool in types and str(value).lower() in ("yes", "on", "no", "off", "1", "0", "true", "false"):
        return f"write {'true' if str(value).lower() in ('yes', 'on', '1', 'true') else 'false'}"
    if not types & {int, float}:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"write {int(value)}"
    if isinstance(value, str):
        if _is_number(value):
            return "write the number without quotes"
        if _is_number(value.replace(",", ".").replace("_", "").replace("'", "")):
            return "write the number with a decimal point and without separators"
    return ""


def _is_number(text: str) -> bool:
    return isinstance(scalar(text), int | float)
