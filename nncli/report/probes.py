"""What was seen inside a network, as a table with the findings below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from nncli.report.console import count, table

LEGEND = """\
signal: the part of the variance that lies between samples
dead: units (of images channels) that no sample moves out of the flat part
saturated: outputs in the flat parts
gradient: its norm at the output, root mean square over samples"""


def show(probe: Mapping[str, Any], console: Console) -> None:
    """One line per node; the first column has the numbers of the findings that are about it."""
    shown = table()
    shown.add_column("", style="bold red", no_wrap=True)
    shown.add_column("node", overflow="fold")
    for name in ("output", "mean", "variance", "signal", "dead", "saturated", "gradient"):
        shown.add_column(name, justify="right", no_wrap=True)
    marks: dict[str, str] = {}
    for place, finding in enumerate(probe["findings"], 1):
        for node in finding["nodes"]:
            marks[node] = f"{marks[node]},{place}" if node in marks else str(place)
    for node in probe["nodes"]:
        mark, output = marks.get(node["name"], ""), "×".join(str(side) for side in node["output"])
        figures = [_number(node[name]) for name in ("mean", "variance", "signal")]
        shares = [_share(node[name]) for name in ("dead", "saturated")]
        style = "red" if mark else ""
        shown.add_row(mark, Text(node["name"], style), output, *figures, *shares, _number(node["gradient"]))
    console.print("")
    console.print(shown)
    console.print(f"\n{_what(probe)}", markup=False)
    console.print(LEGEND, style="dim", soft_wrap=True)
    if probe["hidden"]:
        (low, high), (least, most) = probe["hidden"]["mean"], probe["hidden"]["variance"]
        line = f"between input and output: mean {low:.3f} to {high:.3f}, variance {least:.3g} to {most:.3g}"
        console.print(f"\n{line}", markup=False)
    findings(probe["findings"], console, "signal and gradient keep their size on the way")


def findings(found: Sequence[Mapping[str, Any]], console: Console, otherwise: str) -> None:
    """Numbered, each with its remedy; `otherwise` is what it means that there are none."""
    if not found:
        console.print(f"no findings: {otherwise}", style="green")
    for place, finding in enumerate(found, 1):
        console.print("")
        console.print(
            Text(f"{place} {finding['kind']}", "bold red") + Text(f": {finding['evidence']}", "not bold default")
        )
        console.print(Text(f"  remedy: {finding['remedy']}"))


def _what(probe: Mapping[str, Any]) -> str:
    samples = f"{count(probe['samples'])} samples"
    if "step" in probe:
        return f"the last look into the network, after {count(probe['step'])} steps, at {samples}"
    weights = "at the initial weights" if probe["weights"] == "initial" else f"at the weights of {probe['weights']}"
    return f"{samples} of {probe['batch']}, {probe['dtype']}, {weights}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}" if abs(value) < 100 else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
