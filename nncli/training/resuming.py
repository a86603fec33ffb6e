"""What a run begins with: its configuration, and with `--resume` the checkpoint that it goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nncli import checkpoint
from nncli.checkpoint import Snapshot
from nncli.errors import SpecError, UsageError
from nncli.spec import Loaded, LoadedGame
from nncli.spec.yaml12 import parse
from nncli.training.changes import refuse_changes
from nncli.training.folders import new_folder, remove_if_empty
from nncli.training.stored import trusting

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
    with trusting(last):
        return _read_stored(kind, load, read, config, last, texts)


def _read_stored(
    kind: Kind,
    load: Callable[..., L],
    read: Callable[..., L],
    config: Path | None,
    last: Path,
    texts: Sequence[str],
) -> tuple[L, Snapshot, Path]:
    snapshot = checkpoint.read(last)
    if snapshot.kind != kind.name:
        raise UsageError(f"{last} is the checkpoint of a {kind.what}", hint=kind.hint)
    where, base = f"{last}:config", Path(snapshot.config_dir)
    stored = read(snapshot.config, where, base=base, digests=snapshot.plugins)
    if stored.faults:
        raise SpecError(stored.faults)
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
def run_folder(name: str, out: Path | None, last: Path | None) -> Iterator[Path]:
    """The locked folder of the run that goes on from `last`, or a new one, which goes where nothing is written."""
    made = last is None
    folder = new_folder(name, out) if last is None else last.parent
    try:
        with checkpoint.lock(folder):
            yield folder
    finally:
        if made:
            remove_if_empty(folder)
