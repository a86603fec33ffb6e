"""Schedules at the points where their values are known, and between them."""

from __future__ import annotations

import itertools
import math

import pytest

from nncli import registry, schedules
from nncli.parts import Moment

assert schedules.__name__ == "nncli.schedules"

TOTAL = 1000
CASES = {
    "constant": [
        ({}, {0: 1.0, 500: 1.0, 999: 1.0, 5000: 1.0}),
        ({"warmup": 10}, {0: 0.1, 4: 0.5, 9: 1.0, 10: 1.0, 999: 1.0}),
    ],
    "cosine": [
        ({}, {0: 1.0, 500: 0.5, 250: (1 + math.sqrt(0.5)) / 2, 1000: 0.0}),
        ({"end": 0.2}, {0: 1.0, 500: 0.6, 1000: 0.2, 3000: 0.2}),
        ({"warmup": 200}, {0: 1 / 200, 99: 0.5, 199: 1.0, 200: 1.0, 600: 0.5, 1000: 0.0}),
    ],
    "one_cycle": [
        ({"warmup": 0.25, "start": 0.1, "end": 0.0}, {0: 0.1, 125: 0.55, 250: 1.0, 625: 0.5, 1000: 0.0, 2000: 0.0}),
        ({"warmup": 0.0, "end": 0.0}, {0: 1.0, 500: 0.5, 1000: 0.0}),
        ({"warmup": 1.0, "start": 0.0}, {0: 0.0, 500: 0.5, 1000: 1.0}),
    ],
}
ROWS = [(name, options, points) for name, cases in CASES.items() for options, points in cases]


def test_every_schedule_has_a_line() -> None:
    assert set(CASES) == set(registry.schedule)


@pytest.mark.parametrize(("name", "options", "points"), ROWS)
def test_known_points(name: str, options: dict[str, float], points: dict[int, float]) -> None:
    schedule = registry.schedule[name](**options)
    for step, value in points.items():
        assert schedule.factor(Moment(step, TOTAL)) == pytest.approx(value, abs=1e-9), step


@pytest.mark.parametrize(("name", "options", "points"), ROWS)
def test_no_jumps_and_never_outside_of_zero_and_one(name: str, options: dict[str, float], points: object) -> None:
    schedule = registry.schedule[name](**options)
    factors = [schedule.factor(Moment(step, TOTAL)) for step in range(TOTAL + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    warmup = options.get("warmup", 0)
    rise = 1 / warmup if warmup > 1 else 0.02
    assert max(abs(b - a) for a, b in itertools.pairwise(factors)) <= max(rise, 0.02) + 1e-12


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("total", [1, 2, 3])
def test_short_runs(name: str, total: int) -> None:
    schedule = registry.schedule[name]()
    assert all(0 <= schedule.factor(Moment(step, total)) <= 1 for step in range(total + 1))


def test_pytorch_s_cosine() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an optional second witness")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.1)
    schedule = registry.schedule["cosine"](end=0.1)
    for step in range(50):
        assert schedule.factor(Moment(step, 50)) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()
