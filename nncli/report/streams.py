"""Standard output and standard error, which may be closed, full or gone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from nncli.errors import OutputError


class Unwritten(OutputError):
    """Standard output does not take what is written to it."""


class _Stream:
    """A stream by which another one is written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if text != "":  # by writing nothing click finds out what a stream takes
            self._do(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._do(self._stream.flush)

    def _do(self, call: Callable[[], object]) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Heedless(_Stream):
    """For messages: what cannot be said is lost, and nothing else. Its reader may go while a run does not."""

    def _do(self, call: Callable[[], object]) -> None:
        try:
            call()
        except (OSError, ValueError):
            drop(self._stream)


class Strict(_Stream):
    """For results: raises Unwritten where one cannot be written, BrokenPipeError where nobody reads it."""

    def _do(self, call: Callable[[], object]) -> None:
        try:
            call()
        except BrokenPipeError:
            drop(self._stream)
            raise
        except OSError as error:
            drop(self._stream)
            raise Unwritten(f"standard output cannot be written: {error.strerror}") from None


def drop(stream: TextIO) -> None:
    """Let what is still to be written, now and at the end of the process, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_missing() -> None:
    """Take the numbers 0 to 2 where the caller closed them: the next file that is opened, a checkpoint perhaps, would
    have one, and what is said on standard error would be written into it. Results for nobody are an error."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
