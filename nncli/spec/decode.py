"""A document to a validated configuration, or all its faults at once."""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

import nncli.data
import nncli.initializers
import nncli.layers
import nncli.losses
import nncli.metrics
import nncli.optimizers
import nncli.schedules  # noqa: F401  (importing the rooms fills the registries)
from nncli import registry
from nncli.errors import Fault, NncliError, SpecError, nearest
from nncli.fields import Section
from nncli.spec import messages, walk
from nncli.spec.config import DEFAULTS, SECTIONS, Config, NodeExtras, NodeSpec
from nncli.spec.words import article, quoted, shown
from nncli.spec.yaml12 import Document, Path, show

EXTRAS = tuple(field.name for field in dataclasses.fields(NodeExtras))
TOP = [*SECTIONS, "network"]
"""Names of the sections."""
_MAPPING = Section()


def decode(document: Document) -> tuple[Config, list[Fault]]:
    """The configuration and all faults found. Sections that are faulty have their defaults in it; layers are None.

    Raises SpecError where nothing can be read, because the document is no mapping.
    """
    plain = document.plain
    if not isinstance(plain, dict):
        what = "the file is empty" if plain is None else f"expected sections, found {shown(plain)}"
        raise SpecError(document.fault((), what, "a configuration begins with sections such as `network:`"))
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for key, value in plain.items():
        if key == "network":
            continue
        if key not in SECTIONS:
            faults.append(document.fault((key,), "unknown section", nearest(key, TOP), key=True))
        elif value is not None:
            values[key] = read(SECTIONS[key], value, document, (key,), faults)
    _check(plain, values, document, faults)
    given: dict[str, Any] = {"name": _default_name(document.file), "loss": None}
    given |= {key: value for key, value in values.items() if value is not None}
    for key, name in DEFAULTS.items():
        if key not in given:
            given[key] = registry.KINDS[key][name]()
    config = Config(network=_network(document, faults), **given)
    return config, sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))


def read(annotation: Any, value: Any, document: Document, path: Path, faults: list[Fault]) -> Any:
    """The validated value of one place; None with its faults added where it is wrong."""
    try:
        return adapter(annotation).validate_python(value)
    except ValidationError as error:
        faults.extend(messages.faults(error.errors(include_url=False), document, path, annotation))
    except NncliError as error:
        faults.extend(document.fault(path, fault.message, fault.hint) for fault in error.faults)
    return None


def adapter(annotation: Any) -> TypeAdapter[Any]:
    """What reads a type strictly, with the classes that are registered now."""
    return _adapter(annotation, _registered())


@lru_cache(maxsize=512)
def _adapter(annotation: Any, registered: tuple[type, ...]) -> TypeAdapter[Any]:
    """Strict reading of a type; made again where there are other classes to choose from than there were.

    Pydantic refuses settings for a dataclass, which brings its own.
    """
    config: Any = {"strict": True, "allow_inf_nan": False}
    return TypeAdapter(annotation, config=None if walk.dataclass_of(annotation) is not None else config)


def _registered() -> tuple[type, ...]:
    return tuple(cls for table in registry.KINDS.values() for _, cls in table.items())


def _default_name(file: str) -> str:
    """The file's name as a run's name."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", FilePath(file).stem).lstrip(".-") or "run"


# -- what spans sections -----------------------------------------------------------------------------------------------


def _check(plain: dict[str, Any], values: dict[str, Any], document: Document, faults: list[Fault]) -> None:
    """Metrics are named once, and what watches a figure names one that is measured."""
    if plain.get("metrics") is not None and values["metrics"] is None:
        return
    names: list[str] = []
    for index, metric in enumerate(values.get("metrics") or ()):
        if metric.type_name in names:
            first = show(("metrics", names.index(metric.type_name)))
            message = f"the metric '{metric.type_name}' stands twice (first as {first})"
            faults.append(document.fault(("metrics", index), message, "keep one of the two"))
        names.append(metric.type_name)
    for path in (("train", "early_stopping", "metric"), ("checkpoint", "best", "metric")):
        figure, known = document.at(path), ["loss", *names]
        if isinstance(figure, str) and figure not in known:
            hint = nearest(figure, known)
            if figure in registry.metric:
                hint = f"add it to `metrics`: `metrics: [{', '.join([*names, figure])}]`"
            faults.append(document.fault(path, f"{quoted(figure)} is not measured", hint))


# -- the network -------------------------------------------------------------------------------------------------------


def _network(document: Document, faults: list[Fault]) -> tuple[NodeSpec, ...]:
    plain = document.plain.get("network")
    if not isinstance(plain, tuple) or not plain:
        what = "there is no network" if plain is None else f"expected a list of layers, found {shown(plain)}"
        path: Path = ("network",) if "network" in document.plain else ()
        faults.append(document.fault(path, what, "write `network:` and below it one `- layer` for each node"))
        return ()
    entries = []
    for index, entry in enumerate(plain):
        path = ("network", index)
        kind, fields, extras = split_entry(entry, document, path, faults)
        layer = None if kind is None else _layer(kind, fields, document, path, faults)
        more = read(Annotated[NodeExtras, _MAPPING], extras, document, path, faults) or NodeExtras()
        entries.append((layer, kind, more))
    names = node_names([(kind, more.name) for _, kind, more in entries])
    return tuple(
        NodeSpec(layer, name, more.inputs, index, more.share, more.trainable)
        for index, ((layer, _, more), name) in enumerate(zip(entries, names, strict=True))
    )


def node_names(nodes: list[tuple[str | None, str | None]]) -> list[str]:
    """The name of each node, from its layer's name and its own, if it has one.

    A node without a name is called after its layer and how many of them there are so far, as in `dense_2`; a number
    whose name another node has is left out.
    """
    taken = {name for _, name in nodes}
    counts: dict[str, int] = {}
    names = []
    for kind, name in nodes:
        stem = kind if kind is not None and kind in registry.layer else "node"
        counts[stem] = counts.get(stem, 0) + 1
        while name is None and f"{stem}_{counts[stem]}" in taken:
            counts[stem] += 1
        names.append(name or f"{stem}_{counts[stem]}")
    return names


def _layer(kind: str, fields: Any, document: Document, path: Path, faults: list[Fault]) -> Any:
    if kind not in registry.layer:
        faults.append(messages.unknown("layer", kind, path, document, fields))
        return None
    cls = registry.layer[kind]
    if fields is None:
        fields = {}
    elif not isinstance(fields, dict):
        first = registry.first_field(cls)
        if first is None:
            faults.append(messages.no_fields((*path, kind), document, fields))
            return None
        fields = {first: fields}
    return read(Annotated[cls, _MAPPING], fields, document, (*path, kind), faults)


def split_entry(
    entry: Any, document: Document, path: Path, faults: list[Fault]
) -> tuple[str | None, Any, dict[str, Any]]:
    """The layer's name, its fields and the extras of an entry; the name is None where it cannot be told."""
    if isinstance(entry, str):
        return entry, None, {}
    if not isinstance(entry, dict):
        faults.append(
            document.fault(path, f"expected a layer, found {shown(entry)}", "write `- relu` or `- dense: 10`")
        )
        return None, None, {}
    extras = {key: value for key, value in entry.items() if key in EXTRAS}
    kinds = [key for key in entry if key not in EXTRAS]
    if len(kinds) == 1:
        return kinds[0], entry[kinds[0]], extras
    if not kinds:
        faults.append(document.fault(path, "the entry names no layer", "write `- {dense: 10, name: ...}`"))
        return None, None, extras
    known = [kind for kind in kinds if kind in registry.layer]
    if len(known) == 1:
        for kind in kinds:
            if kind != known[0]:
                faults.append(_beside(kind, entry[kind], known[0], document, path))
        return known[0], entry[known[0]], extras
    for key in messages.TYPE_KEYS:
        if isinstance(entry.get(key), str):
            fields = {kind: entry[kind] for kind in kinds if kind != key}
            faults.append(
                document.fault((*path, key), "unknown key", messages.type_is_key("layer", entry[key], fields), key=True)
            )
            return None, None, extras
    names = " and ".join(quoted(kind) for kind in kinds[:3]) + (" and others" if len(kinds) > 3 else "")
    hint = "each layer is an entry of its own, with its own `-`"
    faults.append(document.fault(path, f"expected {article('layer')}, found several keys: {names}", hint))
    return None, None, extras


def _beside(key: str, value: Any, kind: str, document: Document, path: Path) -> Fault:
    """A key beside the layer that is none of the entry's."""
    fields = walk.names_at(Annotated[registry.layer[kind], _MAPPING])
    hint = f"beside the layer stand {' and '.join(EXTRAS)}; fields of {kind} go inside its braces"
    if key in fields:
        hint = f"fields of {kind} go inside its braces: `{kind}: {{{key}: {shown(value)}}}`"
    elif (near := nearest(key, EXTRAS)).startswith("did"):
        hint = near
    return document.fault((*path, key), "unknown key beside the layer", hint, key=True)
