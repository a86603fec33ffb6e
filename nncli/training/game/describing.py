"""What a GAN's configuration amounts to, before anything runs: for `summary`, `validate` and `--dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nncli.engine import Plan
from nncli.errors import NoSuchFile
from nncli.graph import INPUT, Graph
from nncli.spec import LoadedGame
from nncli.spec.game import PLAYERS, GameConfig
from nncli.training.game.setup import checked_graphs, make_plans, memory_of, open_data


def describe_game(loaded: LoadedGame, data: bool = True) -> dict[str, Any]:
    """The document of `summary`. Without `data` those of the file are not opened where it has an `input`.

    Raises SpecError with all faults of the file, DataError where its data are unfit.
    """
    config = loaded.config
    missing: str | None = None
    if config.data is None and config.input is None:
        loaded.require_data()
    if config.data is not None and (data or config.input is None):
        try:
            _, graphs = open_data(loaded)
        except NoSuchFile as error:
            if config.input is None:
                raise
            missing = str(error)
            graphs = checked_graphs(loaded, config.input.shape)
    else:
        graphs = checked_graphs(loaded, None if config.input is None else config.input.shape)
    return document_of(config, graphs, make_plans(config, graphs)) | {"missing": missing}


def document_of(config: GameConfig, graphs: Mapping[str, Graph], plans: Mapping[str, Plan]) -> dict[str, Any]:
    """Nodes are called after their player and their own name."""
    nodes = [
        {
            "name": f"{player}.{node.name}",
            "player": player,
            "type": node.type,
            "inputs": ["input" if source == INPUT else graphs[player].nodes[source].name for source in node.inputs],
            "output": list(node.declared.output),
            "parameters": node.parameter_count,
            "flops": node.declared.flops,
            "algorithm": plans[player].nodes.get(node.name, {}).get("algorithm"),
        }
        for player in PLAYERS
        for node in graphs[player].nodes
    ]
    return {
        "name": config.name,
        "kind": "gan",
        "input": list(graphs["generator"].input),
        "nodes": nodes,
        "parameters": sum(graph.parameter_count for graph in graphs.values()),
        "players": {player: graphs[player].parameter_count for player in PLAYERS},
        "flops": sum(graph.flops for graph in graphs.values()),
        "memory_bytes": memory_of(config, graphs, plans),
        "batch": config.game.batch,
        "dtype": config.dtype,
        "plan": plans["generator"].describe(),
    }
