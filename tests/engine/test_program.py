"""The engine's contracts, on networks whose arrays share memory in every way."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from nncli.engine import Plan, Program
from nncli.engine.layout import Layout, Span
from nncli.parts import Array
from tests.engine.networks import TEXTS, Batch, gradient, graph, model

each = pytest.mark.parametrize("name", TEXTS)


def numeric(name: str, batch: Batch, n: int, shards: int, direction: Array) -> float:
    """Slope of the loss along a direction of the parameters, by Richardson's central differences."""
    tested = model(name, shards)
    program = tested.program(n, True)
    w = tested.parameters.w
    at = w.copy()

    def loss(step: float) -> float:
        w[...] = at + step * direction
        return program.run(batch)

    h = 1e-6  # small, so that the kinks of ReLU and pooling are hardly ever crossed
    near, far = (loss(h) - loss(-h)) / (2 * h), (loss(2 * h) - loss(-2 * h)) / (4 * h)
    return (4 * near - far) / 3


@each
@pytest.mark.parametrize("shards", [1, 2])
def test_gradient_is_the_slope_of_the_loss(name: str, shards: int) -> None:
    n = 5
    tested = model(name, shards)
    program = tested.program(n, True)
    batch = Batch(tested.graph, n, np.float64)
    program.run(batch)
    found = gradient(tested, program)
    rng = np.random.default_rng(3)
    for entry in tested.parameters.entries:
        direction = np.zeros_like(found)
        direction[entry.start : entry.stop] = rng.normal(size=entry.size)
        slope = numeric(name, batch, n, shards, direction)
        assert found @ direction == pytest.approx(slope, rel=1e-7, abs=1e-9), (entry.node, entry.name)


@each
def test_shards_agree(name: str) -> None:
    n = 7
    results = []
    for shards in (1, 2, 3):
        tested = model(name, shards)
        program = tested.program(n, True)
        loss = program.run(Batch(tested.graph, n, np.float64), epoch=2, step=5)
        results.append((loss, gradient(tested, program)))
    for loss, found in results[1:]:
        assert loss == pytest.approx(results[0][0], rel=1e-12)
        np.testing.assert_allclose(found, results[0][1], rtol=0, atol=1e-12 * np.abs(found).max())


@each
def test_shards_agree_in_float32(name: str) -> None:
    n = 8
    results = []
    for shards in (1, 2):
        tested = model(name, shards, np.float32)
        program = tested.program(n, True)
        program.run(Batch(tested.graph, n, np.float32))
        results.append(gradient(tested, program))
    norm = np.linalg.norm(results[0].astype(float))
    assert np.linalg.norm(results[1].astype(float) - results[0]) < 1e-5 * norm


@each
def test_a_batch_gives_what_its_samples_give_alone(name: str) -> None:
    n = 5
    tested = model(name)
    batch = Batch(tested.graph, n, np.float64)
    program = tested.program(n, False)
    program.run(batch)
    together = program.shards[0].y.copy()
    alone = tested.program(1, False)
    for row in range(n):

        def load(shard, row=row):  # type: ignore[no-untyped-def]
            shard.x[...] = batch.x[..., row : row + 1]
            shard.t[...] = batch.t[row : row + 1]

        alone.run(load)
        np.testing.assert_allclose(alone.shards[0].y[..., 0], together[..., row], rtol=1e-12, atol=1e-14)


@each
def test_programs_that_share_an_arena_do_not_disturb_each_other(name: str) -> None:
    tested = model(name)
    big, small = Batch(tested.graph, 6, np.float64), Batch(tested.graph, 2, np.float64)
    first = tested.program(6, True)
    loss = first.run(big)
    before = gradient(tested, first)
    tested.program(2, True).run(small)
    tested.program(3, False).run(Batch(tested.graph, 3, np.float64))
    assert first.run(big) == loss
    np.testing.assert_array_equal(gradient(tested, first), before)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_full_of_nan_changes_nothing(name: str, dtype: type) -> None:
    """Nothing is read before it is written in the same step: a stale buffer would carry the NaN on."""
    tested = model(name, 2, dtype)
    program = tested.program(5, True)
    batch = Batch(tested.graph, 5, dtype)
    loss = program.run(batch)
    before = gradient(tested, program)
    tested._arena.reserve(0).view(np.uint8)[...] = 0xFF
    for vector in tested.gradients:
        for views in tested.parameters.views_of(vector).values():
            for view in views.values():
                view[...] = np.nan
    assert program.run(batch) == loss
    np.testing.assert_array_equal(gradient(tested, program), before)


@each
def test_evaluation_leaves_dropout_out(name: str) -> None:
    tested = model(name)
    batch = Batch(tested.graph, 4, np.float64)
    program = tested.program(4, False)
    losses = {program.run(batch, epoch=0, step=step) for step in range(3)}
    assert len(losses) == 1


def test_dropout_differs_from_step_to_step() -> None:
    tested = model("views")
    batch = Batch(tested.graph, 4, np.float64)
    program = tested.program(4, True)
    assert len({program.run(batch, epoch, step) for epoch in range(2) for step in range(2)}) == 4
    assert program.run(batch, 1, 1) == program.run(batch, 1, 1)


@each
def test_input_gradient(name: str) -> None:
    tested = model(name)
    n = 3
    batch = Batch(tested.graph, n, np.float64)
    program = Program(
        tested.graph, tested.parameters, n, tested.plan, training=True, loss=tested.objective, input_gradient=True
    ).allocate()
    program.run(batch)
    dx = program.shards[0].dx
    assert dx is not None
    found = dx.copy()
    direction = np.random.default_rng(0).normal(size=found.shape)
    at, h = batch.x.copy(), 1e-5
    batch.x = at + h * direction
    up = program.run(batch)
    batch.x = at - h * direction
    down = program.run(batch)
    assert np.vdot(found, direction) == pytest.approx((up - down) / (2 * h), rel=1e-5)


@each
def test_a_step_allocates_nothing_that_grows_with_the_batch(name: str) -> None:
    peaks = []
    for n in (10_000, 20_000):  # beyond the 8192 elements of the buffers that NumPy itself keeps
        tested = model(name, 1, np.float32)
        program = tested.program(n, True)
        batch = Batch(tested.graph, n, np.float32)
        for step in range(3):
            program.run(batch, 0, step)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        program.run(batch, 0, 3)
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
    one_row = 4 * (20_000 - 10_000)
    assert peaks[1] - peaks[0] < one_row, peaks


def test_an_allocation_by_batch_size_would_be_seen() -> None:
    tested = model("chain", 1, np.float32)
    program = tested.program(256, True)
    batch = Batch(tested.graph, 256, np.float32)
    program.run(batch)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    program.run(batch, measure=lambda shard: (shard.x + 1).sum())
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak > 4 * 6 * 256


@pytest.mark.parametrize("shards", [1, 2])
def test_the_first_node_that_is_not_finite_is_named(shards: int) -> None:
    tested = model("chain", shards)
    program = tested.program(4, True)
    batch = Batch(tested.graph, 4, np.float64)
    assert program.first_nonfinite(batch, 0, 0) is None
    tested.parameters.views["dense_2"]["W"][0, 0] = np.inf
    program.run(batch)
    assert program.first_nonfinite(batch, 0, 0) == ("dense_2", "output")


def test_a_fault_in_a_shard_is_raised_and_the_program_lives() -> None:
    tested = model("chain", 3)
    program = tested.program(6, True)
    batch = Batch(tested.graph, 6, np.float64)

    def broken(shard):  # type: ignore[no-untyped-def]
        batch(shard)
        if shard.index == 1:
            raise ValueError("planted")

    loss = program.run(batch)
    with pytest.raises(ValueError, match="planted"):
        program.run(broken)
    assert program.run(batch) == loss


def test_layout_shares_memory_only_of_what_never_lives_together() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        layout = Layout()
        for key in range(30):
            start = int(rng.integers(20))
            layout.need(key, int(rng.integers(1, 5000)), start, start + int(rng.integers(8)))
        size = layout.place()
        spans = list(layout.spans.values())
        for index, one in enumerate(spans):
            assert one.offset % 64 == 0
            assert one.offset + one.size <= size
            for other in spans[:index]:
                together = one.start <= other.end and other.start <= one.end
                apart = one.offset >= other.offset + other.size or other.offset >= one.offset + one.size
                assert apart or not together
        assert size <= sum(span.size for span in spans)
        busiest = max(sum(s.size for s in spans if s.start <= moment <= s.end) for moment in range(30))
        assert size >= busiest


def test_layout_is_the_first_fit() -> None:
    """The largest first, each at the lowest place where all of those that live with it leave room."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        layout = Layout()
        for key in range(40):
            start = int(rng.integers(20))
            layout.need(key, int(rng.choice([0, 64, 100, 1000, 4000])), start, start + int(rng.integers(8)))
        layout.place()
        before: list[Span] = []
        for span in sorted(layout.spans.values(), key=lambda s: (-s.size, s.start)):
            others = [s for s in before if s.start <= span.end and s.end >= span.start]
            places = sorted({0, *(s.offset + s.size for s in others)})
            free = (at for at in places if all(at + span.size <= s.offset or at >= s.offset + s.size for s in others))
            assert span.offset == next(free)
            before.append(span)


def test_a_layer_of_views_needs_no_memory_of_its_own() -> None:
    tested = model("views")
    shard = tested.program(4, False).shards[0]
    frames = {node.name: frame for node, frame in zip(tested.graph.nodes, shard.frames, strict=True)}
    assert np.shares_memory(frames["flatten_1"].y, frames["max_pool2d_1"].y)
    assert np.shares_memory(frames["dropout_1"].y, frames["flatten_1"].y)
    assert np.shares_memory(frames["relu_1"].y, frames["conv2d_1"].y)


def test_a_value_with_two_readers_is_not_overwritten() -> None:
    tested = model("residual")
    shard = tested.program(4, False).shards[0]
    frames = {node.name: frame for node, frame in zip(tested.graph.nodes, shard.frames, strict=True)}
    assert not np.shares_memory(frames["relu_1"].y, frames["stem"].y)
    assert not np.shares_memory(frames["b"].y, frames["a"].y)


def test_noise_is_the_same_for_any_shards() -> None:
    """One stream for the batch: row i of the whole is row i − start of its shard."""
    made = graph("views")
    for features in (8, 13):
        rows = []
        for shards in (1, 2, 3):
            tested = model("views", shards)
            program = Program(made, tested.parameters, 7, Plan(shards, 1, tested.plan.nodes), training=True)
            parts = []
            for shard in program.shards:
                noise = np.empty((shard.n, features), np.float32)
                shard._uniform("dropout_1", noise)
                parts.append(noise)
            rows.append(np.concatenate(parts))
        np.testing.assert_array_equal(rows[1], rows[0])
        np.testing.assert_array_equal(rows[2], rows[0])
        assert 0.4 < rows[0].mean() < 0.6
