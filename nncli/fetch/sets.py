"""A known data set into a folder: what is there already stays, the rest is copied from the cache or downloaded."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nncli.errors import DataError, Fault, OutputError, UsageError, naming
from nncli.fetch.catalogue import KnownSet, Remote
from nncli.fetch.disk import writing
from nncli.fetch.download import Settings, download, sha256
from nncli.fetch.unpack import unpack

ANY = "*"
"""In a list of mirrors: for all sets."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set in its folder; `fresh` are the files that were not there before."""

    known: KnownSet
    folder: Path
    fresh: tuple[str, ...]


def folder_of(known: KnownSet, cache: Path) -> Path:
    """Where a set is kept in the cache."""
    return cache / "datasets" / known.name


def is_there(known: KnownSet, folder: Path) -> bool:
    """Whether all files are there, by their sizes."""
    return all(_has(folder, name, size) for name, size in known.kept().items())


def _has(folder: Path, name: str, size: int) -> bool:
    try:
        return (folder / name).is_file() and (folder / name).stat().st_size == size
    except OSError:
        return False


def addresses(known: KnownSet, mirrors: Sequence[str], listed: Mapping[str, Sequence[str]]) -> list[str]:
    """Where the files of a set are looked for, in this order: `mirrors`, those `listed` for the set and for all, its
    own. {set} in an address stands for the name of the set.

    Raises UsageError at an address that is none of the network.
    """
    wanted = [*mirrors, *listed.get(known.name, ()), *listed.get(ANY, ()), *known.addresses]
    for address in wanted:
        if not address.startswith(("https://", "http://")):
            raise UsageError(f"'{address}' is no address of a mirror", hint="it begins with https:// or http://")
    return list(dict.fromkeys(address.replace("{set}", known.name).rstrip("/") for address in wanted))


def fetch(
    known: KnownSet, folder: Path, places: Sequence[str], settings: Settings, cache: Path | None = None
) -> Fetched:
    """Put all files of a set into the folder, each whole and right, from the `cache` or the addresses `places`.

    Raises DataError where no address gives a file, OutputError where one cannot be written, or another one of that name
    is there.
    """
    fresh: list[str] = []
    for remote in known.files:
        if all(_has(folder, name, size) for name, size in remote.kept.items()) and _is_right(remote, folder):
            continue
        _refuse_others(remote, folder)
        if cache is None or not _copied(remote, folder_of(known, cache), folder, settings):
            _downloaded(remote, folder, places, settings)
        fresh += remote.kept
    return Fetched(known, folder, tuple(fresh))


def _downloaded(remote: Remote, folder: Path, places: Sequence[str], settings: Settings) -> None:
    """Download a file, and unpack it if it is an archive; one that was there stays there."""
    target = folder / remote.name
    before = target.exists()
    if not before:
        download(remote, [f"{place}/{remote.name}" for place in places], target, settings)
    elif sha256(target) != remote.sha256:
        raise _other(target)
    if remote.members is not None:
        unpack(target, remote.members, folder)
        if not before:
            target.unlink(missing_ok=True)


def _is_right(remote: Remote, folder: Path) -> bool:
    """Whether the files that are there are those of the set; what came out of an archive is known by its size."""
    return remote.members is not None or sha256(folder / remote.name) == remote.sha256


def _refuse_others(remote: Remote, folder: Path) -> None:
    """Raises OutputError at a file of the same name that is another one: it may be the user's own."""
    for name in remote.kept:
        with naming(folder / name, OutputError, "cannot be written"):
            if (folder / name).exists():
                raise _other(folder / name)


def _other(file: Path) -> OutputError:
    hint = "move it elsewhere, or fetch to another folder: --to DIR"
    return OutputError(Fault("there is another file of this name", file=str(file), hint=hint))


def _copied(remote: Remote, source: Path, folder: Path, settings: Settings) -> bool:
    """Whether the files could be copied from the cache."""
    if source.resolve() == folder.resolve() or not all(_has(source, *item) for item in remote.kept.items()):
        return False
    with contextlib.suppress(DataError):
        if not _is_right(remote, source):
            return False
    for name in remote.kept:
        part = folder / f"{name}.part"
        with writing(folder / name):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(source / name, part)
                os.replace(part, folder / name)
            finally:
                part.unlink(missing_ok=True)
    settings.tell(f"copied {', '.join(remote.kept)} from {source}")
    return True
