"""A checkpoint as a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nncli.checkpoint import Snapshot


def inspection_document(path: Path, snapshot: Snapshot) -> dict[str, Any]:
    """What `inspect` tells: statistics are over all values of a parameter, in float64."""
    parameters = []
    for node, arrays in snapshot.model.items():
        for name, named in arrays.items():
            values = named.array.astype("f8")
            parameters.append(
                {
                    "node": node,
                    "parameter": name,
                    "shape": list(values.shape),
                    "axes": list(named.axes),
                    "mean": values.mean(),
                    "std": values.std(),
                    "min": values.min(),
                    "max": values.max(),
                }
            )
    history = [
        {"epoch": int(epoch)} | {name: float(values[row]) for name, values in snapshot.history.epochs.items()}
        for row, epoch in enumerate(snapshot.history.epoch)
    ]
    plan = snapshot.plan
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "kind": snapshot.kind,
        "name": _name(snapshot.config),
        "dtype": snapshot.dtype,
        "format_version": snapshot.format_version,
        "versions": dict(snapshot.versions),
        "progress": dict(snapshot.progress),
        "plan": f"{plan.get('shards')} shards, {plan.get('blas')} BLAS threads",
        "preprocess": {
            step: {key: array.shape for key, array in arrays.items()} for step, arrays in snapshot.preprocess.items()
        },
        "parameters": parameters,
        "optimizer": sorted(snapshot.optimizer),
        "history": history,
        "plugins": dict(snapshot.plugins),
        "config_dir": snapshot.config_dir,
        "config": snapshot.config,
    }


def _name(config: str) -> str:
    """The run's name, from the first line of the resolved configuration that gives it."""
    line = next((line for line in config.splitlines() if line.startswith("name:")), "name: ?")
    return line.partition(":")[2].strip()
