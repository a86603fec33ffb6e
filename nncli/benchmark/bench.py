"""`nncli bench`: from a configuration to the document of its times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from nncli.benchmark import tuning, versus
from nncli.benchmark.children import child
from nncli.benchmark.timing import Bench, Limits, Times, node_rows, peak_flops
from nncli.benchmark.workload import Workload, open_workload
from nncli.engine import make_plan
from nncli.errors import Fault, OutputError
from nncli.spec import Loaded, load, plugins
from nncli.training.needs import forecast
from nncli.training.plan_files import planner, write_plan

Progress = Callable[[str, float], None]
"""Told what is done now, and what share of it."""


def bench_config(
    path: Path,
    texts: Sequence[str] = (),
    *,
    random: bool = False,
    limits: Limits | None = None,
    against: str | None = None,
    plan: Path | None = None,
    tune_into: Path | None = None,
    tune_for: float = 30.0,
    progress: Progress = lambda what, share: None,
) -> dict[str, Any]:
    """The document of `bench`. Raises SpecError, DataError, UsageError, CheckFailed, OutputError.

    `plan` is the file of a plan to use; `tune_into` is where the fastest one is written that is found
    first, in about `tune_for` seconds.

    All times are medians. The child that is asked for its memory trains the same configuration first, while nothing
    else is measured.
    """
    if against == "torch":
        versus.check_installed()
    limits = limits or Limits()
    loaded = load(path, texts)
    tuned = None
    if tune_into is not None:
        tuned = _tune(loaded, random, tune_into, tune_for, lambda share: progress("other plans", share))
        plan = tune_into
    with open_workload(loaded, random, planner(plan) if plan is not None else make_plan) as workload:
        progress("memory", 0.0)
        measured = _memory(path, texts, workload, plugins.are_allowed(), plan)
        bench = Bench(workload)
        times = bench.measure(limits, lambda share: progress("steps", share))
        document = document_of(workload, bench, times) | {"memory": measured}
        if tuned is not None:
            document["tuned"] = tuning.document(tuned) | {"file": str(tune_into)}
        if against is not None:
            document["torch"] = versus.compare(
                workload, bench, limits.seconds, lambda share: progress("against PyTorch", share)
            )
    return document


def _tune(loaded: Loaded, random: bool, file: Path, seconds: float, progress: Callable[[float], None]) -> tuning.Tuned:
    """Find the fastest plan and write it. Raises OutputError where there is such a file already."""
    if file.exists():
        hint = "delete it, or choose another with -o"
        raise OutputError(Fault("the file exists", file=str(file), hint=hint))
    with open_workload(loaded, random) as workload:
        tuned = tuning.tune(workload, seconds, progress)
        config = workload.run.setup.config
        write_plan(file, tuned.plan, workload.run.batch, config.dtype, tuning.tuned_on())
    return tuned


def _memory(path: Path, texts: Sequence[str], workload: Workload, allow: bool, plan: Path | None) -> dict[str, Any]:
    setup = workload.run.setup
    random = workload.data == "random numbers"
    with child() as other:
        measured = other.ask(
            "measure memory",
            config=str(path),
            texts=list(texts),
            random=random,
            allow=allow,
            plan=None if plan is None else str(plan),
        )
    peak, base = measured["peak_bytes"], measured["base_bytes"]
    return {
        "forecast_bytes": forecast(setup.graph, setup.plan, setup.config, workload.run.batch),
        "measured_bytes": None if peak is None or base is None else peak - base,
        "process_peak_bytes": peak,
    }


def document_of(workload: Workload, bench: Bench, times: Times) -> dict[str, Any]:
    run = workload.run
    peak = peak_flops(run, times)
    nodes = node_rows(run, bench.program, times, peak)
    step, trained = median(times.step), median(times.trained)
    flops = sum(row["gflops"] * (row["forward_ms"] + row["backward_ms"]) for row in nodes if row["gflops"]) / 1e3
    return {
        "name": run.setup.config.name,
        "batch": run.batch,
        "dtype": run.setup.config.dtype,
        "data": workload.data,
        "why_random": workload.why,
        "plan": run.setup.plan.describe(),
        "threads": max(run.setup.plan.shards, run.setup.plan.blas),
        "steps": len(times.step),
        "step_ms": step * 1e3,
        "update_ms": median(times.update) * 1e3,
        "loss_ms": median(times.loss) * 1e3,
        "samples_per_s": run.batch / step,
        "trained_step_ms": trained * 1e3,
        "trained_samples_per_s": run.batch / trained,
        "gflops": flops / step,
        "peak_gflops": peak / 1e9,
        "peak_share": flops * 1e9 / step / peak,
        "nodes": nodes,
    }
