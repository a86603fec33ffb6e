"""Signs of life from lower rooms: what may take long says how far it is, and whoever is above may show it.

Nothing is shown, and nothing costs more than a call of a function, unless somebody above is `watching`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")
Advance: TypeAlias = Callable[[float], None]
"""Told that so many more are done."""


class Watcher(Protocol):
    """Whoever shows how far things are."""

    def task(self, what: str, total: float | None, unit: str, done: float) -> AbstractContextManager[Advance]:
        """Something begins, and ends with the context; `total` None: nobody knows how much there is to do. So much was
        `done` before."""
        ...


_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher | None) -> Iterator[None]:
    """Tell the watcher of all tasks in this context and thread; None: nobody."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


@contextmanager
def task(what: str, total: float | None = None, unit: str = "", done: float = 0) -> Iterator[Advance]:
    """Something that may take long, called `what` ("reading images"); gives what is told of each step.

    `unit` is that of `total` and the steps: `B` for bytes, else a word that people read after a number, or nothing.
    `done` of `total` were done at some other time.
    """
    watcher = _WATCHER.get()
    if watcher is None:
        yield _unseen
        return
    with watcher.task(what, total, unit, done) as advance:
        yield advance


def track(items: Iterable[T], what: str, total: float | None = None, unit: str = "") -> Iterator[T]:
    """The items, each of which is a step of a task; `total` is how many there are, where `len` does not say."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with task(what, total, unit) as advance:
        for item in items:
            yield item
            advance(1)


def _unseen(steps: float) -> None:
    """Where nobody watches."""
