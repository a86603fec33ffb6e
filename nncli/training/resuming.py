"""What a run begins with: its configuration, and with `--resume` the checkpoint that it goes on from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nncli import checkpoint
from nncli.checkpoint import Snapshot
from nncli.data.fingerprint import Fingerprint
from nncli.data.fingerprint import changes as data_changes
from nncli.errors import CheckpointError, DataError, Fault, OutputError, SpecError, UsageError
from nncli.parts import Optimizer
from nncli.spec import Loaded, LoadedGame
from nncli.spec.yaml12 import parse
from nncli.training.changes import Change, changes, refuse
from nncli.training.folders import is_empty, new_folder, remove_if_empty, taken
from nncli.training.saving import LAST
from nncli.training.stored import trusting

L = TypeVar("L", Loaded, LoadedGame)


class Kind(NamedTuple):
    """How runs of a kind of checkpoint are told from others: `what` the others are, and the `hint` on them; `may` are
    the beginnings of paths of the configuration that may be others when a run goes on."""

    name: str
    what: str
    hint: str
    may: tuple[str, ...]


@dataclass
class Resumed:
    """A checkpoint that a run goes on from, and what is no longer as it was when that was written.

    `stored` is the configuration of then, `changes` is how that of now differs, `allow` whether anything may. `others`
    are those of the changes that make it another run, and `data_changed` says so of the data. `notes` tell people.
    """

    snapshot: Snapshot
    last: Path
    stored: Any
    changes: tuple[Change, ...] = ()
    others: tuple[Change, ...] = ()
    allow: bool = False
    data_changed: bool = False
    notes: list[str] = field(default_factory=list)

    def changed(self, *beginnings: str) -> bool:
        """Whether a value changed of which the path begins so."""
        return any(change.path.startswith(beginnings) for change in self.changes)

    def check_data(self, now: Fingerprint) -> None:
        """Raises DataError where the data are not those of then, unless that is allowed; then it is noted.

        Nothing is known of the data of checkpoints that an older nncli wrote.
        """
        faults = data_changes(self.snapshot.data, now) if self.snapshot.data else []
        self.data_changed = bool(faults)
        if faults and not self.allow:
            hint = "with other data it is another run; --allow-change goes on with the data as they are now"
            raise DataError([*faults[:-1], replace(faults[-1], hint=hint)])
        self.notes += [str(fault) for fault in faults]

    def keeps_plan(self, config: Any) -> bool:
        """Whether the checkpoint's plan is for just this run."""
        return not self.others and same_threads(self.snapshot, config)

    def note_environment(self, threads: int) -> None:
        """Note what else decides on the last digits and is another here; `threads` are those of the plan."""
        differing = checkpoint.differing(self.snapshot.versions)
        if threads != self.snapshot.threads:
            differing["threads"] = (str(self.snapshot.threads), str(threads))
        if differing:
            listed = "; ".join(f"{name} {was} → {now}" for name, (was, now) in differing.items())
            self.notes.append(
                f"not as when the checkpoint was written: {listed}: last digits may be others from here on"
            )


def read_run(
    kind: Kind,
    load: Callable[..., L],
    read: Callable[..., L],
    config: Path | None,
    resume: Path | None,
    texts: Sequence[str],
    allow: bool = False,
) -> tuple[L, Resumed | None]:
    """The configuration, and with `resume` the checkpoint that it goes on from.

    `load` and `read` are what reads a file and a text of this kind. Raises CheckpointError, UsageError where the
    checkpoint is of another kind, SpecError; also where the configuration is another than it was and not `allow`.
    """
    if resume is None:
        assert config is not None
        return load(config, texts), None
    last = checkpoint.resolve(resume)
    with trusting(last):
        wanted, resumed = _read_stored(kind, load, read, config, last, texts)
    if not allow:
        refuse(resumed.others)
    resumed.allow = allow
    return wanted, resumed


def _read_stored(
    kind: Kind,
    load: Callable[..., L],
    read: Callable[..., L],
    config: Path | None,
    last: Path,
    texts: Sequence[str],
) -> tuple[L, Resumed]:
    """As `read_run` has it; nothing is refused yet because it changed."""
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
    if wanted.faults:
        return wanted, Resumed(snapshot, last, stored.config)
    found = changes(stored.config, wanted.config, wanted)
    others = tuple(change for change in found if not change.path.startswith(kind.may))
    notes = _going_back(last, snapshot) + [f"changed: {change}" for change in found]
    return wanted, Resumed(snapshot, last, stored.config, found, others, notes=notes)


def _going_back(last: Path, snapshot: Snapshot) -> list[str]:
    """A note where a checkpoint that is not the last of its run takes the run back."""
    newest = last.with_name(LAST)
    if last.name == LAST or not newest.exists():
        return []
    step = int(snapshot.progress["step"])
    try:
        reached = int(checkpoint.read(newest).progress["step"])
    except CheckpointError as error:
        return [f"the run goes on from step {step:,}; the last checkpoint will be replaced: {error}"]
    if step >= reached:
        return []
    return [f"the run goes back to step {step:,}: {newest} is of step {reached:,}, and will be replaced"]


def check_optimizer(was: Optimizer, now: Optimizer, path: str = "optimizer") -> None:
    """Raises CheckpointError where what an optimizer kept means nothing to another one."""
    if was.type_name != now.type_name and now.slots():
        message = f"'{now.type_name}' cannot go on with what '{was.type_name}' kept for each parameter"
        raise CheckpointError(Fault(message, path, "`init_from` begins a new run with the checkpoint's weights"))


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
