"""The tree of errors, each with the exit code that the command line documents.

Whatever a user can cause is an `NncliError` that names the place, the cause and the remedy. `assert` is for our own
invariants only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike

MOST_FAULTS = 100
"""Faults of one error that are told; nobody reads more of them."""
LONGEST = 1500
"""Characters of a line for people; the longest paths of usual systems have some hundred."""


def one_line(text: str) -> str:
    """The text with escapes in the place of what a terminal would obey or not show, its middle left out if it is very
    long."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 3 :]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)[: 2 * LONGEST]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where: `file:line:column: path: message` with a hint below it.

    `line` and `column` count from 1; the column of a table is part of the `path`. That is the place inside the file,
    such as `network[3].conv2d.kernel` in a configuration, `row 17` in a data file, or `/model/stem/W` in a checkpoint.

    What a message quotes may come from a hostile file: `str()` gives one line of printable text, however long.
    """

    message: str
    path: str = ""
    hint: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
            if self.column is not None:
                place += f":{self.column}" if self.file else f", column {self.column}"
        return one_line(": ".join(part for part in (place, self.path, self.message) if part))


class NncliError(Exception):
    """Base of every error that a user can cause or meet.

    Takes a message, or several faults; `str()` of it is one line per fault, hints left out.
    """

    exit_code = 1

    def __init__(self, faults: str | Fault | Sequence[Fault], *, hint: str = "") -> None:
        if isinstance(faults, str):
            faults = Fault(faults, hint=hint)
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class SpecError(NncliError):
    """The configuration, or an override of it, is wrong."""

    exit_code = 2


class PluginError(SpecError):
    """A plugin of a configuration was not allowed to run, or is wrong itself; also where a checkpoint names it."""


class UsageError(NncliError):
    """The command was called in a way that cannot work (also: a missing extra, or too little memory)."""

    exit_code = 2


class ShapeError(NncliError):
    """A layer or loss cannot take the shapes it is given; the graph adds both places and turns it into a SpecError."""

    exit_code = 2


class DataError(NncliError):
    """A data file cannot be read, or does not fit the network."""

    exit_code = 3


class NoSuchFile(DataError):
    """A data file is not there. Where `input` says what it would hold, some commands do without it."""


class DivergenceError(NncliError):
    """The loss or a gradient became infinite or NaN."""

    exit_code = 4


class CheckFailed(NncliError):
    """A check that the user asked for (gradients, exact resume) failed."""

    exit_code = 5


class CheckpointError(NncliError):
    """A checkpoint is unreadable, damaged, or does not fit."""

    exit_code = 6


class OutputError(NncliError):
    """Something cannot be written, or another process holds it."""

    exit_code = 7


@contextmanager
def naming(path: str | PathLike[str], kind: type[NncliError], what: str = "cannot be read") -> Iterator[None]:
    """Around what asks the system for a path that somebody named: where it may not be asked for, as in a folder of
    others, or cannot be there, as one that is too long, that is an error of this `kind`."""
    try:
        yield
    except OSError as error:
        raise kind(Fault(f"{what}: {error.strerror or error}", file=str(path))) from None


def nearest(word: str, known: Sequence[str]) -> str:
    """The hint for an unknown `word`: the nearest of the `known` names, else all of them."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(sorted(known))}" if known else ""
