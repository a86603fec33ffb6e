"""Figures of the nodes of a network in one step, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

INPUT_NAME = "input"
"""What the network's input is called among the nodes; no node may have this name."""


@dataclass(frozen=True, slots=True)
class ParameterFigures:
    """L2 norms of a parameter: of its `gradient` (of the batch's mean loss, before clipping), and of its `weights`."""

    gradient: float
    weights: float

    @property
    def ratio(self) -> float | None:
        """The gradient's norm over the weights'; None where the weights are all zero."""
        return self.gradient / self.weights if self.weights else None


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What one node gave in a step.

    mean, variance   of all its numbers, over the batch
    signal           the part of the variance that lies between samples: the variance of each number over the batch,
                     averaged. What does not depend on the sample carries nothing.
    dead             share of units that stay in the flat part of their activation for every sample; a unit is one
                     number of a vector, or one channel of an image or a series. None where nothing is flat.
    saturated        share of the numbers of a bounded activation that lie in its flat parts; None for all others
    gradient         root mean square over the samples of the norm of the sample's loss's gradient with respect to the
                     node's output; None where nobody needs that gradient
    parameters       of each parameter, by name
    """

    name: str
    mean: float
    variance: float
    signal: float
    dead: float | None = None
    saturated: float | None = None
    gradient: float | None = None
    parameters: Mapping[str, ParameterFigures] = field(default_factory=dict)

    @property
    def square(self) -> float:
        """The mean square of its numbers."""
        return self.mean**2 + self.variance

    def flat(self) -> dict[str, float]:
        """The figures by name, those that are there: what is stored."""
        named = ("mean", "variance", "signal", "dead", "saturated", "gradient")
        found = {name: value for name in named if (value := getattr(self, name)) is not None}
        for name, parameter in self.parameters.items():
            found |= {f"gradient_{name}": parameter.gradient, f"weights_{name}": parameter.weights}
        return found

    @classmethod
    def of(cls, name: str, figures: Mapping[str, float]) -> NodeFigures:
        """The opposite of `flat`."""
        own = {key: float(value) for key, value in figures.items() if "_" not in key}
        names = [key.partition("_")[2] for key in figures if key.startswith("weights_")]
        parameters = {
            key: ParameterFigures(float(figures[f"gradient_{key}"]), float(figures[f"weights_{key}"])) for key in names
        }
        return cls(name, parameters=parameters, **own)


@dataclass(frozen=True, slots=True)
class Probe:
    """The figures of a step on so many samples: of the input first, then of the nodes in the graph's order."""

    samples: int
    nodes: tuple[NodeFigures, ...]

    @property
    def input(self) -> NodeFigures:
        return self.nodes[0]
