"""Opening a game: a new one from a configuration, or one that goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nncli.checkpoint import Snapshot
from nncli.spec import LoadedGame, load_game, read_game
from nncli.training.folders import free_folder
from nncli.training.game.describing import document_of
from nncli.training.game.events import Finished
from nncli.training.game.loop import GameRun
from nncli.training.game.setup import GameSetup, plans_of, set_up
from nncli.training.resuming import Kind, owned, read_run, run_folder, same_threads

MAY_CHANGE = ("game.steps", "game.on_divergence", "checkpoint", "diagnose", "sample.every", "threads", "name")
"""Paths of the configuration that may be others when a game goes on; all else would make it another one."""
KIND = Kind("gan", "network alone", "`nncli train --resume` goes on with it", MAY_CHANGE)


@contextmanager
def open_game(config: Path | None, resume: Path | None, texts: Sequence[str], out: Path | None) -> Iterator[GameRun]:
    """A game in its locked folder, ready to be played; memory and threads are let go at the end.

    Everything that can be wrong is found before the folder is made.
    """
    with owned(resume) as checkpoint:
        loaded, snapshot, last = read_run(KIND, load_game, read_game, config, checkpoint, texts)
        setup = _set_up(loaded, snapshot)
        try:
            with run_folder(setup.config.name, out, last) as folder, setup.models["generator"].limits():
                run = GameRun(setup, folder)
                if snapshot is not None:
                    run.saving.restore(snapshot)
                else:
                    run.begin()
                yield run
        finally:
            setup.close()


def plan_only(config: Path | None, resume: Path | None, texts: Sequence[str]) -> dict[str, Any]:
    """What `open_game` and the game would do, all checks made and nothing written."""
    loaded, snapshot, last = read_run(KIND, load_game, read_game, config, resume, texts)
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


def _set_up(loaded: LoadedGame, snapshot: Snapshot | None) -> GameSetup:
    """With the checkpoint's plans, as long as the number of threads is the same."""
    if snapshot is None:
        return set_up(loaded)
    plans = plans_of(snapshot) if same_threads(snapshot, loaded.config) else None
    return set_up(loaded, plans, snapshot.preprocess)
