"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from pathlib import Path

from nncli.errors import Fault, OutputError

_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}\.tmp", re.DOTALL)
_UNSUPPORTED = {"EINVAL", "ENOTSUP", "EOPNOTSUPP", "EBADF", "EACCES", "EPERM", "ENOSYS", "EISDIR"}
"""What systems answer that cannot flush a folder, and need not."""


def replace(
    path: Path,
    *parts: bytes,
    what: str = "the file",
    hint: str = "free some space, or write to another folder",
    pause: float | None = None,
) -> None:
    """Replace `path` by the bytes, or leave it as it is. Raises OutputError where `what` cannot be written.

    A temporary file in the same folder is written, flushed to the disk and renamed, then the folder is flushed: after
    a crash at any moment there is the old file or the new one. What a killed process left behind is removed. With
    `pause` what fails is tried once more after so many seconds. A link is followed, and what is no file (a pipe, a
    device) is written into as it is.
    """
    target = Path(os.path.realpath(path))
    before = _identity(target)
    try:
        if _is_special(target):
            _fill(os.open(target, os.O_WRONLY), parts)
            return
        try:
            _replace(target, parts)
        except OSError:
            if pause is None:
                raise
            time.sleep(pause)
            _replace(target, parts)
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror or error}"
        if not target.parent.is_dir():
            hint = f"make the folder {path.parent} first"
        elif before is not None and before == _identity(target):
            hint += f"; {path.name} is as it was before"
        raise OutputError(Fault(message, file=str(path), hint=hint)) from None


def _replace(target: Path, parts: tuple[bytes, ...]) -> None:
    clean(target.parent, target.name)
    temporary, handle = _own_temporary(target)
    try:
        try:
            _write(handle, parts)
            os.fsync(handle)
            if os.name != "posix":  # elsewhere an open file cannot be renamed
                os.close(handle)
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):  # all was flushed
                os.close(handle)
    except BaseException:
        with contextlib.suppress(OSError):  # then the next start of a run does
            temporary.unlink(missing_ok=True)
        raise
    flush_folder(target.parent)


def _identity(target: Path) -> tuple[int, int] | None:
    """What tells a file from one that took its name; None where there is none."""
    try:
        found = target.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _is_special(target: Path) -> bool:
    """Whether it is there and neither a file nor a folder."""
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _fill(handle: int, parts: tuple[bytes, ...]) -> None:
    try:
        _write(handle, parts)
    finally:
        os.close(handle)


def _write(handle: int, parts: tuple[bytes, ...]) -> None:
    """All of the bytes; one call of the system may take a part of them."""
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(handle, rest) :]


def flush_folder(folder: Path) -> None:
    """Make names in a folder durable, where the system can. Raises OSError where the disk fails."""
    import errno

    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if os.name == "posix" and errno.errorcode.get(error.errno or 0) not in _UNSUPPORTED:
            raise


# -- temporary files ---------------------------------------------------------------------------------------------------


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that `replace` has made."""
    return _TEMPORARY.fullmatch(name) is not None


def clean(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files that killed processes left in a folder: all, or those for the file `name`.

    Who writes one holds a lock on it, which the system frees with the process, so what can be locked is nobody's: a
    number of a process would say less, for it may be another's by now, or one of another machine. On file systems
    without locks nothing is removed.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            found = _TEMPORARY.fullmatch(entry.name)
            if found and name in (None, found[1]):
                _remove_abandoned(Path(entry.path))


def _remove_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError):
        if os.name != "posix":  # there a file that is open cannot be removed
            path.unlink()
            return
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if lock_handle(handle, path):
                path.unlink()
        finally:
            os.close(handle)


def _own_temporary(target: Path) -> tuple[Path, int]:
    """A new temporary file beside `target`, locked where that is possible, and open."""
    while True:
        temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}.tmp")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            if lock_handle(handle, temporary):
                return temporary, handle
        except OSError:  # a file system without locks
            return temporary, handle
        except BaseException:
            os.close(handle)
            temporary.unlink(missing_ok=True)
            raise
        os.close(handle)  # another process took it for abandoned before it was locked


def lock_handle(handle: int, path: Path) -> bool:
    """Lock what is open; whether it is ours now, and still what stands at `path`.

    Raises OSError where the file system has no locks. The lock ends with the handle, or the process.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    ours = os.fstat(handle)
    return (ours.st_dev, ours.st_ino) == _identity(path)
