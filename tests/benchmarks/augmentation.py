"""What augmentation costs a training run of LeNet, and a sheet of pictures of each step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from nncli import registry
from nncli.benchmark.timing import trained_steps
from nncli.benchmark.workload import open_workload
from nncli.data.augmentation import Augmenter
from nncli.parts import Array, Augmentation
from nncli.spec import read_text
from nncli.training.loop import Run

ROOT = Path(__file__).parents[2]
LISTS = {
    "nothing": "[]",
    "shift, rotation, scaling": "[shift, rotation, scaling]",
    "shift, rotation, elastic": "[shift, rotation, elastic]",
    "crop, flip": "[crop, flip]",
    "cutout": "[cutout]",
    "noise": "[noise]",
    "mixup": "[mixup]",
}
ROUND = 20
"""Steps of each list in a round."""


def report(seconds: float, threads: int | None) -> None:
    """Milliseconds of a training step of LeNet on bytes of 28 × 28, all lists in turn; medians."""
    text = (ROOT / "configs" / "mnist_lenet.yaml").read_text()
    print(f"\nLeNet, batch 64, {threads or 'all'} threads: ms of a training step, and of its processor time")
    with ExitStack() as stack:
        runs: dict[str, Run] = {}
        for name, steps in LISTS.items():
            loaded = read_text(text, "mnist_lenet.yaml", [f"data.augment={steps}", f"threads={threads or 2}"])
            runs[name] = stack.enter_context(open_workload(loaded, random=True)).run
        steps = {name: trained_steps(run) for name, run in runs.items()}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            for name, each in steps.items():
                times[name].append(_round(each))
        alone = {name: _alone(run) for name, run in runs.items()}
    base = [wall for wall, _ in times["nothing"]]
    for name, rows in times.items():
        wall, cpu = (median(column) for column in zip(*rows, strict=True))
        ratio = median(own / other for (own, _), other in zip(rows, base, strict=True))
        print(f"{name:28} {wall:7.2f} {cpu:7.2f}   {ratio:5.3f} of nothing   augmentation alone {alone[name]:5.2f}")


def _round(steps: Iterator[object]) -> tuple[float, float]:
    next(steps)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROUND):
        next(steps)
    return (time.perf_counter() - wall) / ROUND * 1e3, (time.process_time() - cpu) / ROUND * 1e3


def _alone(run: Run) -> float:
    """Milliseconds of augmenting one batch, with nothing else to do."""
    if run.setup.augmenter is None:
        return 0.0
    buffers = run.feed._of(run.batch)
    times = []
    for number in range(50):
        begun = time.perf_counter()
        run.setup.augmenter.apply(buffers.x, buffers.targets, buffers.mixed, 0, number)
        times.append(time.perf_counter() - begun)
    return median(times) * 1e3


# -- pictures ----------------------------------------------------------------------------------------------------------

EXAMPLES = {
    "elastic": {},
    "rotation": {"degrees": 30.0},
    "shift": {"pixels": (4.0, 4.0)},
    "scaling": {"by": 0.4, "each_axis": True},
    "noise": {"std": 0.2},
    "mixup": {"alpha": 1.0},
}
"""Larger than one would train with, so that it can be seen."""
COLUMNS, ZOOM, GAP = 12, 3, 2


def pictures(x: Array, path: Path) -> None:
    """Write a sheet: images (C, H, W, N) from 0 to 1, one row as they are, then one for each step and for two lists."""
    from PIL import Image

    rows: list[tuple[str, list[Augmentation]]] = [("as it is", [])]
    rows += [(name, [registry.augment[name](**EXAMPLES.get(name, {}))]) for name in registry.augment]
    lists = {
        "all movements": ("shift", "rotation", "scaling", "elastic"),
        "crop, flip, cutout": ("crop", "flip", "cutout"),
    }
    rows += [(name, [registry.augment[step]() for step in steps]) for name, steps in lists.items()]
    x = np.ascontiguousarray(x[..., :COLUMNS], np.float32)
    height, width = x.shape[1:3]
    sheet = np.full((len(rows) * (height + GAP), COLUMNS * (width + GAP), 3), 90, np.uint8)
    for row, (name, steps) in enumerate(rows):
        out = x.copy()
        Augmenter(steps, x.shape[:-1], np.float32, 0).apply(out, {}, {}, 0, 0)
        pixels = np.rint(np.clip(out, 0, 1) * 255).astype(np.uint8)
        for column in range(COLUMNS):
            top, left = row * (height + GAP), column * (width + GAP)
            image = np.moveaxis(np.broadcast_to(pixels[..., column], (3, height, width)), 0, -1)
            sheet[top : top + height, left : left + width] = image
        print(f"row {row + 1}: {name}")
    size = (sheet.shape[1] * ZOOM, sheet.shape[0] * ZOOM)
    Image.fromarray(sheet).resize(size, Image.Resampling.NEAREST).save(path)
    print(path)


def samples(folder: Path | None) -> Array:
    """Digits of MNIST where it is at hand, else those that ship; (1, H, W, N) from 0 to 1."""
    from nncli.data import sources

    assert sources
    if folder is not None:
        source = registry.source["idx"](images=str(folder / "train-images-idx3-ubyte.gz"), labels=None)
    else:
        source = registry.source["npz"](path=str(ROOT / "data" / "digits.npz"), x="x_train", y="y_train")
    x = replace(source.load(Path())).x[:COLUMNS].reshape(COLUMNS, *(28, 28) if folder else (8, 8))
    return np.moveaxis(x[:, None] / (255 if folder else 16), 0, -1)
