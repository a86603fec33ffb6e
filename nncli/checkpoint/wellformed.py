"""Whether what was read from a checkpoint is of the kinds and shapes that format version 1 says.

What is not there at all is told by who needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nncli.checkpoint.snapshot import NamedArray, Snapshot

_KINDS = {"supervised": ("epoch", "cursor", "step"), "gan": ("step", "rollbacks")}
"""Kinds of runs, with the counters that their progress has."""


def check(snapshot: Snapshot) -> None:
    """Raise ValueError that names the place of the first thing that is something else."""
    _require(snapshot.kind in _KINDS, "kind", f"is {snapshot.kind!r}")
    _require(snapshot.dtype in ("float32", "float64"), "dtype", f"is {snapshot.dtype!r}")
    for place, text in (("config", snapshot.config), ("config_dir", snapshot.config_dir)):
        _text(place, text)
    for place, texts in (("class_names", snapshot.class_names), ("plugins", tuple(snapshot.plugins))):
        for text in texts:
            _text(place, text)
    networks = {"model": snapshot.model, "model_ema": snapshot.model_ema, "state": snapshot.state}
    for name, network in snapshot.networks.items():
        networks |= {name: network.parameters, f"{name}/state": network.state}
    for place, value in _leaves(networks, ""):
        _numbers(place, value.array if isinstance(value, NamedArray) else value, "fiu")
    for place, value in _leaves(snapshot.optimizer, "/optimizer"):
        _numbers(place, value, "f")
    for step, arrays in snapshot.preprocess.items():
        _require(isinstance(arrays, Mapping), f"/preprocess/{step}", "is no group")
        for name, value in arrays.items():
            _require(isinstance(value, np.ndarray), f"/preprocess/{step}/{name}", "is no array")
    _progress(snapshot)
    plans = snapshot.plan.items() if snapshot.kind == "gan" else [("", snapshot.plan)]
    for player, plan in plans:
        _plan(f"/plan/{player}".rstrip("/"), plan)
    _history(snapshot)
    for name, value in snapshot.timing.items():
        _numbers(f"/timing/{name}", value, "fiu", 1)


def _history(snapshot: Snapshot) -> None:
    history = snapshot.history
    for group, index, figures in (
        ("step", history.step, history.steps),
        ("epoch", history.epoch, history.epochs),
    ):
        _rows(f"/history/{group}", index, figures)
    if history.diagnose:
        _require("step" in history.diagnose, "/history/diagnose", "has no `step`")
        _rows("/history/diagnose", history.diagnose["step"], history.diagnose)
    if history.probe:
        for name in ("step", "samples", "nodes"):
            _require(name in history.probe, "/history/probe", f"has no `{name}`")
        step, nodes = history.probe["step"], history.probe["nodes"]
        _rows("/history/probe", step, {"samples": history.probe["samples"]})
        _require(isinstance(nodes, Mapping) and len(step) > 0, "/history/probe/nodes", "is no group of figures")
        for node, figures in nodes.items():
            _require(isinstance(figures, Mapping), f"/history/probe/nodes/{node}", "is no group")
            _rows(f"/history/probe/nodes/{node}", step, figures)


def _rows(place: str, index: Any, figures: Mapping[str, Any]) -> None:
    """One number for each entry of the index."""
    _numbers(f"{place}, its index", index, "iu", 1)
    for name, values in figures.items():
        _numbers(f"{place}/{name}", values, "fiu", 1)
        _require(len(values) == len(index), f"{place}/{name}", f"has {len(values)} values for {len(index)} entries")


def _progress(snapshot: Snapshot) -> None:
    progress = snapshot.progress
    for name in _KINDS[snapshot.kind]:
        value = progress.get(name, 0)
        fine = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        _require(fine, f"/progress/{name}", f"is {value!r}, not how many there were")
    for name, value in progress.items():
        if name in ("best_metric", "early_stopping_metric"):
            _require(isinstance(value, str), f"/progress/{name}", "is no text")
        elif isinstance(value, np.ndarray):
            _numbers(f"/progress/{name}", value, "fiu")


def _plan(place: str, plan: Any) -> None:
    _require(isinstance(plan, Mapping), place, "is no group")
    for name in ("shards", "blas"):
        value = plan.get(name, 1)
        fine = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 2**16
        _require(fine, f"{place}/{name}", f"is {value!r}, not a number of threads")
    nodes = plan.get("nodes", {})
    _require(isinstance(nodes, Mapping), f"{place}/nodes", "is no group")
    for node, chosen in nodes.items():
        _require(isinstance(chosen, Mapping), f"{place}/nodes/{node}", "is no group")
        for name, value in chosen.items():
            _require(isinstance(value, int | str), f"{place}/nodes/{node}/{name}", "is no number and no text")


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}/{name}")
    else:
        yield place, value


def _numbers(place: str, value: Any, kinds: str, axes: int | None = None) -> None:
    _require(isinstance(value, np.ndarray) and value.dtype.kind in kinds, place, "holds no numbers of the right type")
    _require(axes is None or value.ndim == axes, place, "has another number of axes")


def _text(place: str, text: str) -> None:
    """Raise ValueError at bytes that are no UTF-8: they come as halves of surrogate pairs, which no stream takes."""
    _require("\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text), place, "is no text")


def _require(fine: bool, place: str, message: str) -> None:
    if not fine:
        raise ValueError(f"{place}: {message}")
