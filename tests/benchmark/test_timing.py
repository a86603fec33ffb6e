"""Times of nodes and steps, on a clock that the test moves: no figure here depends on how busy the machine is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nncli.benchmark import bench as whole
from nncli.benchmark import timing
from nncli.benchmark.timing import Bench, Limits, Times, algorithm, node_rows, peak_flops
from nncli.benchmark.workload import Workload, open_workload
from nncli.spec import read_text

TEXT = """
name: clocked
threads: 1
input: {shape: [2, 6, 6], classes: 3}
network:
  - {conv2d: {filters: 4, kernel: 3, algorithm: gemm}, name: first}
  - relu
  - {conv2d: {filters: 5, kernel: 3, algorithm: gemm}, name: second}
  - {dropout: 0.5, name: drop}
  - flatten
  - {dense: 3, name: last}
loss: softmax_cross_entropy
metrics: [accuracy]
train: {batch: 8}
"""


class Clock:
    """Stands still but for what `spend` adds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def costly(self, function: Callable[..., Any] | None, seconds: float) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.now += seconds
            return function(*arguments) if function is not None else None

        return call


@pytest.fixture
def workload() -> Iterator[Workload]:
    with open_workload(read_text(TEXT), random=True) as opened:
        yield opened


@pytest.fixture
def clocked(workload: Workload, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, Clock]:
    """A bench whose node i takes 1 + i seconds forward and 10 (1 + i) backward, the loss nothing, the update 1000."""
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    bench = Bench(workload)
    monkeypatch.setattr(bench, "_multiply", clock.costly(None, 1.0))
    (shard,) = bench.program.shards
    shard._forward = [(i, clock.costly(call, 1.0 + i), frame) for i, call, frame in shard._forward]
    shard._backward = [(i, clock.costly(call, 10.0 * (1 + i)), frame, sums) for i, call, frame, sums in shard._backward]
    updater = workload.run.updater
    monkeypatch.setattr(updater, "apply", clock.costly(updater.apply, 1000.0))
    return bench, clock


FORWARD = {0: 1.0, 2: 3.0, 3: 4.0, 5: 6.0}
"""By node: relu (1) is applied by `first`, flatten (4) is a view."""
BACKWARD = {index: 10.0 * (1 + index) for index in range(6)}


def test_each_node_has_its_own_time_and_they_make_up_the_step(clocked: tuple[Bench, Clock]) -> None:
    bench, _ = clocked
    bench.nodes()
    bench.step()
    times = bench.times
    assert {node: values for node, values in times.forward.items()} == {k: [v] for k, v in FORWARD.items()}
    assert {node: values for node, values in times.backward.items()} == {k: [v] for k, v in BACKWARD.items()}
    assert times.loss == [0.0]
    assert times.update == [1000.0]
    assert times.step == [sum(FORWARD.values()) + sum(BACKWARD.values()) + 1000]


def test_rows_say_operations_over_time_and_share_of_the_peak(clocked: tuple[Bench, Clock], workload: Workload) -> None:
    bench, _ = clocked
    bench.nodes()
    rows = {row["name"]: row for row in node_rows(workload.run, bench.program, bench.times, 1e6)}
    first, second = 8 * 4 * 16 * (2 * 18 + 1), 8 * 5 * 4 * (2 * 36 + 1)
    # nobody asks the first node for its input's gradient: one pass back, where others have two
    assert rows["first"]["gflops"] == pytest.approx(2 * first / (1 + 10) / 1e9)
    assert rows["second"]["gflops"] == pytest.approx(3 * second / (3 + 30) / 1e9)
    assert rows["second"]["backward_gflops"] == pytest.approx(2 * second / 30 / 1e9)
    assert rows["second"]["peak_share"] == pytest.approx(3 * second / 33 / 1e6)
    assert rows["first"]["algorithm"] == "gemm"
    assert rows["relu_1"]["fused_into"] == "first"
    assert (rows["relu_1"]["forward_ms"], rows["relu_1"]["backward_ms"]) == (0.0, 20e3)
    assert rows["flatten_1"]["gflops"] is None


def test_the_peak_counts_the_operations_of_every_thread(workload: Workload) -> None:
    times = Times(product=[3.0, 2.0, 2.0])
    assert peak_flops(workload.run, times) == 1024**3


def test_limits_end_the_measuring(clocked: tuple[Bench, Clock]) -> None:
    """A step takes more than a second of the test's clock; rounds are of one step each."""
    bench, clock = clocked
    shares: list[float] = []
    assert len(bench.measure(Limits(2, 1e9), shares.append).step) == 2
    assert shares == [0.5, 1.0]
    step = sum(FORWARD.values()) + sum(BACKWARD.values()) + 1000
    assert len(bench.measure(Limits(None, 0.0)).step) == 1
    assert len(bench.measure(Limits(None, 5 * step)).step) in (2, 3)
    assert clock.now > 0


def test_training_steps_go_on_behind_the_end_of_an_epoch(workload: Workload) -> None:
    steps = timing.trained_steps(workload.run)
    seen = [next(steps) for _ in range(workload.run.steps_per_epoch + 1)]
    assert [event.epoch for event in seen] == [1] * workload.run.steps_per_epoch + [2]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, ""),
        ({"algorithm": "gemm", "rows": 3}, "gemm"),
        ({"algorithm": {"forward": "winograd", "weight": "gemm", "input": "winograd"}}, "winograd/gemm"),
    ],
)
def test_algorithms_are_named_as_the_plan_has_them(chosen: dict[str, Any], said: str) -> None:
    assert algorithm(chosen) == said


def test_documents_have_the_keys_that_were_promised(tmp_path: Path) -> None:
    path = tmp_path / "clocked.yaml"
    path.write_text(TEXT)
    heard: list[str] = []
    document = whole.bench_config(path, limits=Limits(2, 10), progress=lambda what, share: heard.append(what))
    assert {"step_ms", "samples_per_s", "peak_gflops", "nodes"} <= document.keys()
    for row in document["nodes"]:
        assert {"name", "type", "algorithm", "forward_ms", "backward_ms", "gflops"} <= row.keys()
    assert document["steps"] == 2
    assert document["samples_per_s"] == pytest.approx(8 / document["step_ms"] * 1e3)
    assert min(document[key] for key in ("step_ms", "update_ms", "trained_step_ms", "gflops", "peak_gflops")) > 0
    assert document["why_random"] == "the configuration has no data"
    memory = document["memory"]
    assert memory["measured_bytes"] is None or 0 < memory["measured_bytes"] < memory["process_peak_bytes"]
    assert list(dict.fromkeys(heard)) == ["memory", "steps"]
