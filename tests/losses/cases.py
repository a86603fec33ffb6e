"""The table of cases of `nncli gradcheck`, as parameters of tests."""

from __future__ import annotations

import pytest

from nncli.gradcheck.cases import LOSSES as CASES
from nncli.gradcheck.cases import LossCase as Case

__all__ = ["CASES", "Case", "each_case"]

each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
