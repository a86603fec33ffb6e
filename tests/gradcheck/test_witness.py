"""Other libraries as second witnesses: they agree with every layer they know, and contradict a planted fault."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import UsageError
from nncli.gradcheck import witness
from nncli.gradcheck.alone import Alone, AloneLoss
from nncli.gradcheck.cases import LAYERS, LOSSES
from nncli.gradcheck.check import Options
from nncli.gradcheck.network import check_network, check_part
from tests.engine.networks import model
from tests.gradcheck import faults


def called(name: str) -> witness.Witness:
    if name == "torch":
        pytest.importorskip("torch", reason="PyTorch is a second witness where it is installed")
    return witness.call(name)


each = pytest.mark.parametrize("name", witness.NAMES)


@each
def test_a_witness_agrees_with_all_it_knows(name: str) -> None:
    library = called(name)
    known = set()
    for case in LAYERS:
        alone = Alone(case.layer, *case.shapes)
        distances = witness.disagreements(library, alone, alone.forward(), alone.gradients())
        if distances is not None:
            known.add(case.layer.type_name)
            assert max(distances.values()) < 1e-13, case.id
    for loss in LOSSES:
        part = AloneLoss(loss.loss, *loss.samples(5))
        distances = witness.disagreements(library, part, part.forward(), part.gradients())
        if distances is not None:
            known.add(loss.loss.type_name)
            assert max(distances.values()) < 1e-13, loss.id
    assert {"dense", "conv2d", "sigmoid", "softmax", "softmax_cross_entropy"} <= known


@each
@pytest.mark.parametrize("fault", [faults.WithoutBias, faults.OneSign, faults.WrongBorder])
def test_a_planted_fault_is_contradicted(name: str, fault: type) -> None:
    rows = check_part(Alone(fault(2, padding="same"), (2, 5, 5)), "planted", "conv2d", Options(), called(name))
    assert any(row.contradicted and row.verdict == "wrong" for row in rows)


@each
def test_of_a_network(name: str) -> None:
    made = model("views")
    rows = list(check_network(made, faults.batch(made.graph), Options(), called(name)))
    heard = {row.node: row.witness for row in rows}
    assert heard["conv2d_1"] is not None
    assert heard["conv2d_1"] < 1e-14
    assert heard["dropout_1"] is None
    assert not any(row.contradicted for row in rows)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "nncli.gradcheck.witness.by_torch", raising=False)
    with pytest.raises(UsageError, match="PyTorch cannot be imported") as caught:
        witness.call("torch")
    assert "pip install torch" in caught.value.faults[0].hint


def test_distance() -> None:
    assert witness.distance(np.array([1.0, -4.0]), np.array([1.0, -2.0])) == 0.5
    assert witness.distance(np.zeros(3), np.zeros(3)) == 0
    assert witness.distance(np.zeros(3), np.zeros(2)) == np.inf
