"""What a step tells about a network's health: figures of every node, and a judgement of them."""

from nncli.diagnostics.figures import NodeFigures, ParameterFigures, Probe
from nncli.diagnostics.judgement import Finding, fresh, judge
from nncli.diagnostics.probe import probe

__all__ = ["Finding", "NodeFigures", "ParameterFigures", "Probe", "fresh", "judge", "probe"]
