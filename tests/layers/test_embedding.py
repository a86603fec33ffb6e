from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from nncli.engine import Model, Plan
from nncli.engine.shard import Shard
from nncli.errors import ShapeError
from nncli.kernels import lookup
from nncli.layers.embedding import Embedding
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.cli.conftest import Runner, run
from tests.engine.networks import gradient
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference

__all__ = ["run"]


@each_case_of("embedding")
@pytest.mark.parametrize("block", [1, 7, lookup.BLOCK])
def test_is_the_sum_over_a_one_hot_axis(case: Case, block: int) -> None:
    """y = Σᵥ W[v] [x = v], and the gradient of that; also where blocks are small."""
    with mock.patch.object(lookup, "BLOCK", block):
        alone = Alone(case.layer, *case.shapes, n=9)
        y, g = alone.run()
    hot = alone.x[0][..., None] == np.arange(case.layer.count)
    assert np.array_equal(y, np.einsum("lnv,vd->dln", hot, alone.p["W"]))
    assert difference(g["W"], np.einsum("lnv,dln->vd", hot, alone.c)) < 1e-14
    assert set(g) == {"W"}


def test_symbols_that_do_not_occur_get_no_gradient() -> None:
    x = np.array([[5.0, 2.0], [5.0, 5.0]])
    g = Alone(Embedding(7, 3), (2,), n=2, x=[x]).run()[1]["W"]
    assert np.flatnonzero(g.any(axis=1)).tolist() == [2, 5]


def test_many_equal_symbols_are_summed_as_precisely_as_in_pairs() -> None:
    alone = Alone(Embedding(3, 4), (100,), n=1000, dtype=np.float32)
    expected = np.stack([alone.c[:, alone.x[0] == v].astype(np.float64).sum(axis=1) for v in range(3)])
    size = np.abs(alone.c).astype(np.float64).sum() / 12
    assert np.abs(alone.run()[1]["W"] - expected).max() < 1e-6 * size


def test_starts_from_the_normal_distribution_of_variance_one() -> None:
    from tests.graph.test_build import good

    node = good("- {embedding: {count: 500, size: 64}}\n- flatten\n- relu\n").nodes[0]
    W = node.initializers["W"].draw(np.random.default_rng(0), node.declared.parameters["W"])
    assert W.shape == (500, 64)
    assert abs(W.mean()) < 5 / np.sqrt(W.size)
    assert abs(W.var() - 1) < 5 * np.sqrt(2 / W.size)


def test_shards_agree() -> None:
    """Through the engine, where each shard adds up the rows of its own samples."""
    from tests.graph.test_build import good

    graph = good("- {embedding: {count: 11, size: 4}}\n- flatten\n- {dense: 3}\n", (6,))
    rng = np.random.default_rng(2)
    x, t = rng.integers(0, 11, (6, 7)), rng.integers(0, 3, 7)
    found = []
    for shards in (1, 2, 3):
        model = Model(graph, Plan(shards), np.float64, SoftmaxCrossEntropy())
        model.parameters.initialize(graph, 0)

        def load(shard: Shard) -> None:
            part = slice(shard.start, shard.start + shard.n)
            shard.x[...], shard.t[...] = x[:, part], t[part]

        program = model.program(7, True)
        program.run(load)
        found.append(gradient(model, program))
    assert np.abs(found[0]).max() > 0.01
    assert difference(found[1], found[0]) < 1e-12
    assert difference(found[2], found[0]) < 1e-12


def test_images_are_refused() -> None:
    with pytest.raises(ShapeError, match="a sequence of numbers of symbols") as caught:
        Embedding(5, 3).declare((1, 4, 4))
    assert caught.value.faults[0].hint


CONFIG = """
name: words
data: {train: {npz: {path: words.npz, x: x, y: y}}}
network: [embedding: {count: 9, size: 8}, flatten, dense: 2]
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: {adam: {lr: 0.05}}
train: {epochs: 20, batch: 50}
"""


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sequences of six symbols; the class says whether the 0s outnumber the 1s, which no linear map of x tells."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).integers(0, 9, (600, 6))
    y = (x == 0).sum(axis=1) > (x == 1).sum(axis=1)
    np.savez("words.npz", x=x, y=y.astype(int))
    (tmp_path / "words.yaml").write_text(CONFIG)
    return tmp_path


def test_learns_what_symbols_mean(run: Runner, words: Path) -> None:
    result = run("train", "words.yaml", "--out", "run", "--json", "--quiet")
    assert result.code == 0, result.err
    assert result.json["metrics"]["train"]["accuracy"] > 0.95


@pytest.mark.parametrize("bad", [9, -1, 0.5])
def test_a_symbol_that_there_is_not_is_an_error_of_the_data(run: Runner, words: Path, bad: float) -> None:
    x = np.zeros((600, 6))
    x[7, 2] = bad
    np.savez(words / "words.npz", x=x, y=np.arange(600) % 2)
    result = run("train", "words.yaml", "--out", "run")
    assert result.code == 3
    assert f"row 7: the number {bad:g} is no index: the network reads whole numbers from 0 to 8" in result.err
    assert "make its `count` larger" in result.err
    assert not (words / "run").exists()


def test_gradients_of_the_whole_network(run: Runner, words: Path) -> None:
    result = run("gradcheck", "words.yaml", "--json")
    assert result.code == 0, result.err
    assert "embedding_1" in {node["node"] for node in result.json["nodes"]}
    assert run("gradcheck", "words.yaml", "--random").code == 0
