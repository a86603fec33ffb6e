"""Ctrl-C and its like, while something runs that must not be cut in half."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Signals:
    """Remembers the first SIGINT or SIGTERM, so that a run can write its checkpoint; a second one acts as usual."""

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for other in self._before:
            signal.signal(other, signal.SIG_DFL if other == signal.SIGTERM else signal.default_int_handler)

    def stop(self) -> bool:
        return self.received != 0
