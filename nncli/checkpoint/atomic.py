"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from glob import escape
from pathlib import Path

from nncli.errors import Fault, OutputError


def replace(
    path: Path, *parts: bytes, what: str = "the file", hint: str = "free some space, or write to another folder"
) -> None:
    """Replace `path` by the bytes, or leave it as it is. Raises OutputError where `what` cannot be written.

    A temporary file in the same folder is written, flushed to the disk and renamed, then the folder is flushed: after
    a crash at any moment there is the old file or the new one. What a killed process left behind is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        for leftover in path.parent.glob(f".{escape(path.name)}.*.tmp"):
            if not _at_work(leftover.suffixes[-2][1:]):
                leftover.unlink(missing_ok=True)
        try:
            with open(temporary, "xb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror or error}"
        if not path.parent.is_dir():
            hint = f"make the folder {path.parent} first"
        elif path.is_file():
            hint += f"; {path.name} is as it was before"
        raise OutputError(Fault(message, file=str(path), hint=hint)) from None


def _at_work(process: str) -> bool:
    """Whether another process of that number may be there, and the temporary file its."""
    if process == str(os.getpid()):
        return False
    try:
        if os.name == "posix":  # elsewhere `kill` ends the process that it is asked about
            os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):
        return True
    return True


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable; some systems cannot open a folder, and need not."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
