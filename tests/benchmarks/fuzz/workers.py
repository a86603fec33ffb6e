"""Child processes that work through cases, so that what hangs, dies or takes too much is laid at its case's door."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from nncli.cli import main
from tests.benchmarks.fuzz.verdict import SECONDS, Answer, Ask, Find, judged

ROOM = 2 * 2**30
"""Bytes of address space above what a worker begins with: what runs away meets this before the machine's end."""
WALL = 6.0
"""A worker that gives no sign is killed after so many times the processor time that a command may take: it may wait
for its turn."""
Case: TypeAlias = Callable[[random.Random, Path], Generator[Ask, Answer, None]]
"""A format: from random numbers and an empty folder to commands, each answered before the next is asked for."""


@dataclass(slots=True)
class Result:
    """What came of a case."""

    format: str
    number: int
    codes: list[int] = field(default_factory=list)
    finds: list[Find] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0


class Hang(BaseException):
    """More processor time than a command may take. No `Exception`, so that nothing handles it by chance."""


def run_case(case: Case, name: str, number: int, seed: int, folder: Path, debug: bool = False) -> Result:
    """Run the commands of one case in this process."""
    result = Result(name, number)
    rng = random.Random(f"{seed}/{name}/{number}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    asked = case(rng, folder)
    try:
        ask = next(asked)
        while True:
            answer, more = called(ask, debug)
            result.codes.append(answer.code)
            result.finds += more or judged(ask, answer)
            result.seconds, result.peak = max(result.seconds, answer.seconds), max(result.peak, answer.peak)
            if debug:
                print(f"$ nncli {' '.join(ask.words)}\n{answer.out}{answer.err}exit code {answer.code}", flush=True)
            ask = asked.send(answer)
    except StopIteration:
        pass
    return result


def called(ask: Ask, debug: bool = False) -> tuple[Answer, list[Find]]:
    """The answer of a command, and what is wrong with how it came."""
    out, err = _stream("strict"), _stream("backslashreplace")
    finds: list[Find] = []
    code: Any = None
    words = [*ask.words, "--debug"] if debug else list(ask.words)
    before, start = _reset_peak(), time.process_time()
    signal.signal(signal.SIGPROF, _hang)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(words)
    except SystemExit as end:
        code = end.code
    except Hang as hang:
        finds.append(Find("hang", str(hang), ask.words))
        code = -1
    except BaseException as error:
        if not debug:
            finds.append(Find("raised", f"{type(error).__name__}: {error}", ask.words))
        traceback.print_exc(file=err)
        code = getattr(error, "exit_code", -1)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds, peak = time.process_time() - start, max(0, _status("VmHWM") - before)
    return Answer(code, _written(out), _written(err), seconds, peak), finds


def _stream(errors: str) -> io.TextIOWrapper:
    """As the system's, which do not take every text."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors)


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


def _hang(number: int, frame: FrameType | None) -> None:
    lines = traceback.extract_stack(frame)[-4:]
    raise Hang(f"after {SECONDS:.0f} s at " + " < ".join(f"{line.filename}:{line.lineno}" for line in reversed(lines)))


def _status(name: str) -> int:
    """Bytes of memory that the system tells of this process; 0 where it does not."""
    with contextlib.suppress(OSError), open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _reset_peak() -> int:
    """Let the peak begin anew; returns the bytes that are in memory now."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmRSS")


# -- children ----------------------------------------------------------------------------------------------------------


def run_cases(
    case: Case, name: str, numbers: Iterable[int], seed: int, folder: Path, jobs: int, limit: float = WALL * SECONDS
) -> Iterator[Result]:
    """The results of all cases, as they come; each of `jobs` children works through every jobs-th of them."""
    numbers = list(numbers)
    children = [_Child(case, name, numbers[job::jobs], seed, folder / f"{name}-{job}") for job in range(jobs)]
    try:
        while alive := [child for child in children if child.numbers]:
            ready = wait([child.pipe for child in alive], timeout=0.5)
            for child in alive:
                if child.pipe in ready:
                    yield from child.read()
                elif time.monotonic() - child.since > limit:
                    yield child.lost(Find("hang", f"no sign for {limit:.0f} s: killed"))
    finally:
        for child in children:
            child.end()


class _Child:
    """A process and the cases that it has yet to do; a new one goes on where another died."""

    def __init__(self, case: Case, name: str, numbers: list[int], seed: int, folder: Path) -> None:
        self.case, self.name, self.numbers, self.seed, self.folder = case, name, numbers, seed, folder
        self.pipe: Connection
        self.process: Any
        self.since = 0.0
        self.begin()

    def begin(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe(duplex=False)
        arguments = (theirs, self.case, self.name, list(self.numbers), self.seed, self.folder)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # BLAS has threads, which do nothing meanwhile
            self.process.start()
        theirs.close()
        self.since = time.monotonic()

    def read(self) -> Iterator[Result]:
        try:
            result = self.pipe.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
            yield self.lost(Find("crash", f"the process died: {how}"))
            return
        self.since = time.monotonic()
        self.numbers.remove(result.number)
        yield result

    def lost(self, find: Find) -> Result:
        """The case at work is to blame; the next ones get a new process."""
        self.end()
        result = Result(self.name, self.numbers.pop(0), [], [find])
        if self.numbers:
            self.begin()
        return result

    def end(self) -> None:
        self.pipe.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def _work(pipe: Connection, case: Case, name: str, numbers: Sequence[int], seed: int, folder: Path) -> None:
    from threadpoolctl import threadpool_limits

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + ROOM, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    faulthandler.disable()  # the parent tells of what died
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    with threadpool_limits(limits=1):
        for number in numbers:
            try:
                result = run_case(case, name, number, seed, folder / "case")
            except Exception as error:
                result = Result(name, number, [], [Find("campaign", f"{type(error).__name__}: {error}")])
            pipe.send(result)
    pipe.close()
