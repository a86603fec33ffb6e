"""How often the alarms of `nncli gan` ring, and the hint of oscillation comes, in games that are well and that are not.

Each game is played to its end for each seed, in processes side by side; its figures go into a file of one line each.
From that file other thresholds can be judged without playing again (`--replay`).
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nncli.diagnostics.game import COLLAPSE, OSCILLATION, PERFECT, VANISHING, Situation, Watch
from nncli.training.game import events as ev
from nncli.training.game.opening import open_game

CONFIGS = Path(__file__).parents[2] / "configs"
KINDS = (PERFECT, VANISHING, COLLAPSE, OSCILLATION)
OWN: dict[str, str | None] = {
    "ring8": None,
    "grid25": None,
    "digits_gan": None,
    "ring8_vanishing": VANISHING,
    "ring8_collapse": COLLAPSE,
    "ring8_cycling": OSCILLATION,
}
"""Configurations, and what should ring in them; None where nothing should."""
SHOWN = ("js_bound", "saturation", "diversity", "effective_modes", "path_ratio")


def played(name: str, seed: int) -> dict[str, Any]:
    """The figures of all looks at one game, and what its judgement depends on."""
    path = Path(name) if Path(name).suffix else CONFIGS / f"{name}.yaml"
    texts = [f"seed={seed}", "threads=1", "sample.every=10000000", "checkpoint.last=10000000", "diagnose.on_alarm=warn"]
    looks = []
    with tempfile.TemporaryDirectory() as folder, open_game(path, None, texts, Path(folder) / "run") as run:
        situation = asdict(run.diagnosing.situation)
        looks = [[event.step, event.figures] for event in run.events() if isinstance(event, ev.Diagnosed)]
        seconds = run.seconds
    return {"name": path.stem, "seed": seed, "situation": situation, "seconds": seconds, "looks": looks}


def rung(game: dict[str, Any]) -> dict[str, int]:
    """By kind the step at which it first rang."""
    watch, found = Watch(Situation(**game["situation"])), {}
    for step, figures in game["looks"]:
        for alarm in watch.see(step, figures)[1]:
            found.setdefault(alarm.name, step)
    return found


def table(games: Iterable[dict[str, Any]]) -> Iterator[str]:
    """How many runs of each configuration rang each alarm, the range of each figure in the second half, and counts."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for game in games:
        by_name.setdefault(game["name"], []).append(game)
    false, healthy = 0, 0
    yield f"{'configuration':18}{'runs':>6}{'seconds':>9}" + "".join(f"{kind:>24}" for kind in KINDS)
    for name, runs in by_name.items():
        rang = [rung(game) for game in runs]
        first = [[found[kind] for found in rang if kind in found] for kind in KINDS]
        cells = [f"{len(steps)}" + (f" (from {int(np.median(steps))})" if steps else "") for steps in first]
        seconds = np.mean([game["seconds"] for game in runs])
        yield f"{name:18}{len(runs):6}{seconds:9.0f}" + "".join(f"{cell:>24}" for cell in cells)
        for figure in SHOWN:
            values = [
                look.get(figure, math.nan) for game in runs for _, look in game["looks"][len(game["looks"]) // 2 :]
            ]
            known = np.array(values)[np.isfinite(values)]
            if len(known):
                low, middle, high = np.quantile(known, [0, 0.5, 1])
                yield f"    {figure:17} least {low:6.3f}, median {middle:6.3f}, largest {high:6.3f} of the second half"
        if OWN.get(name) is None:
            healthy += len(runs)
            false += sum(any(kind != OSCILLATION for kind in found) for found in rang)
        else:
            own = sum(OWN[name] in found for found in rang)
            yield f"    its own ({OWN[name]}): {own} of {len(runs)}"
    if healthy:
        yield f"false alarms: {false} of {healthy} healthy runs (the hint not counted)"


def report(names: list[str], seeds: range, jobs: int, file: Path) -> None:
    """Play and print; the figures are added to `file`."""
    tasks = [(name, seed) for name in names for seed in seeds]
    games = []
    with ProcessPoolExecutor(jobs) as pool, file.open("a") as out:
        for game in pool.map(played, *zip(*tasks, strict=True)):
            games.append(game)
            out.write(json.dumps(game) + "\n")
            out.flush()
            print(
                f"{game['name']} seed {game['seed']}: {game['seconds']:.0f} s, {rung(game) or 'nothing rang'}",
                flush=True,
            )
    print("\n".join(table(games)))


def replay(file: Path) -> None:
    """Judge the games of a file by the thresholds as they are now."""
    print("\n".join(table(json.loads(line) for line in file.read_text().splitlines())))
