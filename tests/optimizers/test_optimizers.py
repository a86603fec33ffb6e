"""Optimizers against textbook formulas written out step by step, and against PyTorch."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nncli import optimizers, registry
from nncli.engine.parameters import Parameters
from nncli.engine.update import PIECE, Updater
from nncli.graph import Segment
from nncli.parts import Array, Optimizer, UpdateFrame

assert optimizers.__name__ == "nncli.optimizers"

Gradient = Callable[[Array], Array]


def parabola(w: Array) -> Array:
    """Gradient of ½ wᵀ A w with A = diag(1, 10, 100, …)."""
    return w * 10.0 ** np.arange(len(w))


def rosenbrock(w: Array) -> Array:
    """Gradient of Σ 100 (wᵢ₊₁ − wᵢ²)² + (1 − wᵢ)²."""
    gradient = np.zeros_like(w)
    gradient[:-1] += -400 * w[:-1] * (w[1:] - w[:-1] ** 2) - 2 * (1 - w[:-1])
    gradient[1:] += 200 * (w[1:] - w[:-1] ** 2)
    return gradient


FUNCTIONS = {"parabola": parabola, "rosenbrock": rosenbrock}


def sgd(w: Array, gradient: Gradient, steps: int, lr: float, **o: Any) -> Array:
    """Polyak's momentum; Nesterov's in the form of Sutskever et al. 2013, with the step size taken out of v."""
    v = np.zeros_like(w)
    for _ in range(steps):
        g = gradient(w) + o.get("weight_decay", 0) * w
        v = o.get("momentum", 0) * v + g
        w = w - lr * (g + o["momentum"] * v if o.get("nesterov") else v)
    return w


def adam(w: Array, gradient: Gradient, steps: int, lr: float, **o: Any) -> Array:
    """Kingma & Ba 2015, Algorithm 1; with `decoupled` Loshchilov & Hutter 2019, Algorithm 2."""
    b1, b2, eps = o.get("beta1", 0.9), o.get("beta2", 0.999), o.get("eps", 1e-8)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, steps + 1):
        g = gradient(w) + (0 if o.get("decoupled") else o.get("weight_decay", 0) * w)
        w = w - (lr * o.get("weight_decay", 0) * w if o.get("decoupled") else 0)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


CASES: dict[str, list[dict[str, Any]]] = {
    "sgd": [
        {"lr": 1e-4},
        {"lr": 1e-4, "momentum": 0.9},
        {"lr": 1e-4, "momentum": 0.9, "nesterov": True},
        {"lr": 1e-4, "momentum": 0.5, "weight_decay": 0.1},
    ],
    "adam": [
        {"lr": 1e-2},
        {"lr": 1e-2, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3},
        {"lr": 1e-2, "weight_decay": 0.1},
        {"lr": 1e-2, "weight_decay": 0.1, "decoupled": True},
        {"lr": 1e-2, "beta1": 0.0},
    ],
}
TRUTHS = {"sgd": sgd, "adam": adam}
ROWS = [(name, options) for name, cases in CASES.items() for options in cases]
each = pytest.mark.parametrize(("name", "options"), ROWS, ids=lambda value: str(value))
START = np.array([-1.2, 1.0, 0.7])


def test_every_optimizer_has_a_line() -> None:
    assert set(CASES) == set(TRUTHS) == set(registry.optimizer)


def run(optimizer: Optimizer, gradient: Gradient, steps: int, dtype: Any = np.float64, decay: bool = True) -> Array:
    w = START.astype(dtype)
    slots = {name: np.zeros_like(w) for name in optimizer.slots()}
    a, b = np.full_like(w, np.nan), np.full_like(w, np.nan)
    frame = UpdateFrame(w=w, slots=slots, a=a, b=b, lr=optimizer.lr)
    frame.weight_decay = optimizer.weight_decay if decay else 0.0
    for t in range(1, steps + 1):
        frame.g, frame.t = gradient(w).astype(dtype), t
        a.fill(np.nan)
        b.fill(np.nan)
        optimizer.update(frame)
    return w


@each
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_textbook_s_trajectory(name: str, options: dict[str, Any], function: str) -> None:
    optimizer = registry.optimizer[name](**options)
    for steps in (1, 2, 50):
        expected = TRUTHS[name](START, FUNCTIONS[function], steps, **options)
        np.testing.assert_allclose(run(optimizer, FUNCTIONS[function], steps), expected, rtol=1e-9, atol=1e-12)


@each
def test_a_planted_fault_is_found(name: str, options: dict[str, Any]) -> None:
    optimizer = registry.optimizer[name](**options)
    expected = TRUTHS[name](START, rosenbrock, 50, **options)
    found = run(optimizer, lambda w: rosenbrock(w) + np.array([0.0, 0.01, 0.0]), 50)
    assert np.abs(found - expected).max() > 1e-7


@each
def test_float32_stays_float32_and_close(name: str, options: dict[str, Any]) -> None:
    found = run(registry.optimizer[name](**options), parabola, 20, np.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, TRUTHS[name](START, parabola, 20, **options), rtol=1e-4, atol=1e-5)


@each
def test_weight_decay_leaves_out_what_has_none(name: str, options: dict[str, Any]) -> None:
    without = {key: value for key, value in options.items() if key != "weight_decay"}
    found = run(registry.optimizer[name](**options), parabola, 10, decay=False)
    np.testing.assert_array_equal(found, run(registry.optimizer[name](**without), parabola, 10))


@each
def test_nan_is_not_hidden(name: str, options: dict[str, Any]) -> None:
    found = run(registry.optimizer[name](**options), lambda w: np.array([1.0, np.nan, 1.0]), 2)
    assert np.isnan(found).tolist() == [False, True, False]


@each
def test_pytorch_s_trajectory(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an optional second witness")
    w = torch.tensor(START.copy(), requires_grad=True)
    theirs = dict(options)
    if name == "adam":
        theirs["betas"] = (theirs.pop("beta1", 0.9), theirs.pop("beta2", 0.999))
    adam_or_w = torch.optim.AdamW if theirs.pop("decoupled", False) else torch.optim.Adam
    optimizer = {"sgd": torch.optim.SGD, "adam": adam_or_w}[name]([w], **theirs)
    for _ in range(100):
        w.grad = torch.tensor(rosenbrock(w.detach().numpy()))
        optimizer.step()
    found = run(registry.optimizer[name](**options), rosenbrock, 100)
    np.testing.assert_allclose(found, w.detach().numpy(), rtol=1e-9)


def test_a_minimum_is_found() -> None:
    found = run(registry.optimizer["adam"](lr=0.05), rosenbrock, 5000)
    np.testing.assert_allclose(found, 1.0, atol=1e-2)


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match="nesterov"):
        registry.optimizer["sgd"](nesterov=True)


class Table:
    """Parameters of the length that a test wants, the first `decayed` with weight decay."""

    def __init__(self, length: int, decayed: int, dtype: Any = np.float64) -> None:
        self.length, self.dtype = length, np.dtype(dtype)
        self.segments = (Segment(0, decayed, decay=True), Segment(decayed, length, decay=False))
        self.w = np.random.default_rng(0).normal(size=length).astype(dtype)

    def vector(self) -> Array:
        return np.zeros(self.length, self.dtype)


def updater(table: Table, gradients: list[Array], optimizer: Optimizer, **clip: float) -> Updater:
    parameters: Parameters = table  # type: ignore[assignment]
    return Updater(parameters, gradients, optimizer, **clip)


@each
def test_pieces_change_nothing(name: str, options: dict[str, Any]) -> None:
    length, decayed = 2 * PIECE + 77, PIECE + 5
    table = Table(length, decayed)
    rng = np.random.default_rng(1)
    optimizer = registry.optimizer[name](**options)
    start = table.w.copy()
    shards = [rng.normal(size=length) for _ in range(3)]
    made = updater(table, [g.copy() for g in shards], optimizer)
    norm = made.gather(3)
    total = shards[0] + shards[1] + shards[2]
    assert norm == pytest.approx(float(np.linalg.norm(total)), rel=1e-12)
    made.apply(norm, optimizer.lr, 1)
    with_decay = TRUTHS[name](start, lambda w: total, 1, **options)
    without = TRUTHS[name](start, lambda w: total, 1, **{**options, "weight_decay": 0})
    np.testing.assert_allclose(table.w[:decayed], with_decay[:decayed], rtol=1e-12)
    np.testing.assert_allclose(table.w[decayed:], without[decayed:], rtol=1e-12)


@each
def test_decay_all_leaves_out_nothing(name: str, options: dict[str, Any]) -> None:
    everything, table = registry.optimizer[name](**options, decay_all=True), Table(6, 2)
    expected = TRUTHS[name](table.w.copy(), lambda w: np.ones(6), 1, **options)
    made = updater(table, [np.ones(6)], everything)
    made.apply(made.gather(1), everything.lr, 1)
    np.testing.assert_allclose(table.w, expected, rtol=1e-12)


def test_clipping() -> None:
    table = Table(4, 4)
    start = table.w.copy()
    g = np.array([3.0, -0.5, 40.0, 0.1])
    made = updater(table, [g.copy()], registry.optimizer["sgd"](lr=1.0), clip_value=2.0, clip_norm=1.5)
    by_value = np.array([2.0, -0.5, 2.0, 0.1])
    norm = made.gather(1)
    assert norm == pytest.approx(float(np.linalg.norm(by_value)))
    made.apply(norm, 1.0, 1)
    np.testing.assert_allclose(table.w, start - by_value * 1.5 / np.linalg.norm(by_value))


def test_a_small_gradient_is_not_scaled_up() -> None:
    table = Table(3, 3)
    start = table.w.copy()
    g = np.array([0.1, 0.2, 0.3])
    made = updater(table, [g.copy()], registry.optimizer["sgd"](lr=1.0), clip_norm=5.0)
    made.apply(made.gather(1), 1.0, 1)
    np.testing.assert_allclose(table.w, start - g)


@pytest.mark.parametrize(("value", "finite"), [(1e30, True), (np.inf, False), (np.nan, False)])
def test_the_norm_of_large_gradients(value: float, finite: bool) -> None:
    table = Table(5, 5, np.float32)
    g = np.array([value, 1, 0, 0, value], np.float32)
    norm = updater(table, [g], registry.optimizer["sgd"]()).gather(1)
    assert np.isfinite(norm) == finite
    if finite:
        assert norm == pytest.approx(np.sqrt(2) * 1e30, rel=1e-6)


@each
def test_an_update_allocates_nothing(name: str, options: dict[str, Any]) -> None:
    table = Table(200_000, 150_000, np.float32)
    made = updater(table, [table.vector(), table.vector()], registry.optimizer[name](**options))
    made.apply(made.gather(2), 0.1, 1)
    tracemalloc.start()
    made.apply(made.gather(2), 0.1, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000
