"""Opening a game: a new one from a configuration, or one that goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nncli.spec import LoadedGame, load_game, read_game
from nncli.training.folders import free_folder
from nncli.training.game.describing import document_of
from nncli.training.game.events import Finished
from nncli.training.game.loop import GameRun
from nncli.training.game.setup import GameSetup, plans_of, set_up
from nncli.training.resuming import Kind, Resumed, check_optimizer, owned, read_run, run_folder

MAY_CHANGE = ("game.steps", "game.on_divergence", "checkpoint", "diagnose", "sample.every", "threads", "name")
"""Paths of the configuration that may be others when a game goes on; all else would make it another one."""
KIND = Kind("gan", "network alone", "`nncli train --resume` goes on with it", MAY_CHANGE)


@contextmanager
def open_game(
    config: Path | None,
    resume: Path | None,
    texts: Sequence[str],
    out: Path | None,
    allow_change: bool = False,
) -> Iterator[GameRun]:
    """A game in its locked folder, ready to be played; memory and threads are let go at the end.

    A game that goes on does so with what it began with, unless `allow_change`. Everything that can be wrong is found
    before the folder is made.
    """
    with owned(resume) as checkpoint:
        loaded, resumed = read_run(KIND, load_game, read_game, config, checkpoint, texts, allow_change)
        setup = _set_up(loaded, resumed)
        try:
            last = None if resumed is None else resumed.last
            with run_folder(setup.config.name, out, last) as folder, setup.models["generator"].limits():
                run = GameRun(setup, folder)
                if resumed is not None:
                    _go_on(run, resumed)
                else:
                    run.begin()
                yield run
        finally:
            setup.close()


def _go_on(run: GameRun, resumed: Resumed) -> None:
    """Put a game where its checkpoint left it, and note what is another than it was then."""
    for name, player in run.play.players.items():
        check_optimizer(getattr(resumed.stored.optimizer, name), player.optimizer, f"optimizer.{name}")
    run.saving.restore(resumed.snapshot, bool(resumed.others))
    run.notes = notes = resumed.notes
    steps, before = run.setup.config.game.steps, resumed.stored.game.steps
    if run.step >= steps:
        notes.append(f"nothing left to do: all {run.step} steps are done; --steps {2 * run.step} would go on")
    elif steps != before:
        notes += [
            f"the schedule '{player.schedule.type_name}' of the {name} goes over the whole game, {steps} steps instead "
            f"of {before}: its step size is {now:.3g} here, not {was:.3g}"
            for name, player in run.play.players.items()
            if abs((was := run.play.rate(player, run.step, before)) - (now := run.play.rate(player, run.step, steps)))
            > 1e-9 * player.optimizer.lr
        ]
    resumed.note_environment(max(max(plan.shards, plan.blas) for plan in run.setup.plans.values()))


def plan_only(
    config: Path | None, resume: Path | None, texts: Sequence[str], allow_change: bool = False
) -> dict[str, Any]:
    """What `open_game` and the game would do, all checks made and nothing written."""
    loaded, resumed = read_run(KIND, load_game, read_game, config, resume, texts, allow_change)
    setup = _set_up(loaded, resumed)
    setup.close()
    folder = resumed.last.parent if resumed is not None else free_folder(setup.config.name)
    game = setup.config.game
    return document_of(setup.config, setup.graphs, setup.plans) | {
        "run": str(folder),
        "samples": setup.samples,
        "steps": game.steps,
        "d_steps": game.d_steps,
        "notes": resumed.notes if resumed is not None else [],
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
        "notes": list(finished.notes),
        "metrics": {"train": finished.figures},
        "alarms": finished.alarms,
        "rollbacks": finished.rollbacks,
    }


def _set_up(loaded: LoadedGame, resumed: Resumed | None) -> GameSetup:
    """With the checkpoint's plans, where they are for the same game and number of threads; what preprocessing has
    learned stays, unless the steps are others."""
    if resumed is None:
        return set_up(loaded)
    plans = plans_of(resumed.snapshot) if resumed.keeps_plan(loaded.config) else None
    setup = set_up(loaded, plans, None if resumed.changed("data.preprocess") else resumed.snapshot.preprocess)
    resumed.check_data(setup.data)
    return setup
