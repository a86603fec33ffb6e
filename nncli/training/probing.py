"""Looking into a network while it is trained (`diagnose`), and at what was seen then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.checkpoint import Snapshot
from nncli.diagnostics import Finding, NodeFigures, Probe, fresh, judge, probe
from nncli.diagnostics.figures import INPUT_NAME
from nncli.errors import NncliError
from nncli.graph import Graph
from nncli.spec import read_text
from nncli.training.events import Probed
from nncli.training.feeding import Wanted
from nncli.training.setup import checked_graph

if TYPE_CHECKING:
    from nncli.training.loop import Run


def document(graph: Graph, seen: Probe, findings: Sequence[Finding]) -> dict[str, Any]:
    """Figures and findings for `--json` and for tables. `hidden` are the nodes between the input and the output."""
    outputs = [graph.input, *(node.declared.output for node in graph.nodes)]
    types = ["input", *(node.type for node in graph.nodes)]
    hidden = seen.nodes[1:-1]
    return {
        "samples": seen.samples,
        "hidden": {
            name: [min(values), max(values)]
            for name in ("mean", "variance")
            if (values := [getattr(figures, name) for figures in hidden])
        },
        "nodes": [
            {"name": figures.name, "type": kind, "output": list(output), **_figures(figures)}
            for figures, kind, output in zip(seen.nodes, types, outputs, strict=True)
        ],
        "findings": [
            {"kind": f.kind, "nodes": list(f.nodes), "evidence": f.evidence, "remedy": f.remedy} for f in findings
        ],
    }


def _figures(figures: NodeFigures) -> dict[str, Any]:
    return {
        name: getattr(figures, name) for name in ("mean", "variance", "signal", "dead", "saturated", "gradient")
    } | {
        "parameters": {
            name: {"gradient": p.gradient, "weights": p.weights, "ratio": p.ratio}
            for name, p in figures.parameters.items()
        }
    }


# -- while it is trained -----------------------------------------------------------------------------------------------


class Probing:
    """The looks of a run: at the batch of a step, before it, at each multiple of `diagnose.every` steps.

    What was seen is kept by node and figure, one value for each entry of `steps` (steps done before) and `samples`.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.every = run.setup.config.diagnose.every if run.setup.config.diagnose is not None else None
        self.steps: list[int] = []
        self.samples: list[int] = []
        self.nodes: dict[str, dict[str, list[float]]] = {}

    def due(self) -> bool:
        """Whether to look before the next step; not twice, where a run stopped between the look and the step."""
        step = self.run.progress.step
        return self.every is not None and step % self.every == 0 and self.steps[-1:] != [step]

    def look(self, batch: Wanted) -> Probed:
        """Look at the batch that the next step takes first."""
        run = self.run
        step = run.progress.step
        before = self._findings() if self.steps else []
        seen = probe(run.model, len(batch.rows), run.feed.load(batch), batch.epoch, batch.number)
        self.steps.append(step)
        self.samples.append(seen.samples)
        for figures in seen.nodes:
            kept = self.nodes.setdefault(figures.name, {})
            for name, value in figures.flat().items():
                kept.setdefault(name, []).append(value)
        return Probed(step, tuple(fresh(self._findings(), before)))

    def _findings(self) -> list[Finding]:
        """Of the last look."""
        return judge(self.run.setup.graph, _last(self.run.setup.graph, self.stored()), start=self.steps[-1] == 0)

    def stored(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        if not self.steps:
            return {}
        nodes = {
            node: {name: np.array(values) for name, values in figures.items()} for node, figures in self.nodes.items()
        }
        return {"step": np.array(self.steps), "samples": np.array(self.samples), "nodes": nodes}

    def restore(self, stored: Mapping[str, Any]) -> None:
        """The opposite of `stored`. Looks at a network of other nodes are left out, what is no look raises an error."""
        self.steps, self.samples, self.nodes = [], [], {}
        if stored and stored["nodes"].keys() == set(_names(self.run.setup.graph)):
            _last(self.run.setup.graph, stored)
            self.steps, self.samples = stored["step"].tolist(), stored["samples"].tolist()
            self.nodes = {
                node: {name: values.tolist() for name, values in figures.items()}
                for node, figures in stored["nodes"].items()
            }


# -- afterwards --------------------------------------------------------------------------------------------------------


def last_probe(snapshot: Snapshot) -> dict[str, Any] | None:
    """The last look of a run, for `inspect`; None where there was none, or its network cannot be built here."""
    stored = snapshot.history.probe
    if not stored:
        return None
    try:
        loaded = read_text(snapshot.config, "checkpoint")
        assert loaded.config.input is not None
        graph = checked_graph(loaded, loaded.config.input.shape)
    except NncliError:
        return None
    seen, step = _last(graph, stored), int(stored["step"][-1])
    return {"step": step, **document(graph, seen, judge(graph, seen, start=step == 0))}


def _last(graph: Graph, stored: Mapping[str, Any]) -> Probe:
    nodes = [
        NodeFigures.of(name, {figure: values[-1] for figure, values in stored["nodes"][name].items()})
        for name in _names(graph)
    ]
    return Probe(int(stored["samples"][-1]), tuple(nodes))


def _names(graph: Graph) -> list[str]:
    return [INPUT_NAME, *(node.name for node in graph.nodes)]
