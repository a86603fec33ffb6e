"""Files out of an archive: those that are wanted, of the size that they have, and nowhere but into one folder."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from nncli import progress
from nncli.errors import DataError, Fault
from nncli.fetch.disk import writing

MOST = 100
"""Entries of an archive at most, wanted or not."""
SLACK = 2**20
"""Bytes that all the other files may have together, such as a text about the data."""
_CHUNK = 2**20


def unpack(archive: Path, wanted: Mapping[str, int], folder: Path) -> None:
    """Take the files `wanted`, paths in a tar archive and the bytes of each, into the folder under their last names.

    They get their names when all are there. Raises DataError where the archive is damaged or holds something else than
    files and folders of its own: links, devices, paths that lead out of it, more bytes than are expected; OutputError
    where the files cannot be written.
    """
    parts: dict[str, Path] = {}
    try:
        with tarfile.open(archive, "r|*") as tar, progress.task("unpacking", sum(wanted.values()), "B") as advance:
            left = sum(wanted.values()) + SLACK
            for place, entry in enumerate(tar):
                left -= _checked(entry, archive, place, left)
                if entry.name not in wanted:
                    continue
                if entry.size != wanted[entry.name]:
                    message = f"'{entry.name}' has {entry.size:,} bytes in it, not {wanted[entry.name]:,}"
                    raise _fault(archive, message)
                content = tar.extractfile(entry)
                assert content is not None
                parts[entry.name] = folder / f"{PurePosixPath(entry.name).name}.part"
                _write(content, parts[entry.name], entry.size, archive, advance)
        if missing := sorted(set(wanted) - set(parts)):
            raise _fault(archive, f"does not hold '{missing[0]}'")
        for path in parts.values():
            with writing(path):
                os.replace(path, path.with_name(path.name.removesuffix(".part")))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _fault(archive, f"is damaged: {error}") from None
    except OSError as error:
        raise _fault(archive, f"cannot be read: {error.strerror or error}") from None
    finally:
        for path in parts.values():
            path.unlink(missing_ok=True)


def _checked(entry: tarfile.TarInfo, archive: Path, place: int, left: int) -> int:
    """The bytes of an entry. Raises DataError where it is none that an archive of data has."""
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.name or ":" in entry.name:
        raise _fault(archive, f"holds the path '{ascii(entry.name)[1:-1]}', which leads out of its folder")
    if not (entry.isreg() or entry.isdir()):
        raise _fault(archive, f"holds '{ascii(entry.name)[1:-1]}', which is neither a file nor a folder")
    if place >= MOST:
        raise _fault(archive, f"holds more than {MOST} files")
    if entry.size > left:
        raise _fault(archive, f"holds more than is expected: '{ascii(entry.name)[1:-1]}' has {entry.size:,} bytes")
    return entry.size


def _write(content: IO[bytes], path: Path, size: int, archive: Path, advance: progress.Advance) -> None:
    with writing(path):
        file = path.open("wb")
    with file:
        done = 0
        while chunk := content.read(_CHUNK):
            with writing(path):
                file.write(chunk)
            done += len(chunk)
            advance(len(chunk))
        if done < size:
            raise _fault(archive, f"is truncated: '{path.name.removesuffix('.part')}' ends after {done:,} bytes")
        with writing(path):
            file.flush()
            os.fsync(file.fileno())


def _fault(archive: Path, message: str) -> DataError:
    return DataError(Fault(message, hint="fetch it again", file=str(archive)))
