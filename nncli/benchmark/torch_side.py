"""PyTorch's half of a comparison, in a process of its own (`children`)."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch

from nncli.benchmark import by_torch
from nncli.benchmark.by_torch import Network
from nncli.benchmark.workload import without_noise
from nncli.parts import Array
from nncli.spec import read_text
from nncli.training.setup import checked_graph

WARM_UP = 3
SLOW = 5.0
"""Seconds from which on a step needs no more warming up, and counts."""
DTYPES = {"float32": torch.float32, "float64": torch.float64}


class Variant(NamedTuple):
    """A way to run the same code: memory format of images and threads inside an operation."""

    channels_last: bool
    threads: int

    @property
    def name(self) -> str:
        form = "channels_last" if self.channels_last else "default"
        return f"{form}, {self.threads} thread{'s'[: self.threads != 1]}"


class TorchSide:
    """A configuration's network in every variant. `arrays` is an NPZ file with the weights `w/NODE/NAME` and a batch x,
    t (batch last); `threads` is the most that may be used."""

    def __init__(self, config: str, arrays: str, threads: int) -> None:
        loaded = read_text(config, "config")
        assert loaded.config.input is not None
        self.config, self.graph = loaded.config, checked_graph(loaded, loaded.config.input.shape)
        self.unknown = by_torch.unknown(self.config, self.graph)
        self.weights: dict[str, dict[str, Array]] = {}
        with np.load(Path(arrays), allow_pickle=False) as file:
            self.x, self.t = file["x"], file["t"]
            for key in file.files:
                kind, *place = key.split("/")
                if kind == "w":
                    self.weights.setdefault(place[0], {})[place[1]] = file[key]
        images = len(self.graph.input) == 3
        self.variants = [Variant(last, n) for last in (False, *[True] * images) for n in sorted({threads, 1})[::-1]]
        self._made: dict[Variant, Any] = {}

    def about(self) -> dict[str, Any]:
        names = [variant.name for variant in self.variants]
        return {"unknown": self.unknown, "variants": names, "version": torch.__version__}

    def gradients(self, out: str) -> float:
        """The loss of the batch in float64, without random numbers; gradients are written to the NPZ file `out`."""
        network = Network(self.config, without_noise(self.graph), self.weights, torch.float64)
        loss, found = network.gradients(*network.batch(self.x, self.t))
        named: Any = {f"{node}/{name}": g for node, arrays in found.items() for name, g in arrays.items()}
        np.savez(Path(out), **named)
        return loss

    def times(self, variant: int, seconds: float) -> list[float]:
        """Seconds of each step, as many as fit into the time; at least one."""
        chosen = self.variants[variant]
        torch.set_num_threads(chosen.threads)
        found: list[float] = []
        if chosen not in self._made:
            network = Network(self.config, self.graph, self.weights, DTYPES[self.config.dtype], chosen.channels_last)
            self._made[chosen] = network, network.batch(self.x, self.t)
            for _ in range(WARM_UP):
                start = perf_counter()
                network.step(*self._made[chosen][1])
                if (taken := perf_counter() - start) > SLOW:
                    return [taken]
        network, batch = self._made[chosen]
        begun = perf_counter()
        while not found or perf_counter() - begun < seconds:
            start = perf_counter()
            network.step(*batch)
            found.append(perf_counter() - start)
        return found
