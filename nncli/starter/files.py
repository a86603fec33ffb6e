"""What `nncli init` writes: all of it or nothing, and nothing that is there already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nncli.checkpoint import replace
from nncli.errors import Fault, OutputError, naming
from nncli.spec.schema import json_schema
from nncli.starter.text import SCHEMA


def check_free(file: Path, force: bool) -> None:
    """Raises OutputError where `file` cannot become a new file."""
    with naming(file, OutputError, "cannot be written"):
        _check_free(file, force)


def _check_free(file: Path, force: bool) -> None:
    if file.is_dir():
        raise OutputError(Fault("is a folder", file=str(file), hint="name a file in it: -o FILE.yaml"))
    if file.exists() and not force:
        hint = "name another file with -o, or let --force replace it"
        raise OutputError(Fault("the file exists, and is not overwritten unasked", file=str(file), hint=hint))
    if not file.parent.is_dir():
        raise OutputError(Fault("there is no such folder", file=str(file.parent), hint="make it first"))


def schema_text() -> bytes:
    """The JSON Schema of configurations, as `nncli schema -o` writes it."""
    return (json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n").encode()


def write(file: Path, text: str, copies: Mapping[Path, bytes], schema: bool) -> list[Path]:
    """Write a configuration, last, after what it refers to: `copies`, and the schema unless there is one beside it.

    Returns the files that were written. Where one cannot be, those before it are removed, and OutputError is raised.
    """
    parts = dict(copies)
    if schema and not (file.parent / SCHEMA).exists():
        parts[file.parent / SCHEMA] = schema_text()
    done: list[Path] = []
    made: list[Path] = []
    try:
        for path, content in parts.items():
            made += _folder(path.parent)
            replace(path, content)
            done.append(path)
        replace(file, text.encode(), what="the configuration")
    except BaseException:
        for path in done:
            path.unlink(missing_ok=True)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise
    return [file, *done]


def _folder(folder: Path) -> list[Path]:
    """Make a folder that is missing; those that were made. Raises OutputError."""
    if folder.is_dir():
        return []
    try:
        folder.mkdir()
    except OSError as error:
        raise OutputError(Fault(f"cannot make the folder: {error.strerror}", file=str(folder))) from None
    return [folder]
