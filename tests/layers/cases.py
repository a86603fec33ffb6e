"""The table of cases of `nncli gradcheck`, as parameters of tests."""

from __future__ import annotations

import pytest

from nncli.gradcheck.cases import LAYERS as CASES
from nncli.gradcheck.cases import Case

__all__ = ["CASES", "Case", "each_case", "each_case_of"]

each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


def each_case_of(name: str) -> pytest.MarkDecorator:
    """Parametrize a test with the cases of one layer."""
    chosen = [case for case in CASES if case.layer.type_name == name]
    return pytest.mark.parametrize("case", chosen, ids=[case.id for case in chosen])
