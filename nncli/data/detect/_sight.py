"""What is found out about data, and what a detector is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nncli.parts import Shape

Form = Literal["table", "vector", "signal", "image", "sound"]
"""What a sample is: a row of a table, numbers in no order, numbers along one axis, pixels, or a sound."""
Task = Literal["classes", "values", "switches"]
"""What is predicted: one of several classes, numbers, or several answers of yes and no."""


class FilePath(str):
    """A path in a field of a source: what a configuration writes relative to its own folder."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the test split is to come from: a `share` or count, another `path`, or a `pattern` of file names."""

    share: float | None = None
    path: Path | None = None
    pattern: str | None = None

    @classmethod
    def of(cls, text: str) -> Wanted:
        """From a text: a number, what has one of `*?[` in it and is not there, or a path."""
        try:
            number = float(text)
        except ValueError:
            path = Path(text).expanduser()
            return cls(pattern=text) if set(text) & set("*?[") and not path.exists() else cls(path=path)
        return cls(share=int(number) if number >= 1 and number.is_integer() else number)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says of the data: `target` a column, an array or a pattern of file names with {label} in it,
    whether it is classes or values, and where the test split is."""

    target: str | None = None
    task: Task | None = None
    test: Wanted | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """What is predicted.

    outputs     classes, or numbers of a sample's target
    names       of the classes, where the data name them
    smallest    samples of the rarest class, and largest of the most frequent one, in all splits that were read
    what        in words, such as "the column 'price'"
    """

    task: Task
    outputs: int
    what: str
    names: tuple[str, ...] = ()
    smallest: int = 0
    largest: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What data are.

    kind        name of the source in YAML
    train       the source, with absolute paths; `validation` and `test` are others, or a share or count, or None
    samples     how many there are, by split: of sources only
    shape       of a sample as the network is to read it (before preprocessing); `stored` as the source gives it
    tails       names of columns of a table that have long tails
    rate        of sounds, in Hz
    notes       sentences on what was found and what follows, by the field of the source that they explain
    within      whether a field of the source says what the splits are
    """

    kind: str
    train: Any
    form: Form
    shape: Shape
    stored: Shape
    goal: Goal
    samples: Mapping[str, int]
    validation: Any = None
    test: Any = None
    tails: tuple[str, ...] = ()
    rate: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detector:
    """How one kind of data is found out.

    what       the kind in words, for messages
    claims     whether a file or folder is of this kind, by its first bytes or its names: what two detectors claim is
               refused
    examine    what it holds. Raises DataError where it is unfit to learn from, UsageError where `Asked` does not fit
    beside     the source of another place, read as a given one was: for a test split from elsewhere
    targets    what `Asked.target` may be, and which of them it is unless it is given; () where there is no choice
    """

    what: str
    claims: Callable[[Path], bool]
    examine: Callable[[Path, Asked], Sight]
    beside: Callable[[Any, Path], Any]
    targets: Callable[[Path], tuple[tuple[str, ...], str]] = lambda place: ((), "")
