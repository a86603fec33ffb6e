"""The same network here and in PyTorch, in turns."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from nncli.benchmark.children import Child, child
from nncli.benchmark.timing import WARM_UP, Bench
from nncli.benchmark.workload import Workload, without_noise
from nncli.engine import Model, make_plan
from nncli.engine.plan import processors
from nncli.engine.shard import Shard
from nncli.errors import CheckFailed, Fault, UsageError
from nncli.parts import Array
from nncli.spec import dump
from nncli.training.objective import objective

ROUNDS = 5
"""At least; a round is a little of nncli and of every variant of PyTorch."""
HOPELESS = 4
"""A variant whose first step takes so many times as long as the fastest one's is not measured again: one of 31×31
kernels takes PyTorch 89 s in `channels_last`."""
TURN = 0.2
"""Seconds of each in a round."""
TOLERANCE = 1e-6
"""How far loss and gradients may differ in float64, as part of the largest gradient of a node."""

Views = dict[str, dict[str, Array]]


def check_installed() -> None:
    """Raises UsageError where PyTorch is not."""
    if importlib.util.find_spec("torch") is None:
        hint = "install it with `pip install torch`, or leave --vs out"
        raise UsageError(Fault("PyTorch is not installed", "--vs torch", hint))


def compare(workload: Workload, bench: Bench, seconds: float, progress: Callable[[float], None]) -> dict[str, Any]:
    """The part `torch` of the document of `bench`; both work on its batch.

    Raises UsageError that names what PyTorch does not have, CheckFailed where loss or gradients differ.
    """
    with TemporaryDirectory() as folder, child() as other:
        config = workload.run.setup.config
        # without data there is no preprocessing that could change the shape: the input is what the network reads
        assert config.input is not None
        read = dataclasses.replace(config.input, shape=workload.run.setup.graph.input)
        config = dataclasses.replace(config, input=read, data=None, init_from=None, plugins=())
        x, t = bench.batch()
        arrays = Path(folder) / "arrays.npz"
        views = workload.run.model.parameters.views
        weights: Any = {f"w/{node}/{name}": array for node, found in views.items() for name, array in found.items()}
        np.savez(arrays, x=x, t=t, **weights)
        threads = min(processors(), config.threads or processors())
        about = other.ask("build it in PyTorch", config=dump(config), arrays=str(arrays), threads=threads)
        if about["unknown"]:
            hint = "compare a network without it, or leave --vs out"
            raise UsageError(
                [Fault(f"{what} has no counterpart in PyTorch here", "--vs torch", hint) for what in about["unknown"]]
            )
        agreement = _agree(workload, other, x, t, Path(folder) / "gradients.npz")
        ours, theirs = _in_turns(bench, other, len(about["variants"]), seconds, progress)
    mine = median(ours)
    variants = [
        {"name": name, "step_ms": median(times) * 1e3, "ratio": median(times) / mine, "rounds": len(times)}
        for name, times in zip(about["variants"], theirs, strict=True)
    ]
    best = min(variants, key=lambda variant: variant["step_ms"])
    return {
        "version": about["version"],
        "step_ms": mine * 1e3,
        "rounds": len(ours),
        "agreement": agreement,
        "variants": variants,
        "as_written": variants[0]["name"],
        "ratio": variants[0]["ratio"],
        "best": best["name"],
        "best_ratio": best["ratio"],
    }


def _agree(workload: Workload, other: Child, x: Array, t: Array, file: Path) -> float:
    """The largest difference of loss and gradients, both in float64 and without random layers."""
    theirs = other.ask("compare gradients", out=str(file))
    loss, gradients = _gradients(workload, x, t)
    worst, where = abs(loss - theirs) / max(abs(loss), 1e-12), "the loss"
    with np.load(file, allow_pickle=False) as found:
        for node, arrays in gradients.items():
            # of the node's largest: a bias before a normalisation has a gradient of rounding errors alone
            scale = max(float(np.abs(gradient).max(initial=0.0)) for gradient in arrays.values()) or 1.0
            for name, gradient in arrays.items():
                if (key := f"{node}/{name}") not in found.files:
                    continue
                far = float(np.abs(gradient - found[key]).max(initial=0.0)) / scale
                if not far <= worst:
                    worst, where = far, f"the gradient of {node}.{name}"
    if not worst <= TOLERANCE:
        hint = "so the two do not do the same work, and times cannot be compared; `nncli gradcheck --against torch`"
        raise CheckFailed(Fault(f"{where} differs from PyTorch's by {worst:.1e} of it", "--vs torch", hint))
    return float(worst)


def _gradients(workload: Workload, x: Array, t: Array) -> tuple[float, Views]:
    setup, parameters = workload.run.setup, workload.run.model.parameters
    graph, config, n = without_noise(setup.graph), setup.config, x.shape[-1]
    model = Model(graph, make_plan(graph, n, 8, config.threads), np.float64, objective(config, graph), config.seed)
    try:
        for node, arrays in parameters.views.items():
            for name, array in arrays.items():
                model.parameters.views[node][name][...] = array
        program = model.program(n, training=True)

        def load(shard: Shard) -> None:
            here = slice(shard.start, shard.start + shard.n)
            shard.x[...], shard.t[...] = x[..., here], t[..., here]

        loss = program.run(load)
        total = np.sum(model.gradients[: len(program.shards)], axis=0)
        return loss, model.parameters.views_of(total)
    finally:
        model.close()


def _in_turns(
    bench: Bench, other: Child, variants: int, seconds: float, progress: Callable[[float], None]
) -> tuple[list[float], list[list[float]]]:
    """Median seconds of a step in each round: ours, and of each variant."""
    for _ in range(WARM_UP):
        bench.step()
    first: list[float] = [median(other.ask("warm up in PyTorch", variant=v, seconds=0.0)) for v in range(variants)]
    left_out = {v for v, seconds in enumerate(first) if seconds > max(HOPELESS * min(first), TURN)}
    rounds = max(ROUNDS, round(seconds / ((1 + variants) * TURN)))
    ours: list[float] = []
    theirs: list[list[float]] = [[seconds] if v in left_out else [] for v, seconds in enumerate(first)]
    for done in range(rounds):
        ours.append(median(bench.steps_for(TURN)))
        for variant in set(range(variants)) - left_out:
            theirs[variant].append(median(other.ask("measure PyTorch", variant=variant, seconds=TURN)))
        progress((done + 1) / rounds)
    return ours, theirs
