from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.dense import Dense
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


@each_case_of("dense")
def test_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    W, b = alone.p["W"], alone.p.get("b", np.zeros(len(alone.p["W"])))
    assert difference(y, np.einsum("oi,in->on", W, alone.x[0]) + b[:, None]) < 1e-14
    assert difference(g["W"], np.einsum("on,in->oi", alone.c, alone.x[0])) < 1e-14
    assert difference(g["x0"], np.einsum("oi,on->in", W, alone.c)) < 1e-14
    if case.layer.bias:
        assert difference(g["b"], alone.c.sum(axis=1)) < 1e-14


def test_images_are_refused() -> None:
    with pytest.raises(ShapeError, match="vector") as caught:
        Dense(3).declare((2, 3, 4))
    assert "flatten" in caught.value.faults[0].hint


@each_case_of("dense")
def test_torch_gives_the_same(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    values = {k: torch.tensor(v, requires_grad=True) for k, v in (alone.p | {"x0": alone.x[0]}).items()}
    expected = torch.nn.functional.linear(values["x0"].T, values["W"], values.get("b")).T
    (expected * torch.tensor(alone.c)).sum().backward()
    assert difference(y, expected.detach().numpy()) < 1e-14
    for name, value in values.items():
        assert difference(g[name], value.grad.numpy()) < 1e-14, name
