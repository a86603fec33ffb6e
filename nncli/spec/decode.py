"""A document to a validated configuration, or all its faults at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any

from nncli import registry
from nncli.errors import Fault, SpecError, nearest
from nncli.fields import Section
from nncli.spec import messages
from nncli.spec.blocks import Reads, Unfolding, blocks_of, once
from nncli.spec.config import DEFAULTS, SECTIONS, Config, NodeExtras, NodeSpec
from nncli.spec.entries import split_entry
from nncli.spec.reading import read
from nncli.spec.words import quoted, shown
from nncli.spec.yaml12 import Document, Path, Places, show

TOP = [*SECTIONS, "blocks", "network"]
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
    values = sections_of(document, SECTIONS, TOP, faults)
    _check(plain, values, document, faults)
    given: dict[str, Any] = {"name": default_name(document.file), "loss": ()}
    given |= {key: value for key, value in values.items() if value is not None}
    for key, name in DEFAULTS.items():
        if key not in given:
            given[key] = registry.KINDS[key][name]()
    config = Config(network=network_of(document, faults), **given)
    return config, in_order(faults)


def in_order(faults: list[Fault]) -> list[Fault]:
    """As they stand in the file."""
    return sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))


def sections_of(
    document: Document, known: Mapping[str, Any], top: Sequence[str], faults: list[Fault]
) -> dict[str, Any]:
    """The values of the sections that the file has, of those that are `known` by their types; None where one is
    faulty. What is in `top` besides is read elsewhere."""
    values: dict[str, Any] = {}
    for key, value in document.plain.items():
        if key not in top:
            faults.append(document.fault((key,), "unknown section", nearest(key, top), key=True))
        elif key in known and value is not None:
            values[key] = read(known[key], value, document, (key,), faults)
    return values


def default_name(file: str) -> str:
    """The file's name as a run's name."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", FilePath(file).stem).lstrip(".-") or "run"


# -- what spans sections -----------------------------------------------------------------------------------------------


def _check(plain: dict[str, Any], values: dict[str, Any], document: Document, faults: list[Fault]) -> None:
    """Metrics are named once, and what watches a figure names one that is measured."""
    if plain.get("metrics") is not None and values["metrics"] is None:
        return
    names: list[str] = []
    for index, metric in enumerate(values.get("metrics") or ()):
        if metric.figure == "loss" or metric.figure.startswith("loss_"):
            message = f"{quoted(metric.figure)} is the name of a figure of the loss"
            faults.append(document.fault(("metrics", index), message, "call the metric otherwise"))
        if metric.figure in names:
            first = show(("metrics", names.index(metric.figure)))
            message = f"the metric '{metric.figure}' stands twice (first as {first})"
            hint = f"keep one of the two, or give one a name: `{{{metric.part.type_name}: {{...}}, name: ...}}`"
            faults.append(document.fault(("metrics", index), message, hint))
        names.append(metric.figure)
    schedule, known = values.get("schedule"), ["loss", *names]
    watching: list[tuple[Path, Any]] = [
        (path, document.at(path)) for path in (("train", "early_stopping", "metric"), ("checkpoint", "best", "metric"))
    ]
    if schedule is not None:
        watching.append((("schedule", schedule.type_name, "metric"), schedule.watches()))
    for path, figure in watching:
        if isinstance(figure, str) and figure not in known:
            hint = nearest(figure, known)
            if figure in registry.metric:
                hint = f"add it to `metrics`: `metrics: [{', '.join([*names, figure])}]`"
            faults.append(document.fault(path, f"{quoted(figure)} is not measured", hint))


# -- the network -------------------------------------------------------------------------------------------------------


def network_of(document: Document, faults: list[Fault], section: str = "network") -> tuple[NodeSpec, ...]:
    """The nodes of the list of layers that stands in a section."""
    plain = document.plain.get(section)
    if not isinstance(plain, tuple) or not plain:
        what = f"there is no {section}" if plain is None else f"expected a list of layers, found {shown(plain)}"
        path: Path = (section,) if section in document.plain else ()
        faults.append(document.fault(path, what, f"write `{section}:` and below it one `- layer` for each node"))
        return ()
    specs: list[NodeSpec] = []
    own: list[Fault] = []
    for flat in Unfolding(document, blocks_of(document, own), own).network(plain, section):
        path = flat.entry.base
        if flat.entry.broken:
            specs.append(NodeSpec(None, flat.name, None, path))
            continue
        kind, fields, extras = split_entry(flat.entry.plain, flat.entry, path, own)
        layer = None if kind is None else _layer(kind, fields, flat.entry, path, own)
        more = read(Annotated[NodeExtras, _MAPPING], extras, flat.entry, path, own) or NodeExtras()
        reads = flat.reads if more.inputs is None else Reads(flat.scope, more.inputs)
        inputs = None if reads is None else reads.resolve()
        share = None if more.share is None else flat.scope.resolve(more.share)
        specs.append(NodeSpec(layer, flat.name, inputs, path, share, more.trainable and flat.trainable))
    faults.extend(once(own))
    return tuple(specs)


def _layer(kind: str, fields: Any, document: Places, path: Path, faults: list[Fault]) -> Any:
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
