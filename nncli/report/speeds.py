"""The results of `bench` on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from nncli.report.console import count, size, table


@contextmanager
def busy(console: Console) -> Iterator[Callable[[str, float], None]]:
    """A bar while measuring, on a terminal; elsewhere a line for each thing that begins."""
    if not console.is_terminal or console.quiet:
        said: set[str] = set()

        def say(what: str, share: float) -> None:
            if what not in said:
                said.add(what)
                console.print(f"measuring {what}", markup=False)

        yield say
        return
    with Progress(
        TextColumn("measuring"), BarColumn(20), TextColumn("{task.description}"), console=console, transient=True
    ) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda what, share: progress.update(task, description=what, completed=share)


def show(document: Mapping[str, Any], console: Console) -> None:
    """A row for each node, then the step, memory, and PyTorch where it was asked."""
    _nodes(document, console)
    console.print("")
    _whole(document, console)
    if "tuned" in document:
        _tuned(document["tuned"], console)
    if "torch" in document:
        console.print("")
        _torch(document["torch"], console)


def _nodes(document: Mapping[str, Any], console: Console) -> None:
    shown = table()
    shown.add_column("node", overflow="fold", max_width=20)
    shown.add_column("algorithm", overflow="fold", max_width=14)
    for name in ("forward", "backward", "of step", "GFLOP/s", "of peak"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in document["nodes"]:
        both = row["forward_ms"] + row["backward_ms"]
        fused = row["fused_into"] is not None
        shown.add_row(
            Text(row["name"]),
            row["algorithm"],
            Text("fused", style="dim") if fused else milliseconds(row["forward_ms"]),
            milliseconds(row["backward_ms"]),
            percent(both / document["step_ms"]),
            "" if row["gflops"] is None else f"{row['gflops']:.1f}",
            "" if row["peak_share"] is None else percent(row["peak_share"]),
        )
    for name in ("loss", "update"):
        time = document[f"{name}_ms"]
        shown.add_row(Text(name, style="italic"), "", milliseconds(time), "", percent(time / document["step_ms"]))
    console.print(shown)


def _whole(document: Mapping[str, Any], console: Console) -> None:
    memory = document["memory"]
    measured = memory["measured_bytes"]
    data = document["data"] + (f" ({document['why_random']})" if document["why_random"] else "")
    head = table()
    head.show_header = False
    head.add_column("", style="bold")
    head.add_column("", overflow="fold")
    lines = {
        "step": f"{milliseconds(document['step_ms'])} ms, {count(round(document['samples_per_s']))} samples/s; "
        f"{document['gflops']:.1f} GFLOP/s, {percent(document['peak_share'])} of the peak",
        "with data": f"{milliseconds(document['trained_step_ms'])} ms, "
        f"{count(round(document['trained_samples_per_s']))} samples/s as `train` does it; {data}",
        "peak": f"{document['peak_gflops']:.1f} GFLOP/s, a product of 1024² matrices on the same threads",
        "memory": (f"{size(measured)} measured, " if measured is not None else "")
        + f"{size(memory['forecast_bytes'])} forecast"
        + (f"; the process {size(memory['process_peak_bytes'])}" if measured is not None else ""),
        "plan": f"{document['plan']}; batches of {document['batch']}, {document['dtype']}; "
        f"medians of {count(document['steps'])} steps",
    }
    for name, text in lines.items():
        head.add_row(name, text)
    console.print(head)


def _tuned(result: Mapping[str, Any], console: Console) -> None:
    """What --tune found, and where it is."""
    console.print("")
    if not result["changes"] and result["plan"] == result["usual_plan"]:
        console.print(f"tuned: the usual plan is the fastest; {result['file']} says so", soft_wrap=True, markup=False)
        return
    if result["changes"]:
        shown = table()
        shown.add_column("node", overflow="fold", max_width=20)
        shown.add_column("pass")
        shown.add_column("instead of the usual", overflow="fold", max_width=40)
        shown.add_column("time", justify="right")
        for change in result["changes"]:
            shown.add_row(Text(change["node"]), change["pass"], _choice(change), percent(change["ratio"]))
        console.print(shown)
    before, after = result["usual_step_ms"], result["step_ms"]
    console.print(
        f"tuned: a step takes {milliseconds(after)} instead of {milliseconds(before)} ms; the plan is in "
        f"{result['file']}, use it with --plan",
        soft_wrap=True,
        markup=False,
    )


def _choice(change: Mapping[str, Any]) -> str:
    """`winograd, tile 4, rows 2`."""
    prefix = f"{change['pass']}_"
    own = {key.removeprefix(prefix): value for key, value in change["choice"].items() if key.startswith(prefix)}
    name = own.pop("algorithm", None)
    return ", ".join([*([str(name)] if name else []), *(f"{key} {value}" for key, value in own.items())])


def _torch(result: Mapping[str, Any], console: Console) -> None:
    shown = table()
    shown.add_column(f"PyTorch {result['version']}")
    for name in ("ms/step", "over nncli's"):
        shown.add_column(name, justify="right")
    for variant in result["variants"]:
        marks = [
            word
            for word, name in (("as written", result["as_written"]), ("best", result["best"]))
            if name == variant["name"]
        ]
        if variant["rounds"] == 1:
            marks.append("one step")
        name = variant["name"] + (f"  ({', '.join(marks)})" if marks else "")
        shown.add_row(name, milliseconds(variant["step_ms"]), f"{variant['ratio']:.2f}")
    console.print(shown)
    console.print(
        f"\nnncli {milliseconds(result['step_ms'])} ms; in turns, medians of {result['rounds']} rounds; loss and "
        f"gradients agree to {result['agreement']:.0e}",
        soft_wrap=True,
        markup=False,
    )


def milliseconds(value: float) -> str:
    """Three digits: 0.0123, 1.23, 123."""
    if value < 0.1:
        return f"{value:.4f}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
