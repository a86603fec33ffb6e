"""Run folders: a new one is never one that exists with something in it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from nncli.errors import Fault, OutputError


def free_folder(name: str) -> Path:
    """`runs/name`, or the first of `runs/name-2`, … that does not exist."""
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


def new_folder(name: str, out: Path | None) -> Path:
    """Make the run folder. Raises OutputError where `out` exists with something in it, or cannot be made."""
    while True:
        folder = out or free_folder(name)
        try:
            folder.mkdir(parents=True, exist_ok=out is not None and folder.is_dir() and not any(folder.iterdir()))
        except FileExistsError:
            if out is None:
                continue
            if not folder.is_dir():
                raise OutputError(Fault("is a file, not a folder", file=str(folder))) from None
            hint = "choose another folder, or go on with that run: --resume"
            raise OutputError(Fault("the folder exists and is not empty", file=str(folder), hint=hint)) from None
        except OSError as error:
            raise OutputError(Fault(f"cannot make the run folder: {error.strerror}", file=str(folder))) from None
        return folder


def remove_if_empty(folder: Path) -> None:
    """A run that wrote nothing leaves nothing."""
    with contextlib.suppress(OSError):
        folder.rmdir()
