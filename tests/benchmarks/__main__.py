"""Nncli against PyTorch, and its perceptron against scikit-learn's; whole training runs on MNIST where it is at hand.

python -m tests.benchmarks                          the six workloads
python -m tests.benchmarks tiny mlp --seconds 30    some of them, for longer
python -m tests.benchmarks mnist --mnist FOLDER     from a cold start to 99 % (or the variable NNCLI_MNIST)
python -m tests.benchmarks tables --tables FOLDER   cross-validation beside scikit-learn's (or NNCLI_TABLES)
python -m tests.benchmarks augment --pictures a.png what augmentation costs LeNet, and a picture of each step
python -m tests.benchmarks iris wine --tables FOLDER    some of the tables
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tests.benchmarks import augmentation, machine, mnist, scikit, steps, tables

ELSE = ("mnist", "augment", "tables", *tables.FILES)
"""What can be asked for besides the workloads."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"{', '.join((*steps.NAMES, *ELSE))}")
    parser.add_argument("--seconds", type=float, default=20.0, help="time for each workload (default 20)")
    parser.add_argument("--mnist", type=Path, default=os.environ.get("NNCLI_MNIST"), help="folder of MNIST's IDX files")
    parser.add_argument("--tables", type=Path, default=os.environ.get("NNCLI_TABLES"), help="folder of the tables")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side on MNIST, seeds on tables (default 3)")
    parser.add_argument("--pictures", type=Path, help="where the sheet of augmented images is written (PNG)")
    parser.add_argument("--threads", type=int, default=2, help="threads of a run with augmentation (default 2)")
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
