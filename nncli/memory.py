"""How much memory this process can still have, as far as the system tells."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

GIB = 2**30
_MATTERS = 2**26
"""Bytes; to ask what is free takes a millisecond."""
_CGROUPS = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that can be taken without swapping, or being killed for it; None where the system does not tell.

    The least of what the machine, each control group around this process and its own limit on address space leave.
    """
    rooms = [*_machine(), *_groups(), *_limit()]
    return max(0, min(rooms)) if rooms else None


def claim(size: int) -> None:
    """Raises MemoryError, which says how much is there, where so many bytes cannot be had.

    The system may grant more than it has, and end the process when it is used.
    """
    if size > _MATTERS and (free := available()) is not None and size > free:
        raise MemoryError(f"{gib(size)} are needed, {gib(free)} are free")


def gib(size: float) -> str:
    """Bytes in GiB for messages, those below a tenth in MiB."""
    return f"{size / GIB:,.1f} GiB" if size >= GIB / 10 else f"{size / 2**20:,.1f} MiB"


def _machine() -> Iterator[int]:
    """Linux says what is free or can be freed; elsewhere there is at most all of it."""
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
            return
    with contextlib.suppress(ValueError, OSError, AttributeError):
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups() -> Iterator[int]:
    """What limits on control groups leave, of versions 2 and 1, from this process's own up to the root.

    What is kept of files there (`inactive_file`) can be given up.
    """
    for line in _lines(Path("/proc/self/cgroup")):
        _, controllers, path = line.rstrip("\n").split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, limit, usage, kept = (
            (_CGROUPS, "memory.max", "memory.current", "inactive_file")
            if not controllers
            else (_CGROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        folder = root / path.lstrip("/")
        while folder.is_relative_to(root):
            most, used = _number(folder / limit), _number(folder / usage)
            if most is not None and used is not None:
                files = [int(row.split()[1]) for row in _lines(folder / "memory.stat") if row.startswith(f"{kept} ")]
                yield most - used + sum(files)
            folder = folder.parent


def _limit() -> Iterator[int]:
    """What `ulimit -v` leaves."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = _lines(Path("/proc/self/statm"))
    if most != resource.RLIM_INFINITY and pages:
        yield most - int(pages[0].split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _number(file: Path) -> int | None:
    """None where there is none, or the word `max`."""
    lines = _lines(file)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, ValueError):
        return []
