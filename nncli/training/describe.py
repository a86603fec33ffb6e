"""What a configuration amounts to, before anything runs: for `summary`, `validate` and `--dry-run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nncli.data.splits import open_splits
from nncli.engine import Plan, make_plan
from nncli.engine.plan import Planner
from nncli.errors import NoSuchFile, SpecError
from nncli.graph import INPUT, Graph
from nncli.spec import Loaded, LoadedGame, load_any
from nncli.spec.config import Config
from nncli.training.game.describing import describe_game
from nncli.training.needs import forecast
from nncli.training.objective import check_targets, kinds_of, objective
from nncli.training.setup import checked_graph, resolve_input


def describe(path: Path, texts: Sequence[str], data: bool = True, planner: Planner = make_plan) -> dict[str, Any]:
    """The document of `summary`. Without `data` those of the file are not opened where it has an `input`.

    Where it has one, files of data may be missing: `missing` names the first, None where all are there or none is asked
    for.

    Raises SpecError with all faults of the file, DataError where its data are unfit.
    """
    return describe_loaded(load_any(path, texts), data, planner)


def describe_loaded(loaded: Loaded | LoadedGame, data: bool = True, planner: Planner = make_plan) -> dict[str, Any]:
    """As `describe`, of a configuration that was read already."""
    if isinstance(loaded, LoadedGame):
        return describe_game(loaded, data)
    config = loaded.config
    if config.input is None and config.data is None:
        loaded.require_data()
    missing: str | None = None
    if config.input is not None:
        graph = checked_graph(loaded, config.input.shape)
    elif loaded.faults:
        raise SpecError(loaded.faults)
    if config.data is not None and (data or config.input is None):
        try:
            kinds = kinds_of(config)
            splits = open_splits(config.data, base=loaded.base, seed=config.seed, kinds=kinds, given=config.input)
        except NoSuchFile as error:
            if config.input is None:
                raise
            missing = str(error)
        else:
            graph = checked_graph(loaded, splits.shape)
            check_targets(splits, objective(config, graph), graph)
            config = resolve_input(config, splits)
    itemsize = 8 if config.dtype == "float64" else 4
    plan = planner(graph, config.train.batch, itemsize, config.threads)
    return document_of(config, graph, plan) | {"missing": missing}


def document_of(config: Config, graph: Graph, plan: Plan) -> dict[str, Any]:
    nodes = [
        {
            "name": node.name,
            "type": node.type,
            "inputs": ["input" if source == INPUT else graph.nodes[source].name for source in node.inputs],
            "output": list(node.declared.output),
            "parameters": node.parameter_count,
            "flops": node.declared.flops,
            "algorithm": plan.nodes.get(node.name, {}).get("algorithm"),
        }
        for node in graph.nodes
    ]
    return {
        "name": config.name,
        "input": list(graph.input),
        "nodes": nodes,
        "parameters": graph.parameter_count,
        "flops": graph.flops,
        "memory_bytes": forecast(graph, plan, config, config.train.batch),
        "batch": config.train.batch,
        "dtype": config.dtype,
        "plan": plan.describe(),
    }
