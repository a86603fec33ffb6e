"""A checkpoint as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nncli.checkpoint import NamedArray, Snapshot
from nncli.spec.game import PLAYERS

AVERAGE = "generator_ema"


def inspection_document(path: Path, snapshot: Snapshot) -> dict[str, Any]:
    """What `inspect` tells: statistics are over all values of a parameter, in float64."""
    history = [
        {"epoch": int(epoch)} | {name: float(values[row]) for name, values in snapshot.history.epochs.items()}
        for row, epoch in enumerate(snapshot.history.epoch)
    ]
    if snapshot.networks:
        diagnose = snapshot.history.diagnose
        history = [
            {name: float(values[row]) if name != "step" else int(values[row]) for name, values in diagnose.items()}
            for row in range(len(diagnose.get("step", ())))
        ]
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "kind": snapshot.kind,
        "name": name_of(snapshot.config),
        "dtype": snapshot.dtype,
        "class_names": list(snapshot.class_names),
        "format_version": snapshot.format_version,
        "versions": dict(snapshot.versions),
        "progress": dict(snapshot.progress),
        "plan": _plan(snapshot.plan),
        "preprocess": {
            step: {key: array.shape for key, array in arrays.items()} for step, arrays in snapshot.preprocess.items()
        },
        "parameters": _figures(_named(snapshot, PLAYERS) or snapshot.model, "parameter"),
        "averaged": _figures(_named(snapshot, (AVERAGE,)) or snapshot.model_ema, "parameter"),
        "state": _figures(_named(snapshot, PLAYERS, "state") or snapshot.state, "state"),
        "optimizer": sorted(snapshot.optimizer),
        "history": history,
        "rollbacks": _rows(snapshot.history.rollback),
        "plugins": dict(snapshot.plugins),
        "data": {split: dict(arrays) for split, arrays in snapshot.data.items()},
        "config_dir": snapshot.config_dir,
        "config": snapshot.config,
    }


def _rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Arrays of equal length as one entry for each row."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]


def _named(snapshot: Snapshot, networks: Sequence[str], what: str = "parameters") -> dict[str, Any]:
    """Nodes of several networks, each called after its network and itself; empty for a network alone."""
    return {
        f"{name.removesuffix('_ema')}.{node}": arrays
        for name in networks
        if name in snapshot.networks
        for node, arrays in getattr(snapshot.networks[name], what).items()
    }


def _plan(plan: Mapping[str, Any]) -> str:
    own = plan.get("generator", plan)
    return f"{own.get('shards')} shards, {own.get('blas')} BLAS threads"


def _figures(model: Mapping[str, Mapping[str, NamedArray]], what: str) -> list[dict[str, Any]]:
    """One entry for each array, in float64."""
    found = []
    for node, arrays in model.items():
        for name, named in arrays.items():
            values = named.array.astype("f8")
            figures = {"mean": values.mean(), "std": values.std(), "min": values.min(), "max": values.max()}
            found.append({"node": node, what: name, "shape": list(values.shape), "axes": list(named.axes)} | figures)
    return found


def name_of(config: str) -> str:
    """The run's name, from the first line of the resolved configuration that gives it."""
    line = next((line for line in config.splitlines() if line.startswith("name:")), "name: ?")
    return line.partition(":")[2].strip()
