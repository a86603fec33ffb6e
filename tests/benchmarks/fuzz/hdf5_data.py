"""Changed HDF5 files of data, in their bytes and in what they hold. Each is examined by a process of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.benchmarks.fuzz import octets
from tests.benchmarks.fuzz.checkpoints import change_content
from tests.benchmarks.fuzz.files import commands, config
from tests.benchmarks.fuzz.verdict import Answer, Ask
from tests.benchmarks.fuzz.workers import Case

_SOURCES = (
    "hdf5: a.h5",
    "hdf5: {path: a.h5, x: group/x, y: y}",
    "hdf5: {path: a.h5, x: soft, y: {one: y, two: group/z}}",
    "hdf5: {path: a.h5, memory: 1}",
)


def hdf5(folder: Path) -> Case:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 17, (30, 4, 4)).astype(np.uint8), np.arange(30) % 10
    made = []
    for number, options in enumerate(
        ({}, {"chunks": (8, 4, 4), "compression": "gzip"}, {"chunks": (5, 4, 4), "shuffle": True})
    ):
        made.append(_made(folder / f"{number}.h5", x.astype(["u1", ">f4", "f2"][number]), y, options))
    large = _made(
        folder / "large.h5",
        rng.normal(size=(3000, 10, 10)).astype("f4"),
        np.arange(3000) % 10,
        {"chunks": (50, 10, 10)},
    )

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        path = here / "a.h5"
        content = large if rng.random() < 0.1 else rng.choice(made)
        if rng.random() < 0.5:
            path.write_bytes(octets.changed(rng, content, made, head=2048))
        else:
            path.write_bytes(content)
            with h5py.File(path, "r+") as file:
                for _ in range(rng.choice([1, 1, 2, 3])):
                    change_content(rng, file)
        yield from commands(rng, here, config(rng.choice(_SOURCES)), [path])

    return asked


def _made(path: Path, x: Any, y: Any, options: dict[str, Any]) -> bytes:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=x, **options)
        file.create_dataset("y", data=y)
        file.create_dataset("group/x", data=x[:, :3], **({"chunks": True} if options else {}))
        file["group/z"] = y.astype("u1")
        file["soft"] = h5py.SoftLink("/group/x")
        file.attrs["about"] = "numbers"
    return path.read_bytes()


FORMATS: dict[str, Callable[[Path], Case]] = {"hdf5": hdf5}
