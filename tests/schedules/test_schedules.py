"""Schedules at the points where their values are known, and between them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import pytest

from nncli import registry, schedules
from nncli.parts import Moment

assert schedules.__name__ == "nncli.schedules"

TOTAL, PER_EPOCH = 1000, 10
NARROW = (1 + math.sqrt(0.5)) / 2
CASES: dict[str, list[tuple[dict[str, Any], dict[int, float]]]] = {
    "constant": [
        ({}, {0: 1.0, 500: 1.0, 999: 1.0, 5000: 1.0}),
        ({"warmup": 10}, {0: 0.1, 4: 0.5, 9: 1.0, 10: 1.0, 999: 1.0}),
    ],
    "cosine": [
        ({}, {0: 1.0, 500: 0.5, 250: NARROW, 1000: 0.0}),
        ({"end": 0.2}, {0: 1.0, 500: 0.6, 1000: 0.2, 3000: 0.2}),
        ({"warmup": 200}, {0: 1 / 200, 99: 0.5, 199: 1.0, 200: 1.0, 600: 0.5, 1000: 0.0}),
    ],
    "one_cycle": [
        ({"warmup": 0.25, "start": 0.1, "end": 0.0}, {0: 0.1, 125: 0.55, 250: 1.0, 625: 0.5, 1000: 0.0, 2000: 0.0}),
        ({"warmup": 0.0, "end": 0.0}, {0: 1.0, 500: 0.5, 1000: 0.0}),
        ({"warmup": 1.0, "start": 0.0}, {0: 0.0, 500: 0.5, 1000: 1.0}),
    ],
    "step": [
        ({}, {0: 1.0, 99: 1.0, 100: 0.1, 199: 0.1, 200: 0.01, 1000: 1e-10}),
        ({"every": 3, "gamma": 0.5}, {29: 1.0, 30: 0.5, 59: 0.5, 60: 0.25, 95: 0.125}),
        ({"every": 1, "gamma": 0.5, "warmup": 20}, {0: 1 / 20, 9: 0.5, 10: 11 / 20 * 0.5, 19: 0.5, 20: 0.25}),
    ],
    "exponential": [
        ({}, {0: 1.0, 9: 1.0, 10: 0.95, 100: 0.95**10, 1009: 0.95**100}),
        ({"gamma": 0.5, "warmup": 5}, {0: 0.2, 4: 1.0, 9: 1.0, 10: 0.5, 20: 0.25}),
    ],
    "linear": [
        ({}, {0: 1.0, 250: 0.75, 500: 0.5, 1000: 0.0, 2000: 0.0}),
        ({"start": 0.2, "end": 0.6}, {0: 0.2, 500: 0.4, 1000: 0.6, 2000: 0.6}),
        ({"end": 0.1, "epochs": 20}, {0: 1.0, 100: 0.55, 200: 0.1, 201: 0.1, 1000: 0.1}),
        ({"start": 0.8, "warmup": 200}, {99: 0.4, 199: 0.8, 200: 0.8, 600: 0.4, 1000: 0.0}),
        ({"epochs": 10, "warmup": 50}, {49: 1.0, 50: 1.0, 100: 0.5, 150: 0.0}),
    ],
    "polynomial": [
        ({}, {0: 1.0, 250: 0.75, 1000: 0.0, 3000: 0.0}),
        ({"power": 2.0}, {0: 1.0, 500: 0.25, 900: 0.01, 1000: 0.0}),
        ({"power": 1.5, "end": 0.1, "warmup": 200}, {99: 0.5, 200: 1.0, 800: 0.1 + 0.9 * 0.125, 1000: 0.1}),
    ],
    "warm_restarts": [
        ({}, {0: 1.0, 25: NARROW, 50: 0.5, 100: 1.0, 150: 0.5, 950: 0.5}),
        ({"period": 5, "multiplier": 2}, {0: 1.0, 25: 0.5, 50: 1.0, 100: 0.5, 150: 1.0, 250: 0.5, 350: 1.0, 550: 0.5}),
        ({"period": 10, "end": 0.2, "warmup": 30}, {14: 0.5, 29: 1.0, 30: 1.0, 80: 0.6, 130: 1.0}),
    ],
    "plateau": [
        ({}, {0: 1.0, 1000: 1.0}),
        ({"warmup": 10}, {0: 0.1, 4: 0.5, 9: 1.0, 1000: 1.0}),
    ],
}
"""Options, and factors at steps of a run of TOTAL steps with PER_EPOCH in an epoch."""
ROWS = [(name, options, points) for name, cases in CASES.items() for options, points in cases]
JUMPS = ("step", "exponential", "warm_restarts")


def test_every_schedule_has_a_line() -> None:
    assert set(CASES) == set(registry.schedule)


@pytest.mark.parametrize("name", [name for name in registry.schedule if name != "plateau"])
def test_every_option_is_set_by_some_case(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(registry.schedule[name])}
    assert fields == {key for options, _ in CASES[name] for key in options}


@pytest.mark.parametrize(("name", "options", "points"), ROWS)
def test_known_points(name: str, options: dict[str, Any], points: dict[int, float]) -> None:
    schedule = registry.schedule[name](**options)
    for step, value in points.items():
        assert schedule.factor(Moment(step, TOTAL, PER_EPOCH)) == pytest.approx(value, abs=1e-9), step


@pytest.mark.parametrize(("name", "options", "points"), ROWS)
def test_no_jumps_and_never_outside_of_zero_and_one(name: str, options: dict[str, Any], points: object) -> None:
    schedule = registry.schedule[name](**options)
    factors = [schedule.factor(Moment(step, TOTAL, PER_EPOCH)) for step in range(TOTAL + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    warmup = options.get("warmup", 0)
    rise = 1 / warmup if warmup > 1 else 0.02
    steps = range(warmup if name in JUMPS else TOTAL)
    inside = [step for step in steps if name not in JUMPS or (step + 1) % PER_EPOCH]
    largest = max((abs(factors[step + 1] - factors[step]) for step in inside), default=0)
    assert largest <= max(rise, 0.02) + 1e-12


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("total", [1, 2, 3])
def test_short_runs(name: str, total: int) -> None:
    for options in ({}, {"warmup": 2}) if name != "one_cycle" else ({},):
        schedule = registry.schedule[name](**options)
        assert all(0 <= schedule.factor(Moment(step, total)) <= 1 for step in range(total + 1))


# -- plateau -----------------------------------------------------------------------------------------------------------

FALLING = [1.0 / n for n in range(1, 8)]
PLATEAUS: list[tuple[dict[str, Any], list[float], float]] = [
    ({"patience": 1}, FALLING, 1.0),
    ({"patience": 1}, [1.0, 1.0], 1.0),
    ({"patience": 1}, [1.0, 1.0, 1.0], 0.1),
    ({"patience": 0}, [1.0, 1.0, 1.0], 0.01),
    ({"patience": 1}, [1.0, 1.0, 0.9, 1.0], 1.0),
    ({"patience": 1, "gamma": 0.5}, [1.0] * 7, 0.125),
    ({"patience": 1, "gamma": 0.5, "cooldown": 2}, [1.0] * 7, 0.25),
    ({"patience": 0, "minimum": 0.05}, [1.0] * 5, 0.05),
    ({"patience": 1, "min_delta": 0.2}, [1.0, 0.9, 0.81, 0.79], 0.1),
    ({"patience": 1}, [math.nan] * 3, 0.01 * 10),
    ({"metric": "accuracy", "patience": 0}, [-0.9, -0.95, -0.95], 0.1),
]


@pytest.mark.parametrize(("options", "seen", "expected"), PLATEAUS)
def test_plateau(options: dict[str, Any], seen: list[float], expected: float) -> None:
    schedule = registry.schedule["plateau"](**options)
    assert schedule.watches() == options.get("metric", "loss")
    assert schedule.factor(Moment(50, TOTAL, PER_EPOCH, seen)) == pytest.approx(expected)


def test_every_option_of_plateau_is_set() -> None:
    fields = {field.name for field in dataclasses.fields(registry.schedule["plateau"])}
    assert fields - {"warmup"} == {key for options, _, _ in PLATEAUS for key in options}


# -- PyTorch's ---------------------------------------------------------------------------------------------------------

THEIRS: list[tuple[str, dict[str, Any], str, dict[str, Any], str]] = [
    ("cosine", {"end": 0.1}, "CosineAnnealingLR", {"T_max": 60, "eta_min": 0.1}, "step"),
    ("linear", {"start": 0.3, "end": 0.9}, "LinearLR", {"start_factor": 0.3, "end_factor": 0.9}, "step"),
    ("polynomial", {"power": 1.7}, "PolynomialLR", {"power": 1.7}, "step"),
    ("step", {"every": 4, "gamma": 0.3}, "StepLR", {"step_size": 4, "gamma": 0.3}, "epoch"),
    ("exponential", {"gamma": 0.8}, "ExponentialLR", {"gamma": 0.8}, "epoch"),
    ("warm_restarts", {"period": 3, "end": 0.1}, "CosineAnnealingWarmRestarts", {"T_0": 3, "eta_min": 0.1}, "share"),
    ("warm_restarts", {"period": 2, "multiplier": 3}, "CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 3}, "share"),
]
"""Ours, PyTorch's, and when theirs is called: after each step, each epoch, or each step with the share of the epoch."""


@pytest.mark.parametrize(("name", "options", "theirs", "arguments", "called"), THEIRS)
def test_pytorch_s(name: str, options: dict[str, Any], theirs: str, arguments: dict[str, Any], called: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an optional second witness")
    total, per_epoch = 60, 4
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    if name in ("linear", "polynomial"):
        arguments = {**arguments, "total_iters": total}
    scheduler = getattr(torch.optim.lr_scheduler, theirs)(optimizer, **arguments)
    schedule = registry.schedule[name](**options)
    for step in range(total):
        found = schedule.factor(Moment(step, total, per_epoch))
        assert found == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12), step
        optimizer.step()
        if called == "share":
            scheduler.step((step + 1) / per_epoch)
        elif called == "step" or (step + 1) % per_epoch == 0:
            scheduler.step()


@pytest.mark.parametrize("options", [row[0] for row in PLATEAUS[:-1]])
@pytest.mark.parametrize("seed", range(3))
def test_pytorch_s_plateau(options: dict[str, Any], seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an optional second witness")
    renamed = {"gamma": "factor", "min_delta": "threshold", "minimum": "min_lr"}
    arguments = {"threshold": 0.0} | {renamed.get(key, key): value for key, value in options.items()}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, threshold_mode="abs", eps=0.0, **arguments)
    schedule = registry.schedule["plateau"](**options)
    noise = torch.rand(60, generator=torch.Generator().manual_seed(seed)).tolist()
    seen = [1 / (1 + n) + share for n, share in enumerate(noise)]
    for end, figure in enumerate(seen, 1):
        optimizer.step()
        scheduler.step(figure)
        found = schedule.factor(Moment(end * 10, TOTAL, PER_EPOCH, seen[:end]))
        assert found == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9), end


def test_a_cycle_is_as_long_as_the_multiplier_says() -> None:
    schedule = registry.schedule["warm_restarts"](period=1, multiplier=3)
    factors = [schedule.factor(Moment(step, TOTAL, 2)) for step in range(100)]
    starts = [step for step, factor in enumerate(factors) if factor == 1]
    assert [b - a for a, b in itertools.pairwise(starts)] == [2, 6, 18, 54]
