"""Ctrl-C and its like: at once, or once what runs has come to where it can go on from."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

NUMBERS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")  # the last is that of a terminal that was closed
    if hasattr(signal, name)
]


class Interrupted(BaseException):
    """A signal asked to leave at once. On its way out temporary files and empty folders are removed."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _Handlers:
    """Handlers for as long as it is entered; a hang-up that the caller lets nobody hear (`nohup`) stays unheard."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in NUMBERS:
                if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        raise NotImplementedError


class AtOnce(_Handlers):
    """The first signal raises `Interrupted`, a second one ends the process where it is."""

    def _receive(self, number: int, frame: FrameType | None) -> None:
        for other in self._before:
            signal.signal(other, signal.SIG_DFL)
        raise Interrupted(number)


class Signals(_Handlers):
    """Remembers the first signal, so that a run can write its checkpoint; a second one raises `Interrupted`, and a
    third ends the process where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.received: int = 0

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            for other in self._before:
                signal.signal(other, signal.SIG_DFL)
            raise Interrupted(number)
        self.received = number

    def stop(self) -> bool:
        return self.received != 0
