"""All formats, and the report of a campaign."""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.fuzz import checkpoints, configurations, files, hdf5_data
from tests.benchmarks.fuzz.verdict import MIB
from tests.benchmarks.fuzz.workers import Case, Result, run_case, run_cases

FORMATS: dict[str, Callable[[Path], Case]] = {
    "configs": configurations.case,
    **files.FORMATS,
    **hdf5_data.FORMATS,
    **checkpoints.FORMATS,
}
"""What makes the cases of each format, given a folder for what they share."""
EVERY = 30.0
"""Seconds between signs of life."""


def report(counts: Mapping[str, int], seed: int, jobs: int, first: int = 0) -> int:
    """Run so many cases of each format and print what came of them; returns the number of cases with a find."""
    bad = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        for name, count in counts.items():
            folder = Path(temporary) / "shared" / name
            folder.mkdir(parents=True)
            case = FORMATS[name](folder)
            numbers = range(first, first + count)
            start = last = time.monotonic()
            results: list[Result] = []
            seen: Counter[str] = Counter()
            for result in run_cases(case, name, numbers, seed, Path(temporary) / "work", jobs):
                results.append(result)
                for find in result.finds:
                    what = f"{find.kind}: {alike(find.seen)}"
                    seen[what] += 1
                    if seen[what] <= 2:
                        print(f"  {name}:{result.number}: {find.kind}: {find.seen[:400]}")
                        print(f"    $ nncli {' '.join(find.words)}", flush=True)
                if time.monotonic() - last > EVERY:
                    last = time.monotonic()
                    print(f"  {name}: {len(results)} of {len(numbers)} after {last - start:.0f} s", flush=True)
            bad += sum(bool(result.finds) for result in results)
            print(row(name, results, time.monotonic() - start), flush=True)
            for what, times in seen.most_common():
                print(f"  {times:5} × {what[:200]}")
    return bad


def row(name: str, results: list[Result], seconds: float) -> str:
    """A line of figures."""
    codes = Counter(code for result in results for code in result.codes)
    ends = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
    slowest = max(results, key=lambda result: result.seconds)
    largest = max(results, key=lambda result: result.peak)
    finds = sum(bool(result.finds) for result in results)
    return (
        f"{name}: {len(results)} cases, {sum(codes.values())} commands in {seconds:.0f} s; exit codes {ends}; slowest "
        f"{slowest.seconds:.1f} s ({name}:{slowest.number}), most memory {largest.peak / MIB:.0f} MiB "
        f"({name}:{largest.number}); cases with a find: {finds}"
    )


def alike(seen: str) -> str:
    """A message without what differs from case to case."""
    seen = re.sub(r"/\S+", "/…", seen)
    seen = re.sub(r"'[^']*'", "'…'", seen)
    return re.sub(r"\d+", "#", seen)[:120]


def replay(name: str, number: int, seed: int) -> Result:
    """Run one case in this process, and show what it says and every traceback."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        folder = Path(temporary)
        (folder / "shared").mkdir()
        result = run_case(FORMATS[name](folder / "shared"), name, number, seed, folder / "case", debug=True)
    for find in result.finds:
        print(f"{name}:{number}: {find.kind}: {find.seen}")
    return result
