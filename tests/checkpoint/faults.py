"""A disk that fails: the calls of the system by which files are replaced, counted, and made to fail."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from nncli.checkpoint import atomic, files

CALLS = ("open", "write", "fsync", "replace", "close")
FULL = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS)


class Disk:
    """Stands in for the module `os` in `nncli.checkpoint.atomic`.

    Call number `at` (from 1) fails with `error`, with `lasting` those after it too; with `short` each write takes a
    third of what it is given. `count` calls were made, `failed` of them refused.
    """

    def __init__(self, at: int = 0, error: int = errno.ENOSPC, lasting: bool = False, short: bool = False) -> None:
        self.at, self.error, self.lasting, self.short = at, error, lasting, short
        self.count = self.failed = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: Any) -> Any:
            self.count += 1
            if self.at and (self.count == self.at or (self.lasting and self.count > self.at)):
                self.failed += 1
                if name == "close":  # the system closes it all the same
                    real(*arguments)
                raise OSError(self.error, os.strerror(self.error))
            if name == "write" and self.short:
                handle, data = arguments
                return real(handle, data[: max(1, len(data) // 3)])
            return real(*arguments)

        return call


def plant(monkeypatch: pytest.MonkeyPatch, disk: Disk) -> Disk:
    """Let files be written by this disk, and nobody wait for it to be mended."""
    monkeypatch.setattr(atomic, "os", disk)
    monkeypatch.setattr(files, "PAUSE", 0.0)
    return disk
