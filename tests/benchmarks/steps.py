"""The six workloads: a training step here and in PyTorch, in turns (`nncli bench --vs torch`)."""

from __future__ import annotations

from pathlib import Path

from nncli.benchmark.bench import bench_config
from nncli.benchmark.timing import Limits
from nncli.report.speeds import milliseconds

FOLDER = Path(__file__).parent / "workloads"
NAMES = ("tiny", "digits", "mlp", "lenet", "vgg", "largekernel")


def report(names: list[str], seconds: float) -> None:
    """The table of ratios, as Markdown."""
    print("\n| workload | nncli, ms/step | PyTorch as written | its best | as written / nncli | best / nncli |")
    print("|---|---|---|---|---|---|")
    for name in names:
        result = bench_config(FOLDER / f"{name}.yaml", limits=Limits(None, seconds / 4), against="torch")["torch"]
        times = {variant["name"]: milliseconds(variant["step_ms"]) for variant in result["variants"]}
        written, best = result["as_written"], result["best"]
        print(
            f"| {name} | {milliseconds(result['step_ms'])} | {times[written]} | {times[best]} ({best}) "
            f"| {result['ratio']:.2f} | {result['best_ratio']:.2f} |",
            flush=True,
        )
