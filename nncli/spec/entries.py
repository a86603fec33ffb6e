"""The entries of `network`: which layer each is, what stands beside it, and what its node is called."""

from __future__ import annotations

import dataclasses
from collections.abc import Container
from typing import Annotated, Any

from nncli import registry
from nncli.errors import Fault, nearest
from nncli.fields import Section
from nncli.spec import messages, walk
from nncli.spec.config import NodeExtras
from nncli.spec.words import article, quoted, shown
from nncli.spec.yaml12 import Path, Places

EXTRAS = tuple(field.name for field in dataclasses.fields(NodeExtras))


def node_names(nodes: list[tuple[str | None, str | None]], blocks: Container[str] = ()) -> list[str]:
    """The name of each node, from its layer's or block's name and its own, if it has one.

    A node without a name is called after its layer and how many of them there are so far, as in `dense_2`; a number
    whose name another node has is left out.
    """
    taken = {name for _, name in nodes}
    counts: dict[str, int] = {}
    names = []
    for kind, name in nodes:
        stem = kind if kind is not None and (kind in registry.layer or kind in blocks) else "node"
        counts[stem] = counts.get(stem, 0) + 1
        while name is None and f"{stem}_{counts[stem]}" in taken:
            counts[stem] += 1
        names.append(name or f"{stem}_{counts[stem]}")
    return names


def split_entry(
    entry: Any, document: Places, path: Path, faults: list[Fault]
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


def _beside(key: str, value: Any, kind: str, document: Places, path: Path) -> Fault:
    """A key beside the layer that is none of the entry's."""
    fields = walk.names_at(Annotated[registry.layer[kind], Section()])
    hint = f"beside the layer stand {' and '.join(EXTRAS)}; fields of {kind} go inside its braces"
    if key in fields:
        hint = f"fields of {kind} go inside its braces: `{kind}: {{{key}: {shown(value)}}}`"
    elif (near := nearest(key, EXTRAS)).startswith("did"):
        hint = near
    return document.fault((*path, key), "unknown key beside the layer", hint, key=True)
