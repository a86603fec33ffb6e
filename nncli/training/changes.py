"""What may be another when a run goes on, and what makes it another run."""

from __future__ import annotations

import dataclasses
from typing import Any

from nncli.errors import Fault, SpecError


def refuse_changes(stored: Any, wanted: Any, may: tuple[str, ...], where: str) -> None:
    """Raises SpecError that lists what differs between two configurations and must not.

    `may` are the beginnings of paths that may differ, `where` is what messages call the place of the second.
    """
    if wanted.input is None:
        wanted = dataclasses.replace(wanted, input=stored.input)
    before, after = _flat(stored), _flat(wanted)
    faults = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) == after.get(path) or path.startswith(may):
            continue
        was, now = before.get(path, "nothing"), after.get(path, "nothing")
        faults.append(Fault(f"the run was trained with {was}, now it is {now}", path, "", where))
    if faults:
        hint = "a run goes on with what it began with; to train with other settings start a new one, without --resume"
        raise SpecError([*faults[:-1], dataclasses.replace(faults[-1], hint=hint)])


def _flat(config: Any) -> dict[str, str]:
    """Every value of a configuration by its path, as text."""
    found: dict[str, str] = {}

    def walk(value: Any, path: str) -> None:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = getattr(value, "type_name", None)
            here = ".".join(part for part in (path, kind) if part)
            fields = dataclasses.fields(value)
            if not fields:
                found[here] = here
            for field in (field for field in fields if field.compare):
                inner = here if field.name == "layer" else f"{here}.{field.name}" if here else field.name
                walk(getattr(value, field.name), inner)
        elif isinstance(value, tuple) and any(dataclasses.is_dataclass(item) for item in value):
            for index, item in enumerate(value):
                walk(item, f"{path}[{index}]")
        else:
            found[path] = str(value)

    walk(config, "")
    return found
