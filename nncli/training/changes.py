"""What is another in a configuration than it was when the run began."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from nncli.errors import Fault, SpecError
from nncli.spec.load import Read
from nncli.spec.yaml12 import Path, show

NOTHING = "nothing"


class Change(NamedTuple):
    """A value that `was` one text and is `now` another; `fault` has its path, and where the new one stands."""

    was: str
    now: str
    fault: Fault

    @property
    def path(self) -> str:
        return self.fault.path

    def __str__(self) -> str:
        return f"{self.path}: {self.was} → {self.now}"


def changes(stored: Any, wanted: Any, read: Read) -> tuple[Change, ...]:
    """What differs between two configurations, of which `read` is what the second came from."""
    if wanted.input is None:
        wanted = dataclasses.replace(wanted, input=stored.input)
    before, after = _flat(stored), _flat(wanted)
    found = []
    for path in sorted(before.keys() | after.keys(), key=show):
        was, now = before.get(path, NOTHING), after.get(path, NOTHING)
        if was != now:
            found.append(Change(was, now, dataclasses.replace(read.document.fault(path, ""), path=show(path))))
    return tuple(found)


def refuse(found: tuple[Change, ...]) -> None:
    """Raises SpecError that lists these changes, if there are any."""
    if not found:
        return
    faults = [
        dataclasses.replace(one.fault, message=f"changed since the run began: {one.was} → {one.now}") for one in found
    ]
    hint = "a run goes on with what it began with; --allow-change goes on with the new values where that is possible"
    raise SpecError([*faults[:-1], dataclasses.replace(faults[-1], hint=hint)])


def _flat(config: Any) -> dict[Path, str]:
    """Every value of a configuration by its path, as text."""
    found: dict[Path, str] = {}

    def walk(value: Any, path: Path) -> None:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = getattr(value, "type_name", None)
            here = path if kind is None else (*path, kind)
            fields = dataclasses.fields(value)
            if not fields:
                found[here] = show(here)
            for field in (field for field in fields if field.compare):
                walk(getattr(value, field.name), here if field.name == "layer" else (*here, field.name))
        elif isinstance(value, tuple) and any(dataclasses.is_dataclass(item) for item in value):
            for index, item in enumerate(value):
                walk(item, (*path, index))
        else:
            found[path] = NOTHING if value is None else str(value)

    walk(config, ())
    return found
