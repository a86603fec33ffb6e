"""Ways through a latent space, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from nncli.training.slerp import lerp, slerp, ways

SHARES = np.linspace(0, 1, 7)


def test_a_quarter_of_a_circle() -> None:
    found = slerp(np.array([2.0, 0.0]), np.array([0.0, 2.0]), SHARES)
    expected = [[2 * math.cos(t * math.pi / 2), 2 * math.sin(t * math.pi / 2)] for t in SHARES]
    assert found == pytest.approx(np.array(expected), abs=1e-14)


@pytest.mark.parametrize("degrees", [1e-5, 1, 60, 120, 179, 179.999])
def test_it_is_a_rotation_in_the_plane_of_both(degrees: float) -> None:
    """Against the exponential of the plane's generator, in seven dimensions."""
    rng = np.random.default_rng(1)
    u, v = np.linalg.qr(rng.normal(size=(7, 2)))[0].T
    angle = math.radians(degrees)
    b = math.cos(angle) * u + math.sin(angle) * v
    turn = angle * (np.outer(v, u) - np.outer(u, v))
    expected = np.array([expm(t * turn) @ u for t in SHARES])
    assert slerp(u, b, SHARES) == pytest.approx(expected, abs=1e-9)


@given(st.integers(2, 100), st.integers(0, 2**32 - 1))
def test_lengths_go_evenly_and_the_ends_are_the_points(size: int, seed: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, size)) * [[1], [3]]
    found = slerp(a, b, SHARES)
    lengths = np.linalg.norm(found, axis=1)
    assert lengths == pytest.approx((1 - SHARES) * np.linalg.norm(a) + SHARES * np.linalg.norm(b), rel=1e-9)
    assert found[[0, -1]] == pytest.approx(np.array([a, b]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b"), [([0.0, 0.0], [1.0, 2.0]), ([1.0, 2.0], [-2.0, -4.0]), ([3.0, 1.0], [3.0, 1.0]), ([2.0], [-1.0])]
)
def test_where_there_is_no_arc_it_is_a_line(a: list[float], b: list[float]) -> None:
    found = slerp(np.array(a), np.array(b), SHARES)
    expected = [[(1 - t) * x + t * y for x, y in zip(a, b, strict=True)] for t in SHARES]
    assert found == pytest.approx(np.array(expected), abs=1e-14)


def test_ways_join() -> None:
    points = np.random.default_rng(0).normal(size=(4, 5))
    found = ways(points, 3)
    assert found.shape == (3, 5, 5)
    assert found[:, 0] == pytest.approx(points[:-1])
    assert found[:, -1] == pytest.approx(points[1:])
    assert found[1, 2] == pytest.approx(slerp(points[1], points[2], np.array([0.5]))[0])
    straight = ways(points, 1, lerp)
    assert straight[:, 1] == pytest.approx((points[:-1] + points[1:]) / 2)
