"""Lists of mirrors in files: where `data fetch` looks for data sets first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from nncli.errors import Fault, SpecError, nearest
from nncli.fetch.catalogue import KNOWN
from nncli.fetch.sets import ANY
from nncli.fields import Section, Texts
from nncli.registry import section
from nncli.spec.files import open_document
from nncli.spec.reading import read


@section
@dataclass(frozen=True, slots=True)
class Mirrors:
    """`mirrors` are addresses for each data set, by its name, and for all of them under `*`; {set} in an address stands
    for the name of the set."""

    mirrors: dict[str, Texts] = field(default_factory=dict)


def read_mirrors(path: Path) -> dict[str, Sequence[str]]:
    """Addresses by the name of the data set. Raises SpecError with all faults of the file."""
    document = open_document(path)
    found: list[Fault] = []
    stored = read(Annotated[Mirrors, Section()], document.plain, document, (), found)
    if stored is not None:
        for name, addresses in stored.mirrors.items():
            if name != ANY and name not in KNOWN:
                message = f"no data set '{name}' is known"
                found.append(document.fault(("mirrors", name), message, nearest(name, list(KNOWN)), key=True))
            for address in addresses:
                if not address.startswith(("https://", "http://")):
                    message = f"'{address}' is no address of a mirror"
                    found.append(document.fault(("mirrors", name), message, "it begins with https:// or http://"))
    if found:
        raise SpecError(found)
    assert stored is not None
    return dict(stored.mirrors)
