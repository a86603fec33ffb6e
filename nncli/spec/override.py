"""`--set path=value`: one field of a document changed, found through the types of the sections.

The value is YAML. Shorthand is expanded on the way, so that `optimizer.adam.lr=0.01` works on `optimizer: adam` and on
`optimizer: {adam: 0.02}` alike. The name of what was chosen may be left out (`optimizer.lr`, `network[3].filters`),
and an entry of `network` can be called by its node's name (`network.stem.filters`).
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from nncli import registry
from nncli.errors import Fault, SpecError, nearest
from nncli.spec import walk
from nncli.spec.blocks import USE, Use
from nncli.spec.config import DEFAULTS, PART, SECTIONS, NodeExtras
from nncli.spec.decode import TOP
from nncli.spec.dump import inline
from nncli.spec.entries import EXTRAS, node_names
from nncli.spec.game import GAME_SECTIONS, GAME_TOP, PLAYERS, is_game, section_type
from nncli.spec.words import article, noun, number, quoted, shown
from nncli.spec.yaml12 import Document, Path, option, parse, show

_STEP = r"[^\s.=\[\]]+"
_PATH = re.compile(rf"{_STEP}(?:\.{_STEP}|\[[0-9]{{1,9}}\])*")
_STEPS = re.compile(rf"\[([0-9]+)\]|({_STEP})")
_FORM = "write `path=value`, such as `optimizer.adam.lr=0.01` or `network[3].filters=8`"


class _Refused(Exception):
    """A path that leads nowhere: how far it came, and why it ends there."""

    def __init__(self, path: Path, message: str, hint: str = "") -> None:
        self.path, self.message, self.hint = path, message, hint


def apply(document: Document, text: str) -> list[Fault]:
    """Change the document as `--set text` says; where that cannot be, leave it and return the faults."""
    if not isinstance(document.plain, dict):
        return []
    try:
        steps, value = _read(text)
        path, plain = _sections(document.plain, steps, value)
    except _Refused as refused:
        return [Fault(refused.message, show(refused.path), refused.hint, option(text))]
    document.override(path, plain, text)
    return []


def _read(text: str) -> tuple[Path, Any]:
    """The steps of the path, and the value."""
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals:
        raise _Refused((), "there is no '='", _FORM)
    if not _PATH.fullmatch(path):
        raise _Refused((), f"{quoted(path)} is no path; indices count from 0" if path else "there is no path", _FORM)
    steps = tuple(int(index) if index else name for index, name in _STEPS.findall(path))
    try:
        return steps, parse(value, "").plain
    except SpecError as error:
        fault = error.faults[0]
        hint = fault.hint or "put a text with special characters in quotes"
        raise _Refused(steps, f"the value cannot be read: {fault.message}", hint) from None


# Each function below takes what stands at `done`, the steps that remain and the value to set; it returns the whole
# path, with what was left out, and the new content of `done`.


def _sections(plain: dict[str, Any], steps: Path, value: Any) -> tuple[Path, Any]:
    name, rest = steps[0], steps[1:]
    game = is_game(plain)
    top, networks = (GAME_TOP, PLAYERS) if game else (TOP, ("network",))
    if name not in top:
        raise _Refused((name,), "unknown section", nearest(str(name), top))
    name = str(name)
    if name in networks and rest:
        path, new = _network(name, plain.get(name), rest, value, plain.get("blocks"))
    elif name == "blocks" and rest:
        path, new = _plain(plain.get(name), (name,), rest, value)
    else:
        path, new = _put(_section(game, name, plain, rest), plain.get(name), (name,), rest, value)
    return path, {**plain, name: new}


def _section(game: bool, name: str, plain: dict[str, Any], rest: Path) -> Any:
    """The type of a section; where a GAN's may be given for each player, the steps or the file say whether it is."""
    if not game:
        return SECTIONS.get(name)
    if plain.get(name) is None and rest and rest[0] not in PLAYERS:
        return section_type(name, {})
    return section_type(name, plain.get(name)) if name in GAME_SECTIONS else None


def _put(annotation: Any, current: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    if not steps:
        return done, value
    kind = walk.chosen_kind(annotation)
    if kind is not None:
        return _choice(kind, current, done, steps, value)
    cls = walk.dataclass_of(annotation)
    if walk.beside(annotation) is not None:
        return _chosen_with_more(annotation, current, done, steps, value)
    if cls is not None:
        return _fields(cls, walk.expanded(annotation, current), done, steps, value)
    if walk.members(annotation) is not None:
        if (
            not isinstance(current, tuple)
            and not isinstance(steps[0], int)
            and walk.beside(walk.element(annotation, 0))
        ):
            return _put(walk.element(annotation, 0), current, done, steps, value)
        return _list(annotation, walk.expanded(annotation, current), done, steps, value)
    if isinstance(current, dict) and walk.takes_names(annotation):
        return _plain(current, done, steps, value)
    raise _Refused(
        (*done, steps[0]), f"'{show(done)}' is {walk.words(annotation)}, it has no parts", f"write `{show(done)}=...`"
    )


def _chosen_with_more(annotation: Any, current: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    """A part and what stands beside it, in one mapping."""
    beside, cls = walk.beside(annotation) or [], walk.dataclass_of(annotation)
    assert cls is not None
    entry = current if isinstance(current, dict) else {} if current is None else {current: {}}
    more = {key: item for key, item in entry.items() if key in beside}
    if steps[0] in beside:
        path, new = _fields(cls, more, done, steps, value)
        return path, {**entry, **new}
    part: Any = {key: item for key, item in entry.items() if key not in beside} or None
    if isinstance(current, str):
        part = current
    path, new = _put(walk.child(annotation, PART), part, done, steps, value)
    if not more:
        return path, new
    return path, {**(new if isinstance(new, dict) else {new: {}}), **more}


def _fields(cls: type, current: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    known, step = walk.fields_of(cls), steps[0]
    if current is None:
        current = {}
    if not isinstance(current, dict):
        raise _Refused(done, f"here stands {shown(current)}, not a mapping", f"write `{show(done)}=...`")
    if isinstance(step, int):
        hint = f"known: {', '.join(sorted(known))}"
        raise _Refused((*done, step), f"'{show(done)}' has fields, not entries", hint)
    if step not in known:
        raise _Refused((*done, step), "unknown field", nearest(step, list(known)) or "it has no fields")
    inner = current.get(step)
    if inner is None and len(steps) > 1 and isinstance(default := walk.default_of(cls, step), tuple | str):
        inner = default
    path, new = _put(known[step], inner, (*done, step), steps[1:], value)
    return path, {**current, step: new}


def _list(annotation: Any, current: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    step = steps[0]
    current = () if current is None else current
    if not isinstance(current, tuple):
        raise _Refused(done, f"here stands {shown(current)}, not a list", f"write `{show(done)}=[...]`")
    if not isinstance(step, int):
        raise _Refused(
            (*done, step), f"'{show(done)}' is a list", f"write `{show(done)}[{step if step.isdigit() else 0}]`"
        )
    _in_range(step, current, done)
    path, new = _put(walk.element(annotation, step), current[step], (*done, step), steps[1:], value)
    return path, (*current[:step], new, *current[step + 1 :])


def _in_range(index: int, entries: tuple[Any, ...], done: Path) -> None:
    if index >= len(entries):
        message = f"there is no entry {index}: '{show(done)}' has {number(len(entries), 'entry')}, counted from 0"
        raise _Refused((*done, index), message, f"to add entries write the whole list, `{show(done)}=[...]`")


def _choice(kind: str, current: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    table, step = registry.KINDS[kind], steps[0]
    name, fields = _chosen(current)
    if current is None:
        name = str(step) if step in table else DEFAULTS.get(kind)
        if name is None:
            raise _Refused((*done, step), f"unknown {noun(kind)} {quoted(str(step))}", nearest(str(step), list(table)))
    if name is None:
        raise _other(kind, shown(current), done, steps, value)
    known = list(walk.fields_of(table[name])) if name in table else []
    if step != name and step not in known:
        if step in table:
            raise _other(kind, quoted(name), done, steps, value)
        hint = nearest(str(step), [*known, *table])
        if known and not hint.startswith("did"):
            hint = f"fields of {name}: {', '.join(known)}"
        raise _Refused((*done, step), f"neither {article(noun(kind))} nor a field of {name}", hint)
    if name not in table:
        raise _Refused((*done, step), f"unknown {noun(kind)} {quoted(name)}", nearest(name, list(table)))
    path, new = _inside(table[name], name, fields, done, steps, value)
    return path, {name: new}


def _inside(cls: type, name: str, fields: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    """Set below a class that is chosen; its own name may be the first step or left out."""
    done = (*done, name)
    steps = steps[1:] if steps[0] == name else steps
    if not steps:
        return done, value
    return _fields(cls, _expanded(cls, fields), done, steps, value)


def _expanded(cls: type, fields: Any) -> Any:
    """`type: value` as a mapping of its first field."""
    if fields is None or isinstance(fields, dict):
        return fields
    first = registry.first_field(cls)
    return {first: fields} if first is not None else fields


def _chosen(current: Any) -> tuple[str | None, Any]:
    """The name and the fields of a choice as the file writes it; no name where it is none."""
    if isinstance(current, str):
        return current, None
    if isinstance(current, dict) and len(current) == 1:
        return next(iter(current.items()))
    return None, None


def _other(kind: str, found: str, done: Path, steps: Path, value: Any) -> _Refused:
    """The file chooses something else than the path means: fields of one do not fit the other."""
    new = value
    for step in reversed(steps):
        new = {step: new} if isinstance(step, str) else ("...",)
    hint = f"to choose another {noun(kind)}: --set {show(done)}={shlex.quote(inline(new))}"
    return _Refused((*done, steps[0]), f"here stands {found}", hint)


def _plain(current: Any, done: Path, steps: Path, value: Any) -> tuple[Path, Any]:
    """Below a place whose fields no type names: what stands there must be there already, but for the last step."""
    if not steps:
        return done, value
    step, here = steps[0], current
    if isinstance(here, dict) and isinstance(step, str) and (step in here or len(steps) == 1):
        path, new = _plain(here.get(step), (*done, step), steps[1:], value)
        return path, {**here, step: new}
    if isinstance(here, tuple) and isinstance(step, int):
        _in_range(step, here, done)
        path, new = _plain(here[step], (*done, step), steps[1:], value)
        return path, (*here[:step], new, *here[step + 1 :])
    known = list(here) if isinstance(here, dict) else []
    hint = nearest(str(step), known) if known else f"write `{show(done)}=...`"
    raise _Refused((*done, step), f"there is no such place: here stands {shown(here)}", hint)


def _network(section: str, entries: Any, steps: Path, value: Any, blocks: Any) -> tuple[Path, Any]:
    done: Path = (section,)
    if not isinstance(entries, tuple):
        message = f"the file has no {section}" if entries is None else f"here stands {shown(entries)}, not a list"
        raise _Refused(done, message, f"write `{section}=[...]`")
    index = steps[0]
    if isinstance(index, str):
        names = node_names([_kind_and_name(entry) for entry in entries], blocks if isinstance(blocks, dict) else ())
        if index not in names:
            hint = f"write `{section}[{index}]`" if index.isdigit() else nearest(index, names)
            raise _Refused((*done, index), f"no node is called {quoted(index)}", hint)
        index = names.index(index)
    _in_range(index, entries, done)
    path, new = (*done, index), value
    if len(steps) > 1:
        path, new = _entry(entries[index], path, steps[1:], value, blocks if isinstance(blocks, dict) else {})
    return path, (*entries[:index], new, *entries[index + 1 :])


def _block_use(entry: Any, name: str, done: Path, steps: Path, value: Any, block: Any) -> tuple[Path, Any]:
    """Where a block is used: its parameters (its name may be left out), or what stands beside it."""
    entry, step = {name: {}} if isinstance(entry, str) else entry, steps[0]
    known = list(block.get("parameters") or {}) if isinstance(block, dict) else []
    if step in USE:
        path, beside = _fields(Use, {key: entry[key] for key in USE if key in entry}, done, steps, value)
        return path, entry | beside
    rest = steps[1:] if step == name else steps
    if not rest:
        return (*done, name), entry | {name: value}
    if rest[0] not in known:
        raise _Refused((*done, rest[0]), f"no parameter of the block {quoted(name)}", nearest(str(rest[0]), known))
    given = entry[name] if isinstance(entry[name], dict) else {} if entry[name] is None else {known[0]: entry[name]}
    path, new = _plain({key: None for key in known} | given, (*done, name), rest, value)
    return path, entry | {name: {key: item for key, item in new.items() if key in given or key == rest[0]}}


def _kind_and_name(entry: Any) -> tuple[str | None, str | None]:
    if not isinstance(entry, dict):
        return (entry if isinstance(entry, str) else None), None
    kinds, name = [key for key in entry if key not in (*EXTRAS, *USE)], entry.get("name")
    return kinds[0] if len(kinds) == 1 else None, name if isinstance(name, str) else None


def _entry(entry: Any, done: Path, steps: Path, value: Any, blocks: dict[str, Any]) -> tuple[Path, Any]:
    """An entry of `network`: below its layer, or what stands beside it."""
    kind, step = _kind_and_name(entry)[0], steps[0]
    used = next((key for key in entry if key in blocks), None) if isinstance(entry, dict) else entry
    if used in blocks:
        return _block_use(entry, str(used), done, steps, value, blocks[str(used)])
    if kind is None:
        raise _Refused(done, f"here stands {shown(entry)}, not a layer", f"write `{show(done)}=...`")
    entry = {entry: {}} if isinstance(entry, str) else entry
    if step in EXTRAS:
        path, beside = _fields(NodeExtras, {key: entry[key] for key in EXTRAS if key in entry}, done, steps, value)
        return path, entry | beside
    if kind not in registry.layer:
        raise _Refused((*done, kind), f"unknown layer {quoted(kind)}", nearest(kind, list(registry.layer)))
    known = list(walk.fields_of(registry.layer[kind]))
    if step != kind and step not in known:
        if step in registry.layer:
            raise _other("layer", quoted(kind), done, steps, value)
        raise _Refused((*done, step), f"no field of {kind}", nearest(str(step), [*known, kind, *EXTRAS]))
    path, new = _inside(registry.layer[kind], kind, entry[kind], done, steps, value)
    return path, entry | {kind: new}
