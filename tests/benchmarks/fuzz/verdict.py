"""What is right about the end of a command, whatever it was given."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from nncli.errors import Fault

MIB = 2**20
FREE, TIMES = 64 * MIB, 20
"""Bytes: a command may take so many, and so many times what the files hold that it is given."""
SECONDS = 10.0
"""Processor time that a command may take."""
LONGEST, MOST = 2_000, 200_000
"""Characters of a line of a message, and of all that is said."""
_FOREIGN = re.compile(r"Traceback|unexpected \w+:|this is a bug|site-packages|object at 0x|<class '|RuntimeWarning")


@dataclass(frozen=True, slots=True)
class Ask:
    """A command, the exit codes that are right for it, names of which its errors have one, and the bytes of its files.

    `most` are the bytes it may take, where that is not in proportion to its files.
    """

    words: tuple[str, ...]
    codes: frozenset[int]
    names: tuple[str, ...]
    size: int
    most: int | None = None

    @property
    def bound(self) -> int:
        return FREE + TIMES * self.size if self.most is None else self.most


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended: exit code, both streams, processor time, and the bytes it took above what was there before."""

    code: int
    out: str
    err: str
    seconds: float = 0.0
    peak: int = 0


@dataclass(frozen=True, slots=True)
class Find:
    """Something that is not right: the kind of it, and what was seen."""

    kind: str
    seen: str
    words: tuple[str, ...] = ()


def judged(ask: Ask, answer: Answer) -> list[Find]:
    """All that is wrong about an answer."""
    return [Find(kind, seen, ask.words) for kind, seen in _faults(ask, answer)]


def _faults(ask: Ask, answer: Answer) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    said = answer.out + answer.err
    errors = _errors(ask, answer)
    first = errors[0] if errors else answer.err.strip().partition("\n")[0]
    if answer.code not in ask.codes:
        found.append((f"exit {answer.code}", first))
    if foreign := _FOREIGN.search(said):
        found.append(("foreign words", said[max(0, foreign.start() - 100) : foreign.end() + 200]))
    if answer.code and not errors and answer.code != 8:
        found.append(("no reason", answer.err[:300]))
    if errors and answer.code not in (4, 8) and not any(name in errors[0] for name in ask.names):
        found.append(("no name", first))
    if not all(map(str.isprintable, errors)):
        found.append(("unprintable", repr(first[:300])))
    if answer.code and (max(map(len, said.splitlines()), default=0) > LONGEST or len(said) > MOST):
        found.append(("flood", f"{len(said)} characters: {first[:200]}"))
    if answer.seconds > SECONDS:
        found.append(("hang", f"{answer.seconds:.1f} s: {first}"))
    if answer.peak > ask.bound:
        found.append(("memory", f"{answer.peak / MIB:.0f} MiB of {ask.bound / MIB:.0f}: {first}"))
    return found


def _errors(ask: Ask, answer: Answer) -> list[str]:
    """The lines that give reasons; with `--json` they are a document on standard output."""
    if "--json" not in ask.words or not answer.code:
        return [line for line in answer.err.split("\n") if line.startswith("error: ")]
    try:
        document = json.loads(answer.out)
        faults = [Fault(f["message"], f["path"] or "", "", f["file"] or "") for f in document["faults"]]
    except (ValueError, KeyError, TypeError):
        return []
    return [f"error: {fault}" for fault in faults]
