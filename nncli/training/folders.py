"""Run folders: a new one is never one that exists with something in it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from nncli.checkpoint import LOCK, clean, flush_folder, is_temporary
from nncli.errors import Fault, OutputError, naming


def free_folder(name: str) -> Path:
    """`runs/name`, or the first of `runs/name-2`, … that does not exist. Raises OutputError where it cannot be told."""
    folder, number = Path("runs") / name, 1
    with naming(folder, OutputError, "cannot make the run folder"):
        while folder.exists():
            number += 1
            folder = Path("runs") / f"{name}-{number}"
    return folder


def new_folder(name: str, out: Path | None) -> Path:
    """Make the run folder. Raises OutputError where `out` exists with something in it, or cannot be made."""
    while True:
        folder = out or free_folder(name)
        with naming(folder, OutputError, "cannot make the run folder"):
            missing = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=out is not None and folder.is_dir() and is_empty(folder))
            for path in missing:
                flush_folder(path.parent)
        except FileExistsError:
            if out is None:
                continue
            if not folder.is_dir():
                raise OutputError(Fault("is a file, not a folder", file=str(folder))) from None
            raise taken(folder) from None
        except OSError as error:
            for path in missing:
                with contextlib.suppress(OSError):
                    path.rmdir()
            raise OutputError(Fault(f"cannot make the run folder: {error.strerror}", file=str(folder))) from None
        return folder


def taken(folder: Path) -> OutputError:
    hint = "choose another folder, or go on with that run: --resume"
    return OutputError(Fault("the folder exists and is not empty", file=str(folder), hint=hint))


def is_empty(folder: Path) -> bool:
    """Whether nothing is in it but what a run leaves that was killed before it wrote anything."""
    return all(path.name == LOCK or is_temporary(path.name) for path in folder.iterdir())


def remove_if_empty(folder: Path) -> None:
    """A run that wrote nothing leaves nothing. The folder must be locked by this process."""
    with contextlib.suppress(OSError):
        if is_empty(folder):
            clean(folder)
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()
