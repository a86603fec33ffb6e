"""Nncli against PyTorch, and its perceptron against scikit-learn's; whole training runs on MNIST where it is at hand.

python -m tests.benchmarks                          the six workloads
python -m tests.benchmarks tiny mlp --seconds 30    some of them, for longer
python -m tests.benchmarks gan                      a step of both players of a GAN
python -m tests.benchmarks alarms --seeds 10        how often alarms ring in healthy and in sick games (an hour)
python -m tests.benchmarks mnist --mnist FOLDER     from a cold start to 99 % (or the variable NNCLI_MNIST)
python -m tests.benchmarks tables --tables FOLDER   cross-validation beside scikit-learn's (or NNCLI_TABLES)
python -m tests.benchmarks augment --pictures a.png what augmentation costs LeNet, and a picture of each step
python -m tests.benchmarks kills --kills 200 --seed 0   runs that are killed and gone on with; --game of a GAN
python -m tests.benchmarks iris wine --tables FOLDER    some of the tables
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tests.benchmarks import alarms, augmentation, gan, kills, machine, mnist, scikit, steps, tables

ELSE = ("gan", "alarms", "kills", "mnist", "augment", "tables", *tables.FILES)
"""What can be asked for besides the workloads."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join((*steps.NAMES, *ELSE)))
    parser.add_argument("--tables", type=Path, default=os.environ.get("NNCLI_TABLES"), help="folder of the tables")
    parser.add_argument("--seconds", type=float, default=20.0, help="time for each workload (default 20)")
    parser.add_argument("--mnist", type=Path, default=os.environ.get("NNCLI_MNIST"), help="folder of MNIST's IDX files")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side on MNIST, seeds on tables (default 3)")
    parser.add_argument(
        "--first", type=int, default=10, help="the first seed: 0 to 3 chose the thresholds (default 10)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="games of each configuration for `alarms` (default 3)")
    parser.add_argument("--games", nargs="+", metavar="CONFIG", help=f"for `alarms`: {', '.join(alarms.OWN)}, or files")
    parser.add_argument("--jobs", type=int, default=2, help="games at a time for `alarms` (default 2)")
    parser.add_argument("--figures", type=Path, default="alarms.jsonl", help="where `alarms` adds the figures of games")
    parser.add_argument("--replay", action="store_true", help="`alarms` judges the games of that file again")
    parser.add_argument("--pictures", type=Path, help="where the sheet of augmented images is written (PNG)")
    parser.add_argument("--threads", type=int, default=2, help="threads of a run with augmentation (default 2)")
    parser.add_argument("--kills", type=int, default=200, help="how often `kills` kills (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="what the moments of `kills` follow from (default 0)")
    parser.add_argument("--game", action="store_true", help="`kills` kills games instead")
    asked = parser.parse_args()
    names = asked.workloads or list(steps.NAMES)
    if unknown := sorted(set(names) - {*steps.NAMES, *ELSE}):
        parser.error(f"unknown: {', '.join(unknown)}")
    print(machine.describe())
    rows = [name for name in names if name in steps.NAMES]
    if rows:
        steps.report(rows, asked.seconds)
    if "mlp" in rows:
        scikit.report(asked.seconds)
    if "gan" in names:
        gan.report(asked.seconds)
    if "alarms" in names and asked.replay:
        alarms.replay(asked.figures)
    elif "alarms" in names:
        there = [name for name in alarms.OWN if (alarms.CONFIGS / f"{name}.yaml").exists()]
        alarms.report(asked.games or there, range(asked.first, asked.first + asked.seeds), asked.jobs, asked.figures)
    if "kills" in names and not kills.report("gan" if asked.game else "train", asked.kills, asked.seed):
        parser.exit(1)
    if "mnist" in names:
        if asked.mnist is None:
            parser.error("mnist needs --mnist FOLDER, or the variable NNCLI_MNIST")
        mnist.report(Path(asked.mnist), asked.rounds)
    if "augment" in names:
        if asked.pictures is not None:
            folder = None if asked.mnist is None else Path(asked.mnist)
            augmentation.pictures(augmentation.samples(folder), asked.pictures)
        augmentation.report(asked.seconds, asked.threads)
    wanted = list(tables.FILES) if "tables" in names else [name for name in names if name in tables.FILES]
    if wanted:
        if asked.tables is None:
            parser.error("tables need --tables FOLDER, or the variable NNCLI_TABLES")
        tables.report(Path(asked.tables), asked.rounds, wanted)


main()
