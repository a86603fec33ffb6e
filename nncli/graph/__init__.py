"""Descriptions to an immutable graph: order, shapes, parameter table, costs."""

from nncli.graph.build import build
from nncli.graph.graph import INPUT, Entry, Graph, Node, Segment

__all__ = ["INPUT", "Entry", "Graph", "Node", "Segment", "build"]
