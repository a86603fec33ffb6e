"""Runs one layer alone, and says how its gradients fail."""

from __future__ import annotations

import numpy as np

from nncli.gradcheck.alone import Alone, distinct
from nncli.gradcheck.check import LIMIT, Finding, Options, check_subject
from nncli.parts import Array

__all__ = ["Alone", "difference", "distinct", "wrong"]


def difference(found: Array, expected: Array) -> float:
    """The largest absolute difference over the largest absolute value expected; NaN where anything is."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))


def wrong(alone: Alone) -> list[Finding]:
    """The arrays whose gradient is not the numeric one to 1e-8, or could not be compared."""
    found = check_subject(alone, Options())
    assert found
    return [finding for finding in found if not (finding.passed and finding.error < LIMIT)]
