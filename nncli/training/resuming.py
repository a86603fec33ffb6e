"""What a run begins with: its configuration, and with `--resume` the checkpoint that it goes on from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nncli import checkpoint
from nncli.checkpoint import Snapshot
from nncli.errors import Fault, OutputError, UsageError
from nncli.spec import Loaded, LoadedGame
from nncli.spec.yaml12 import parse
from nncli.training.changes import refuse_changes
from nncli.training.folders import is_empty, new_folder, remove_if_empty, taken

L = TypeVar("L", Loaded, LoadedGame)


class Kind(NamedTuple):
    """How runs of a kind of checkpoint are told from others: `what` the others are, and the `hint` on them; `may` are
    the beginnings of paths of the configuration that may be others when a run goes on."""

    name: str
    what: str
    hint: str
    may: tuple[str, ...]


def read_run(
    kind: Kind,
    load: Callable[..., L],
    read: Callable[..., L],
    config: Path | None,
    resume: Path | None,
    texts: Sequence[str],
) -> tuple[L, Snapshot | None, Path | None]:
    """The configuration, and with `resume` the checkpoint that it goes on from and its path.

    `load` and `read` are what reads a file and a text of this kind. Raises SpecError, CheckpointError, UsageError where
    the checkpoint is of another kind.
    """
    if resume is None:
        assert config is not None
        return load(config, texts), None, None
    last = checkpoint.resolve(resume)
    snapshot = checkpoint.read(last)
    if snapshot.kind != kind.name:
        raise UsageError(f"{last} is the checkpoint of a {kind.what}", hint=kind.hint)
    where, base = f"{last}:config", Path(snapshot.config_dir)
    stored = read(snapshot.config, where, base=base, digests=snapshot.plugins)
    if config is not None:
        wanted = load(config, texts, snapshot.plugins)
    else:
        wanted = read(snapshot.config, where, texts, base, snapshot.plugins)
    if not wanted.faults:
        refuse_changes(stored.config, wanted.config, kind.may, str(config or "--set"))
    return wanted, snapshot, last


def same_threads(snapshot: Snapshot, config: Any) -> bool:
    """Whether the run was begun with the number of threads that the configuration says: then its plan stays."""
    threads = parse(snapshot.config, "checkpoint").at(("threads",))
    return bool((threads if isinstance(threads, int) else None) == config.threads)


@contextmanager
def owned(resume: Path | None) -> Iterator[Path | None]:
    """The checkpoint that `resume` means, while its folder is locked: what is read then is not overtaken by another
    process, and what killed ones left there is removed. None without `resume`.

    Raises OutputError where another process has the folder, or it cannot be written; CheckpointError.
    """
    if resume is None:
        yield None
        return
    folder = checkpoint.resolve(resume).parent
    with checkpoint.lock(folder):
        if not os.access(folder, os.W_OK):
            hint = "a run goes on in its own folder: make it writable, or copy it"
            raise OutputError(Fault("the folder cannot be written", file=str(folder), hint=hint))
        _clean(folder)
        yield checkpoint.resolve(resume)


@contextmanager
def run_folder(name: str, out: Path | None, last: Path | None) -> Iterator[Path]:
    """The folder of the run that goes on from `last`, which is `owned`; or a new one, locked, which goes where nothing
    is written."""
    if last is not None:
        yield last.parent
        return
    with ExitStack() as stack:
        folder = _new_and_locked(name, out, stack)
        _clean(folder)
        try:
            yield folder
        finally:
            remove_if_empty(folder)


def _new_and_locked(name: str, out: Path | None, stack: ExitStack) -> Path:
    """A folder that nobody else took between its making and its locking."""
    while True:
        folder = new_folder(name, out)
        try:
            stack.enter_context(checkpoint.lock(folder))
        except FileNotFoundError:  # whoever had it wrote nothing, and removed it
            continue
        except OutputError:
            if out is not None:
                raise
            continue
        if is_empty(folder):
            return folder
        if out is not None:
            raise taken(folder)
        stack.close()


def _clean(folder: Path) -> None:
    """Remove what killed runs left."""
    for path in (folder, *(path for path in folder.iterdir() if path.is_dir())):
        checkpoint.clean(path)
