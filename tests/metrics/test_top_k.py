from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.metrics.accuracy import Accuracy
from nncli.metrics.top_k import TopK
from tests.metrics.test_accuracy import measure, ties


def test_of_one_is_accuracy() -> None:
    y, t = ties(7, 200)
    assert measure(TopK(1), (y, t)) == measure(Accuracy(), (y, t))


def test_equal_outputs_guess_the_first_classes() -> None:
    assert measure(TopK(2), (np.zeros((4, 4)), np.array([0, 1, 2, 3]))) == 0.5


@pytest.mark.parametrize("classes", [3, 5])
def test_too_few_classes_are_refused(classes: int) -> None:
    with pytest.raises(ShapeError, match="always 1") as caught:
        TopK().check((classes,), "classes")
    assert caught.value.faults[0].hint == f"k is at most {classes - 1}"
