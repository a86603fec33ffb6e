"""`verify-resume`: proves on a user's own network that a run which was stopped and resumed is the one that was not.

A run is played twice: in one go, keeping what a stop would have left at some steps, and in pieces, each in a process of
its own that goes on from the checkpoint of the piece before. This module run with `-m` is such a process.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nncli
from nncli import checkpoint, errors
from nncli.errors import CheckFailed, Fault, NncliError, UsageError
from nncli.spec import LoadedGame, load_any, plugins
from nncli.spec.words import cut
from nncli.training.diverging import HEALTHY
from nncli.training.saving import BEST, LAST

WHOLE, KEPT, PIECES, AGAIN, ASIDE = "whole", "kept", "pieces", "again", "aside"
"""Folders: the run in one go and what it keeps at the stops; the run in pieces, what these write when they begin, and
its files besides the last checkpoint."""
SHORT = 50
"""Steps of an epoch up to which its end is among the steps that are checked unasked."""
USUAL = 20
"""Steps that are checked where an epoch has more."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a run, in a process of its own: from a `config`, or from what is in the folder, to `until` steps.

    At the steps `marks` it keeps in the folder `kept` what a stop there would leave. `until` None asks for what is
    usual, with usual marks. `plugins` says whether those of the configuration may run.
    """

    folder: str
    game: bool
    kept: str
    config: str | None = None
    texts: tuple[str, ...] = ()
    until: int | None = None
    marks: tuple[int, ...] | None = None
    plugins: bool = False


@dataclass(frozen=True)
class Played:
    """What became of a piece: up to which step it was to go, and went, where it kept something, and the steps of an
    epoch, or of a game between two looks."""

    until: int
    steps: int
    marks: tuple[int, ...]
    period: int


@dataclass(frozen=True)
class Difference:
    """A place where two checkpoints differ: the data set, the index in it, and both values; of how many numbers."""

    dataset: str
    index: tuple[int, ...] | None = None
    expected: Any = None
    found: Any = None
    count: int = 1
    size: int = 1


@dataclass(frozen=True)
class Point:
    """What was compared after `steps` steps, the last of them in a process that went on from `after` (0: the start).

    `restored` are data sets that were others as soon as that process had read the checkpoint; `differences` those that
    differ from the run in one go, in the `file`. `first` is the first place of either.
    """

    steps: int
    after: int
    file: str = LAST
    restored: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    first: Difference | None = None

    @property
    def passed(self) -> bool:
        return not self.restored and not self.differences


@dataclass
class Report:
    """All points that were compared, to the first that failed; `stops` are those that were to be."""

    config: str
    steps: int
    stops: tuple[int, ...]
    period: int
    game: bool
    points: list[Point] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(point.passed for point in self.points)

    @property
    def covers_period(self) -> bool:
        """Whether the end of an epoch, or a look at a game, is among the steps."""
        return self.steps > self.period

    def failure(self) -> CheckFailed | None:
        """The error that says what differs first; None where all is well."""
        if self.passed:
            return None
        point = self.points[-1]
        first = point.first
        assert first is not None
        at = "" if first.index is None else f"{list(first.index)}: "
        expected, found = (cut(str(value)) for value in (first.expected, first.found))
        message = f"{at}{found} where the run in one go has {expected}; {_others(point)}"
        if point.restored:
            message = f"{at}{found} after reading the checkpoint, {expected} in it; {_others(point)}"
            hint = f"what is stored after {point.after} steps is not what a run goes on with"
        elif point.after == 0:
            hint = "two runs from the same start differ: something draws numbers that the seed does not set"
        else:
            hint = f"something that counts from step {point.after} on is in no checkpoint, such as state of a plugin"
        return CheckFailed(Fault(message, first.dataset, hint, f"after {point.steps} steps"))


def _others(point: Point) -> str:
    n = len(point.restored or point.differences)
    return "nothing else differs" if n == 1 else f"{n} data sets differ"


def document(report: Report) -> dict[str, Any]:
    """What `verify-resume --json` prints."""
    return {
        "passed": report.passed,
        "config": report.config,
        "steps": report.steps,
        "stops": list(report.stops),
        "steps_per_epoch": None if report.game else report.period,
        "points": [dataclasses.asdict(point) | {"passed": point.passed} for point in report.points],
    }


def verify(
    config: Path,
    texts: Sequence[str] = (),
    steps: int | None = None,
    stops: Sequence[int] | None = None,
    progress: Callable[[str], None] = lambda what: None,
    apart: bool = True,
) -> Report:
    """Play the run of a configuration in one go and in pieces, and compare all bytes but those of `/timing`.

    `progress` is told what begins. With `apart` False all of it happens in this process, which is faster and does not
    notice what modules keep for themselves. Raises what training raises, UsageError for steps and stops that do not go
    together.
    """
    _check(steps, stops)
    game = isinstance(load_any(config, texts), LoadedGame)
    begin = Piece("", game, "", str(config), tuple(texts), plugins=plugins.are_allowed())
    do = in_child if apart else play
    with tempfile.TemporaryDirectory(prefix="nncli-verify-resume-") as made:
        whole, kept, pieces, again = (str(Path(made) / name) for name in (WHOLE, KEPT, PIECES, AGAIN))
        progress("in one go")
        marks = None if stops is None else tuple(sorted(set(stops)))
        played = do(dataclasses.replace(begin, folder=whole, until=steps, marks=marks, kept=kept))
        report = Report(str(config), played.steps, played.marks, played.period, game)
        after = 0
        for until in (*played.marks, played.until):
            reached = min(until, played.steps)
            progress(f"from step {after} to {reached}")
            piece = dataclasses.replace(begin, folder=pieces, until=until, kept=again, marks=())
            with _alone(Path(pieces), Path(made) / ASIDE):
                do(piece if not after else dataclasses.replace(piece, config=None, texts=()))
            report.points += _compare(Path(made), reached, after, until == played.until)
            if not report.passed:
                break
            after = until
    return report


@contextmanager
def _alone(folder: Path, aside: Path) -> Iterator[None]:
    """While it is entered, a run folder has its last checkpoint and no other: all that is needed must be in that, but
    for what a run goes back to that diverges."""
    aside.mkdir(exist_ok=True)
    for path in folder.glob("*.h5"):
        if path.name != LAST and not path.name.startswith(f"{HEALTHY}-"):
            path.replace(aside / path.name)
    yield
    for path in aside.iterdir():
        if not (folder / path.name).exists():
            path.replace(folder / path.name)


def _check(steps: int | None, stops: Sequence[int] | None) -> None:
    if stops is not None and (min(stops, default=1) < 1 or (steps is not None and max(stops, default=0) >= steps)):
        raise UsageError(Fault(f"stops lie between 1 and one less than the steps, here {steps}", "--stops"))
    if steps is not None and steps < 2:
        raise UsageError(Fault("it takes two steps at least to stop between them", "--steps"))


def usual(period: int, total: int, steps: int | None, stops: Sequence[int] | None) -> tuple[int, tuple[int, ...]]:
    """How many steps are checked, and where they are cut: after the first, in the middle of an epoch, and at its end,
    where that is not too far."""
    if steps is None:
        steps = period + 3 if period <= SHORT else USUAL
        if stops is not None:
            steps = max(steps, max(stops, default=0) + 2)
    steps = min(steps, total)
    if stops is None:
        stops = (1, 1 + min(period, steps) // 2, period)
    return steps, tuple(sorted({stop for stop in stops if stop < steps}))


def kept_at(step: int) -> str:
    return f"step-{step}.h5"


# -- in a process of its own -------------------------------------------------------------------------------------------


def play(piece: Piece) -> Played:
    """Play a piece in this process. A run that goes on first writes what it has read, into the folder `kept`."""
    from nncli.training.game.opening import open_game
    from nncli.training.supervised import open_run

    folder, opened = Path(piece.folder), open_game if piece.game else open_run
    resume, out = (folder, None) if piece.config is None else (None, folder)
    with opened(None if piece.config is None else Path(piece.config), resume, piece.texts, out) as run:
        settings: Any = run.setup.config
        period = settings.diagnose.every if piece.game else run.steps_per_epoch  # type: ignore[union-attr]
        total = settings.game.steps if piece.game else settings.train.epochs * period
        steps, marks = usual(period, total, piece.until, piece.marks)
        kept, wanted = Path(piece.kept), set(marks)
        kept.mkdir(exist_ok=True)
        if resume is not None:
            checkpoint.write(kept / LAST, run.saving.snapshot())

        def stop() -> bool:
            step: int = run.step if piece.game else run.progress.step  # type: ignore[union-attr]
            if step in wanted:
                wanted.remove(step)
                checkpoint.write(kept / kept_at(step), run.saving.snapshot())
            return step >= steps and step < total

        for event in run.events(stop):
            reached = getattr(event, "steps", 0)
    return Played(steps, reached, tuple(mark for mark in marks if mark not in wanted), period)


def in_child(piece: Piece) -> Played:
    """Play a piece in a new process. Raises what that raises."""
    path = os.pathsep.join(filter(None, (str(Path(nncli.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "nncli.training.verifying"],
        input=json.dumps(dataclasses.asdict(piece)),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )
    if not done.stdout:
        if done.returncode == 130:
            raise KeyboardInterrupt
        raise RuntimeError(f"the process that was to train ended with exit code {done.returncode}")
    said = json.loads(done.stdout)
    if "faults" in said:
        raise getattr(errors, said["error"])([Fault(**fault) for fault in said["faults"]])
    return Played(said["until"], said["steps"], tuple(said["marks"]), said["period"])


def answer() -> None:
    """Play the piece that standard input describes, and tell on standard output what became of it."""
    output, sys.stdout = sys.stdout, sys.stderr
    asked = json.load(sys.stdin)
    for name in ("texts", "marks"):
        asked[name] = None if asked[name] is None else tuple(asked[name])
    piece = Piece(**asked)
    try:
        with plugins.allowed() if piece.plugins else nullcontext():
            said: dict[str, Any] = dataclasses.asdict(play(piece))
    except NncliError as error:
        said = {"error": type(error).__name__, "faults": [dataclasses.asdict(fault) for fault in error.faults]}
    except KeyboardInterrupt:
        sys.exit(130)
    output.write(json.dumps(said))


# -- comparing ---------------------------------------------------------------------------------------------------------


def _compare(folder: Path, steps: int, after: int, end: bool) -> list[Point]:
    """The points after so many steps, until one fails; at the `end` those of other files of both runs too."""
    whole, kept, pieces, again = (folder / name for name in (WHOLE, KEPT, PIECES, AGAIN))
    if after:
        before = kept / kept_at(after)
        if restored := tuple(checkpoint.differences(before, again / LAST)):
            return [Point(steps, after, LAST, restored, (), first_difference(before, again / LAST, restored[0]))]
    if not end:
        return [_point(kept / kept_at(steps), pieces / LAST, steps, after)]
    points = [_point(whole / LAST, pieces / LAST, steps, after)]
    for name in (BEST, f"{HEALTHY}.h5"):
        there = [(run / name).exists() for run in (whole, pieces)]
        if any(there) and points[-1].passed:
            if all(there):
                points.append(_point(whole / name, pieces / name, steps, after))
            else:
                told = ["a file" if one else "no file" for one in there]
                points.append(Point(steps, after, name, (), ("/",), Difference("/", None, told[0], told[1])))
    return points


def _point(expected: Path, found: Path, steps: int, after: int) -> Point:
    names = tuple(checkpoint.differences(expected, found))
    return Point(steps, after, found.name, (), names, first_difference(expected, found, names[0]) if names else None)


def first_difference(expected: Path, found: Path, name: str) -> Difference:
    """The first place where a data set, attribute or group of two checkpoints differs."""
    import h5py
    import numpy as np

    path, _, attribute = name.partition("@")
    with h5py.File(expected, "r") as a, h5py.File(found, "r") as b:
        here = [file.get(path) for file in (a, b)]
        if attribute:
            values = [None if item is None else _shown(item.attrs.get(attribute)) for item in here]
            return Difference(name, None, values[0], values[1])
        if any(not isinstance(item, h5py.Dataset) for item in here):
            kinds = ["nothing" if i is None else "a group" if isinstance(i, h5py.Group) else "a data set" for i in here]
            if kinds[0] == kinds[1]:
                kinds = [f"{len(item)} entries" for item in here]
            return Difference(name, None, kinds[0], kinds[1])
        one, other = (np.asarray(item[()]) for item in here)
    if one.shape != other.shape or one.dtype != other.dtype:
        shapes = [f"{array.dtype} {list(array.shape)}" for array in (one, other)]
        return Difference(name, None, shapes[0], shapes[1])
    if one.dtype.kind == "O":
        differs = one != other
    else:
        size = max(1, one.dtype.itemsize)
        raw = [np.frombuffer(array.tobytes(), np.uint8).reshape(-1, size) for array in (one, other)]
        differs = (raw[0] != raw[1]).any(axis=1).reshape(one.shape)
    places = np.argwhere(differs)
    index = tuple(int(place) for place in places[0])
    return Difference(name, index or None, _shown(one[index]), _shown(other[index]), len(places), int(one.size))


def _shown(value: Any) -> Any:
    """A number or text as JSON and people take it; floats with all their digits."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, bytes):
        return plain.decode(errors="replace")
    return plain if isinstance(plain, int | float | str | bool) or plain is None else str(plain)


if __name__ == "__main__":
    answer()


__all__ = ["Difference", "Point", "Report", "document", "verify"]
