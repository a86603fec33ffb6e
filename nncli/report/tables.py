"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from nncli.report import probes
from nncli.report.console import count, duration, number, size, table, times

ENDS = {
    "done": "done",
    "early": "stopped early, no more progress",
    "stopped": "stopped as asked",
    "time": "stopped when the time was up",
    "alarm": "stopped by an alarm",
}
"""What a run's end is called, by its reason."""


def going_on(command: str, console: Console) -> None:
    """How a run that was stopped goes on."""
    console.print(f"go on with: {command}", markup=False, soft_wrap=True)


def outcome(finished: Any) -> RenderableType:
    """The end of a training run."""
    figures = finished.figures
    names = list(dict.fromkeys(name for row in figures.values() for name in row))
    shown = table()
    shown.add_column("split")
    for name in names:
        shown.add_column(name, justify="right")
    for split, row in figures.items():
        shown.add_row(split, *(number(row[name]) if name in row else "" for name in names))
    end = ENDS[finished.reason]
    lines = [f"{end} after {finished.epochs} epochs, {count(finished.steps)} steps, {duration(finished.seconds)}"]
    if finished.rollbacks:
        lines.append(f"rolled back {times(finished.rollbacks)}, with a smaller step size since")
    lines.append(f"last  {finished.checkpoint}")
    if finished.best is not None:
        lines.append(f"best  {finished.best}  (epoch {finished.best_epoch}, {finished.best_figure})")
    return Group(Text(""), shown, Text(""), *(Text(line, overflow="fold") for line in lines))


def cross_validation(folds: Any) -> RenderableType:
    """The end of `train --folds`: the test split of each fold, then means and deviations of every split."""
    means, deviations = folds.means(), folds.deviations()
    names = list(dict.fromkeys(name for row in means.values() for name in row))
    shown = table()
    for name in ("split", "fold"):
        shown.add_column(name)
    for name in names:
        shown.add_column(name, justify="right")
    rows = [("test", str(n), one.figures.get("test", {})) for n, one in enumerate(folds.finished, 1)]
    for what, figures in (("mean", means), ("deviation", deviations)):
        rows += [(split, what, row) for split, row in figures.items()]
    for split, fold, row in rows:
        shown.add_row(split, fold, *(number(row[name]) if name in row else "" for name in names))
    done = len(folds.finished) - folds.interrupted
    seconds = sum(one.seconds for one in folds.finished)
    line = f"{done} of {folds.of} folds done in {duration(seconds)}; their runs are in {folds.folder}"
    return Group(Text(""), shown, Text(""), Text(line, overflow="fold"))


def evaluation(result: Mapping[str, Any]) -> RenderableType:
    """`eval`."""
    if "floor" in result:
        return _quality(result)
    shown = table()
    for name in ("split", "samples", "loss", *result["metrics"]):
        shown.add_column(name, justify="left" if name == "split" else "right")
    figures = [number(value) for value in (result["loss"], *result["metrics"].values())]
    shown.add_row(str(result["split"]), count(result["samples"]), *figures)
    return shown


def _quality(result: Mapping[str, Any]) -> RenderableType:
    """`eval` of a GAN: figures of samples, and beside them those of data against other data."""
    shown = table()
    for name, side in (("figure", "left"), ("samples", "right"), ("data against data", "right")):
        shown.add_column(name, justify=side)  # type: ignore[arg-type]
    for name, value in result["metrics"].items():
        floor = result["floor"].get(name)
        shown.add_row(
            name, *["" if v is None else count(v) if isinstance(v, int) else number(v) for v in (value, floor)]
        )
    lines = [f"\n{count(result['samples'])} samples, and as many data: {result['split']}"]
    if features := result["features"]:
        lines += [f"features: the {features['numbers']} numbers that '{features['layer']}' reads in {features['file']}"]
        lines += [f"its hash: {features['sha256']}"]
    if classes := (features or {}).get("class_shares"):
        lines += ["classes of the samples, %: " + " ".join(f"{100 * share:.1f}" for share in classes)]
    return Group(shown, Text("\n".join(lines)))


def summary(document: Mapping[str, Any], console: Console) -> None:
    """`summary`: one line per node, then the whole."""
    shown = table()
    for name, side in (("node", "left"), ("type", "left"), ("reads", "left")):
        shown.add_column(name, justify=side, overflow="fold")  # type: ignore[arg-type]
    for name in ("output", "parameters", "FLOPs"):
        shown.add_column(name, justify="right")
    chosen = any(node["algorithm"] for node in document["nodes"])
    if chosen:
        shown.add_column("algorithm", overflow="fold")
    player = ""
    for node in document["nodes"]:
        name = node["name"]
        if "player" in node:
            name = name.removeprefix(f"{node['player']}.")
            if node["player"] != player:
                player = node["player"]
                shown.add_row(f"[bold]{player}[/]")
        output = "×".join(str(side) for side in node["output"])
        reads = ", ".join(node["inputs"])
        row = [name, node["type"], reads, output, count(node["parameters"]), _flops(node["flops"])]
        shown.add_row(*row, *([node["algorithm"] or ""] if chosen else []))
    console.print(shown)
    console.print(
        f"\n{count(document['parameters'])} parameters; {_flops(document['flops'])}FLOP forward per sample\n"
        f"{size(document['memory_bytes'])} for training with batches of {document['batch']}\n"
        f"plan: {document['plan']}",
        soft_wrap=True,
        markup=False,
    )


def _flops(value: float) -> str:
    for unit in ("", "k", "M", "G"):
        if value < 1000:
            return f"{value:.0f} " if not unit else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} T"


def inspection(document: Mapping[str, Any], console: Console) -> None:
    """`inspect`: what a checkpoint holds."""
    head = table()
    head.add_column("", style="bold")
    head.add_column("", overflow="fold")
    progress = document["progress"]
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    rows = {
        "file": f"{document['file']}  ({size(document['bytes'])}, digest verified)",
        "run": f"{document['name']}, {document['kind']}, {document['dtype']}",
        "progress": ", ".join(f"{name} {progress[name]}" for name in ("epoch", "step") if name in progress),
        **({"classes": ", ".join(document["class_names"])} if document["class_names"] else {}),
        "plan": document["plan"],
        "written by": versions,
        **({"plugins": ", ".join(document["plugins"])} if document["plugins"] else {}),
    }
    for name, value in rows.items():
        head.add_row(name, value)
    head.show_header = False
    console.print(head)
    for title, kind, what in (
        ("", "parameters", "parameter"),
        ("averaged weights, which are used in the place of those above", "averaged", "parameter"),
        ("state", "state", "state"),
    ):
        if document[kind]:
            console.print(f"\n[bold]{title}[/]" if title else "")
            console.print(_arrays(document[kind], what))
    _history(document["history"], console)
    if document["probe"] is not None:
        probes.show(document["probe"], console)
    console.print(f"\n[bold]configuration[/]  (paths are relative to {document['config_dir']})", soft_wrap=True)
    console.print(Text(document["config"].rstrip()), soft_wrap=True)


def _arrays(entries: Sequence[Mapping[str, Any]], what: str) -> Table:
    """One line for each array, with figures of its values."""
    shown = table()
    for name in ("node", what, "shape"):
        shown.add_column(name, overflow="fold")
    for name in ("mean", "std", "min", "max"):
        shown.add_column(name, justify="right")
    for entry in entries:
        figures = [number(entry[name]) for name in ("mean", "std", "min", "max")]
        sides = "×".join(str(side) for side in entry["shape"]) or "1"
        shown.add_row(entry["node"], entry[what], sides, *figures)
    return shown


def _history(history: Sequence[Mapping[str, Any]], console: Console, most: int = 10) -> None:
    """The last epochs of the history, or looks at a game."""
    if not history:
        return
    index = "epoch" if "epoch" in history[-1] else "step"
    names = [name for name in history[-1] if name != index]
    shown = table()
    shown.add_column(index, justify="right")
    for name in names:
        shown.add_column(name.replace("_", " ", 1), justify="right")
    for row in history[-most:]:
        shown.add_row(str(row[index]), *(number(row[name]) if name in row else "" for name in names))
    console.print("")
    console.print(shown)
    if len(history) > most:
        console.print(f"(the last {most} of {len(history)} {'epochs' if index == 'epoch' else 'looks'})", style="dim")
