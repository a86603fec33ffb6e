"""Nncli against PyTorch, and its perceptron against scikit-learn's; whole training runs on MNIST where it is at hand.

python -m tests.benchmarks                          the six workloads
python -m tests.benchmarks tiny mlp --seconds 30    some of them, for longer
python -m tests.benchmarks gan                      a step of both players of a GAN
python -m tests.benchmarks alarms --seeds 10        how often alarms ring in healthy and in sick games (an hour)
python -m tests.benchmarks mnist --mnist FOLDER     from a cold start to 99 % (or the variable NNCLI_MNIST)
python -m tests.benchmarks tables --tables FOLDER   cross-validation beside scikit-learn's (or NNCLI_TABLES)
python -m tests.benchmarks augment --pictures a.png what augmentation costs LeNet, and a picture of each step
python -m tests.benchmarks hdf5 --gib 4             training from a file of 4 GiB beside the same in memory
python -m tests.benchmarks fuzz --files 500         wrong and hostile input (the whole takes an hour or two)
python -m tests.benchmarks fuzz --replay npz:82     one case of it, with tracebacks
python -m tests.benchmarks kills --kills 200 --seed 0   runs that are killed and gone on with; --game of a GAN
python -m tests.benchmarks iris wine --tables FOLDER    some of the tables
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tests.benchmarks import alarms, augmentation, gan, kills, machine, mnist, scikit, steps, streaming, tables

ELSE = ("gan", "alarms", "mnist", "augment", "fuzz", "hdf5", "kills", "tables", *tables.FILES)
"""What can be asked for besides the workloads."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join((*steps.NAMES, *ELSE)))
    parser.add_argument("--tables", type=Path, default=os.environ.get("NNCLI_TABLES"), help="folder of the tables")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="time for each workload, or turn of `hdf5` (default 20)"
    )
    parser.add_argument("--mnist", type=Path, default=os.environ.get("NNCLI_MNIST"), help="folder of MNIST's IDX files")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side on MNIST, seeds on tables (default 3)")
    parser.add_argument(
        "--first",
        type=int,
        help="the first seed of games (default 10: 0 to 3 chose the thresholds), the first case of `fuzz` (default 0)",
    )
    parser.add_argument("--seeds", type=int, default=3, help="games of each configuration for `alarms` (default 3)")
    parser.add_argument("--games", nargs="+", metavar="CONFIG", help=f"for `alarms`: {', '.join(alarms.OWN)}, or files")
    parser.add_argument("--jobs", type=int, default=2, help="games or cases at a time for `alarms`, `fuzz` (default 2)")
    parser.add_argument("--figures", type=Path, default="alarms.jsonl", help="where `alarms` adds the figures of games")
    parser.add_argument(
        "--replay",
        nargs="?",
        const="",
        metavar="FORMAT:NUMBER",
        help="`alarms` judges the games of that file again, `fuzz` runs this case again",
    )
    parser.add_argument("--formats", nargs="+", metavar="FORMAT", help="of `fuzz` (default all)")
    parser.add_argument("--configs", type=int, default=20_000, help="configurations of `fuzz` (default 20000)")
    parser.add_argument("--files", type=int, default=5_000, help="files of each format of `fuzz` (default 5000)")
    parser.add_argument("--seed", type=int, default=0, help="what cases of `fuzz` and moments of `kills` follow from")
    parser.add_argument("--pictures", type=Path, help="where the sheet of augmented images is written (PNG)")
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of a run with augmentation, or from a file (default 2)"
    )
    parser.add_argument("--gib", type=float, default=4.0, help="size of the file of `hdf5` (default 4)")
    parser.add_argument("--folder", type=Path, help="where that file is made and removed (default: a temporary folder)")
    parser.add_argument("--memory", type=int, default=256, help="MiB that streaming may take (default 256)")
    parser.add_argument("--form", choices=streaming.FORMS, default="contiguous", help="how the file is stored")
    parser.add_argument("--kills", type=int, default=200, help="how often `kills` kills (default 200)")
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
    if "alarms" in names and asked.replay is not None:
        alarms.replay(asked.figures)
    elif "alarms" in names:
        there = [name for name in alarms.OWN if (alarms.CONFIGS / f"{name}.yaml").exists()]
        first = 10 if asked.first is None else asked.first
        alarms.report(asked.games or there, range(first, first + asked.seeds), asked.jobs, asked.figures)
    if "fuzz" in names:
        fuzzed(parser, asked)
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
    if "hdf5" in names:
        streaming.report(asked.gib, asked.folder, asked.seconds, asked.rounds, asked.memory, asked.form, asked.threads)
    wanted = list(tables.FILES) if "tables" in names else [name for name in names if name in tables.FILES]
    if wanted:
        if asked.tables is None:
            parser.error("tables need --tables FOLDER, or the variable NNCLI_TABLES")
        tables.report(Path(asked.tables), asked.rounds, wanted)


def fuzzed(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> None:
    """A campaign, or one case of it; ends with exit code 1 where something is found."""
    from tests.benchmarks.fuzz import campaign

    formats = asked.formats or list(campaign.FORMATS)
    if asked.replay:
        formats, number = [asked.replay.partition(":")[0]], asked.replay.partition(":")[2]
        if not number.isdigit():
            parser.error("--replay takes FORMAT:NUMBER")
    if unknown := sorted(set(formats) - set(campaign.FORMATS)):
        parser.error(f"unknown: {', '.join(unknown)}; formats are {', '.join(campaign.FORMATS)}")
    if asked.replay:
        raise SystemExit(bool(campaign.replay(formats[0], int(number), asked.seed).finds))
    counts = {name: asked.configs if name == "configs" else asked.files for name in formats}
    raise SystemExit(bool(campaign.report(counts, asked.seed, asked.jobs, asked.first or 0)))


main()
