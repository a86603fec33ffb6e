"""Opening a game: a new one from a configuration, or one that goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nncli import checkpoint
from nncli.checkpoint import Snapshot
from nncli.errors import UsageError
from nncli.spec import LoadedGame, load_game, read_game
from nncli.spec.yaml12 import parse
from nncli.training.changes import refuse_changes
from nncli.training.folders import free_folder, new_folder, remove_if_empty
from nncli.training.game.describing import document_of
from nncli.training.game.events import Finished
from nncli.training.game.loop import GameRun
from nncli.training.game.setup import GameSetup, plans_of, set_up

MAY_CHANGE = ("game.steps", "checkpoint", "diagnose", "sample.every", "threads", "name")
"""Paths of the configuration that may be others when a game goes on; all else would make it another one."""


@contextmanager
def open_game(config: Path | None, resume: Path | None, texts: Sequence[str], out: Path | None) -> Iterator[GameRun]:
    """A game in its locked folder, ready to be played; memory and threads are let go at the end.

    Everything that can be wrong is found before the folder is made.
    """
    loaded, snapshot, last = _read(config, resume, texts)
    setup = _set_up(loaded, snapshot)
    made = False
    try:
        if last is not None:
            folder = last.parent
        else:
            folder, made = new_folder(setup.config.name, out), True
        with checkpoint.lock(folder), setup.models["generator"].limits():
            run = GameRun(setup, folder)
            if snapshot is not None:
                run.saving.restore(snapshot)
            else:
                run.begin()
            yield run
    finally:
        setup.close()
        if made:
            remove_if_empty(folder)


def plan_only(config: Path | None, resume: Path | None, texts: Sequence[str]) -> dict[str, Any]:
    """What `open_game` and the game would do, all checks made and nothing written."""
    loaded, snapshot, last = _read(config, resume, texts)
    setup = _set_up(loaded, snapshot)
    setup.close()
    folder = last.parent if last is not None else free_folder(setup.config.name)
    game = setup.config.game
    return document_of(setup.config, setup.graphs, setup.plans) | {
        "run": str(folder),
        "samples": setup.samples,
        "steps": game.steps,
        "d_steps": game.d_steps,
    }


def document(finished: Finished) -> dict[str, Any]:
    """What `gan --json` prints."""
    return {
        "run": str(finished.folder),
        "checkpoint": str(finished.checkpoint),
        "best": None,
        "epochs": None,
        "steps": finished.steps,
        "seconds": finished.seconds,
        "finished": finished.reason,
        "metrics": {"train": finished.figures},
        "alarms": finished.alarms,
        "rollbacks": finished.rollbacks,
    }


def _read(
    config: Path | None, resume: Path | None, texts: Sequence[str]
) -> tuple[LoadedGame, Snapshot | None, Path | None]:
    """The configuration, and with `resume` the checkpoint that it goes on from and its path."""
    if resume is None:
        assert config is not None
        return load_game(config, texts), None, None
    last = checkpoint.resolve(resume)
    snapshot = checkpoint.read(last)
    if snapshot.kind != "gan":
        raise UsageError(f"{last} is the checkpoint of a network alone", hint="`nncli train --resume` goes on with it")
    where, base = f"{last}:config", Path(snapshot.config_dir)
    stored = read_game(snapshot.config, where, base=base, digests=snapshot.plugins)
    if config is not None:
        wanted = load_game(config, texts, snapshot.plugins)
    else:
        wanted = read_game(snapshot.config, where, texts, base, snapshot.plugins)
    if not wanted.faults:
        refuse_changes(stored.config, wanted.config, MAY_CHANGE, str(config or "--set"))
    return wanted, snapshot, last


def _set_up(loaded: LoadedGame, snapshot: Snapshot | None) -> GameSetup:
    """With the checkpoint's plans, as long as the number of threads is the same."""
    if snapshot is None:
        return set_up(loaded)
    threads = parse(snapshot.config, "checkpoint").at(("threads",))
    same = threads == loaded.config.threads
    return set_up(loaded, plans_of(snapshot) if same else None, snapshot.preprocess)
