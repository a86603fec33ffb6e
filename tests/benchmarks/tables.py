"""The configurations on tables, in cross-validation, beside scikit-learn's perceptron on the same rows.

scikit-learn's has one hidden layer of 100 units, as its defaults are, and once more the layers of ours. Its numbers and
targets are standardized by the training rows too, and it may take as many iterations as it likes (2,000 at most).
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import Any

from nncli.data.splits import Splits, open_splits
from nncli.parts import Array
from nncli.spec import load
from nncli.spec.config import Config
from nncli.training.events import Finished
from nncli.training.folds import texts_of
from nncli.training.objective import kinds_of
from nncli.training.supervised import open_run

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = {
    "iris": "iris/iris.data",
    "wine": "wine/wine.data",
    "breast_cancer": "breast-cancer/wdbc.data",
    "abalone": "abalone/abalone.data",
    "auto_mpg": "auto-mpg/auto-mpg.data",
    "energy_efficiency": "energy-efficiency/ENB2012_data.csv",
    "california_housing": "california-housing/housing.csv",
}
OF = 5


def report(folder: Path, rounds: int, names: list[str]) -> None:
    """One line for each table: mean and deviation over all folds of all rounds, each with another seed."""
    others = ("scikit, 100 units", "scikit, same layers") if importlib.util.find_spec("sklearn") is not None else ()
    if not others:
        print("\nscikit-learn is not installed (`pip install scikit-learn`): nncli alone")
    print(f"\n| table | folds | figure | nncli | {''.join(f'{other} | ' for other in others)}nncli, s per fold |")
    print("|---|---|---|---|" + "---|" * (len(others) + 1))
    for name in names:
        if not (folder / FILES[name]).is_file():
            print(f"| {name} | skipped: {folder / FILES[name]} is not there |")
            continue
        texts = [f"data.train.csv.path={folder / FILES[name]}", "threads=1"]
        figure = load(CONFIGS / f"{name}.yaml", texts).check().metrics[0].figure
        ours, seconds = [], []
        theirs: dict[str, list[float]] = {other: [] for other in others}
        for config, fold_texts in _folds(name, texts, rounds):
            start = perf_counter()
            ours.append(_nncli(name, fold_texts)[figure])
            seconds.append(perf_counter() - start)
            if others:
                splits = open_splits(config.data, base=CONFIGS, seed=config.seed, kinds=kinds_of(config))
                for other, units in zip(others, ((100,), _units(config)), strict=True):
                    theirs[other].append(_scikit(splits, units, config.seed))
        cells = [_cell(ours), *(_cell(values) for values in theirs.values()), f"{mean(seconds):.1f}"]
        print(f"| {name} | {rounds} x {OF} | {figure} | {' | '.join(cells)} |", flush=True)


def _folds(name: str, texts: list[str], rounds: int) -> Iterator[tuple[Config, list[str]]]:
    for seed in range(rounds):
        for number in range(1, OF + 1):
            fold_texts = texts_of([*texts, f"seed={seed}"], number, OF)
            yield load(CONFIGS / f"{name}.yaml", fold_texts).check(), fold_texts


def _nncli(name: str, texts: list[str]) -> dict[str, float]:
    """Figures of the test split after the last epoch."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # checkpoints are no part of what is measured
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        with open_run(CONFIGS / f"{name}.yaml", None, texts, Path(folder) / "run") as run:
            *_, end = run.events()
        assert isinstance(end, Finished)
        return end.figures["test"]


def _units(config: Config) -> tuple[int, ...]:
    return tuple(node.layer.units for node in config.network if node.layer.type_name == "dense")[:-1]


def _scikit(splits: Splits, units: tuple[int, ...], seed: int) -> float:
    """Accuracy or R2 on the test split; missing values and categories are filled as for nncli."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    assert splits.test is not None
    (x, t), test = _arrays(splits.train), _arrays(splits.test)
    settings: dict[str, Any] = {"hidden_layer_sizes": units, "max_iter": 2000, "random_state": seed}
    if splits.classes is not None:
        model = make_pipeline(StandardScaler(), MLPClassifier(**settings))
    else:
        inner = make_pipeline(StandardScaler(), MLPRegressor(**settings))
        model = TransformedTargetRegressor(inner, transformer=StandardScaler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.fit(x, t).score(*test))


def _arrays(dataset: Any) -> tuple[Array, Array]:
    t = dataset.t
    return (dataset.x, t) if dataset.rows is None else (dataset.x[dataset.rows], t[dataset.rows])


def _cell(values: list[float]) -> str:
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


__all__ = ["FILES", "report"]
