"""What all downloads do with the disk, and what they say when it does not take the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nncli.errors import Fault, OutputError


@contextmanager
def writing(file: Path, kept: Path | None = None) -> Iterator[None]:
    """What the system says against it becomes an OutputError about the file; `kept` as for `unwritable`."""
    try:
        yield
    except OSError as error:
        raise unwritable(file, error.strerror or str(error), kept) from None


def unwritable(file: Path, why: str, kept: Path | None = None) -> OutputError:
    """The error that names the file and the remedy; `kept` is where the part is that has come, if any has."""
    hint = "free some space, or fetch to another folder: --to DIR"
    if kept is not None and kept.is_file() and kept.stat().st_size:
        hint += f"; {kept.name} is kept, and the same command goes on with it"
    return OutputError(Fault(f"cannot be written: {why}", file=str(file), hint=hint))
