"""Gradients of both players, and steps of theirs, against PyTorch's of the same game."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.engine.plan import plan_with
from nncli.spec import read_game
from nncli.training.game import setup as room
from nncli.training.game.play import Play
from tests.training.runs import ROOT

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

TEXT = f"""
dtype: float64
data: {{train: {{npz: {{path: {ROOT / "data" / "digits.npz"}, x: x_train, y: y_train}}}}, preprocess: [{{scale: 0.1}}]}}
latent: {{dim: 3, distribution: uniform}}
generator: [{{dense: 10}}, batch_norm, relu, {{dense: 64}}, {{reshape: [1, 8, 8]}}]
discriminator: [flatten, {{dense: 7}}, {{leaky_relu: 0.2}}, {{dense: 1}}]
game: {{batch: 12}}
"""
PLAIN = ("flatten", "dense_1", "leaky_relu_1", "dense_2")
LOSSES = ("minimax", "nonsaturating", "least_squares", "hinge", "wasserstein")
COUPLED = "discriminator=[flatten, {dense: 7}, batch_norm, {leaky_relu: 0.2}, {dense: 1}]"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes games, and lets go of their threads."""
    opened = []

    def make(*overrides: str, shards: int = 1) -> Play:
        def plans(config: Any, graphs: Any) -> Any:
            return {player: plan_with(graph, config.game.batch, 8, shards, 1) for player, graph in graphs.items()}

        monkeypatch.setattr(room, "make_plans", plans)
        setup = room.set_up(read_game(TEXT, "game.yaml", overrides, Path()))
        opened.append(setup)
        play = setup.play()
        play.begin()
        return play

    yield make
    for setup in opened:
        setup.close()


class Side:
    """A player's parameters as tensors, and its network in PyTorch's words."""

    def __init__(self, player: Any, views: Any = None) -> None:
        self.player = player
        views = player.model.parameters.views if views is None else views
        self.p = {
            (node, name): torch.tensor(array, requires_grad=True)
            for node, arrays in views.items()
            for name, array in arrays.items()
        }

    def __call__(self, x: Any, weights: Any = None) -> Any:
        """x is (n, …), as PyTorch has it."""
        p = self.p if weights is None else weights
        for node in self.player.model.graph.nodes:
            if node.type == "dense":
                x = F.linear(x, p[node.name, "W"], p[node.name, "b"].reshape(-1))
            elif node.type == "batch_norm":
                x = F.batch_norm(
                    x, None, None, p[node.name, "gamma"].reshape(-1), p[node.name, "beta"].reshape(-1), training=True
                )
            elif node.type == "relu":
                x = F.relu(x)
            elif node.type == "leaky_relu":
                x = F.leaky_relu(x, 0.2)
            elif node.type == "reshape":
                x = x.reshape(-1, 1, 8, 8)
            else:
                x = x.flatten(1)
        return x

    def compare(self, rtol: float = 1e-10) -> None:
        """The gradients of all shards added up, against those that PyTorch has left."""
        model = self.player.model
        total = sum(model.gradients[1:], model.gradients[0])
        for node, arrays in model.parameters.views_of(total).items():
            for name, g in arrays.items():
                expected = self.p[node, name].grad.numpy()
                np.testing.assert_allclose(g, expected, rtol=rtol, atol=1e-13 + rtol * abs(expected).max())


def rows(x: Any) -> Any:
    return torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 0)))


def packed(x: Any, m: int) -> Any:
    return x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:])


def discriminator_loss(loss: str, real: Any, fake: Any, smoothing: float = 0.0) -> Any:
    one, zero = torch.full_like(real, 1 - smoothing), torch.zeros_like(fake)
    if loss in ("minimax", "nonsaturating"):
        with_logits = F.binary_cross_entropy_with_logits
        return with_logits(real, one) + with_logits(fake, zero)
    if loss == "least_squares":
        return (F.mse_loss(real, one) + F.mse_loss(fake, zero)) / 2
    if loss == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return fake.mean() - real.mean()


def generator_loss(loss: str, fake: Any) -> Any:
    if loss == "minimax":
        return torch.log(1 - torch.sigmoid(fake)).mean()
    if loss == "nonsaturating":
        return -torch.log(torch.sigmoid(fake)).mean()
    return F.mse_loss(fake, torch.ones_like(fake)) / 2 if loss == "least_squares" else -fake.mean()


OPTIONS: list[tuple[str, ...]] = [
    (),
    ("game.pack=3",),
    ("game.instance_noise=0.3",),
    (COUPLED,),
    (COUPLED, "game.pack=2"),
]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_both_players(made: Any, loss: str, options: tuple[str, ...], shards: int) -> None:
    play = made(f"game.loss={loss}", *options, shards=shards)
    g, d = Side(play.generator), Side(play.discriminator)
    if play.together:
        value = play.discriminator_gradient(4, 0)
    else:  # what is kept of two batches is put together by the updater
        value = play.discriminator_gradient(4, 0)
        play.discriminator.updater.gather_kept()
        for more in play.discriminator.model.gradients[1:]:
            more.fill(0)
    real, fake = (packed(rows(x), play.pack) for x in (play.real, play.fake))
    if "noise" not in str(options):
        torch.testing.assert_close(rows(play.fake), g(rows(play.z)).detach(), rtol=1e-12, atol=1e-12)
    expected = discriminator_loss(loss, d(real), d(fake))
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-12)
    d.compare()

    parameters = play.discriminator.model.parameters
    before = parameters.w.copy()
    kept = {name: array.copy() for arrays in parameters.state.values() for name, array in arrays.items()}
    assert bool(kept) == ("batch_norm" in str(options))
    value = play.generator_gradient(4)
    made_now = g(rows(play.z))
    noise = rows(play.fake) - made_now.detach()
    assert (noise.abs().max() > 0.1) == ("noise" in str(options))
    expected = generator_loss(loss, d(packed(made_now + noise, play.pack)))
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-12)
    g.compare()
    assert np.array_equal(before, parameters.w)
    for arrays in parameters.state.values():
        assert all(np.array_equal(array, kept[name]) for name, array in arrays.items())


@pytest.mark.parametrize("loss", LOSSES[:3])
def test_label_smoothing(made: Any, loss: str) -> None:
    play = made(f"game.loss={loss}", "game.label_smoothing=0.2")
    d = Side(play.discriminator)
    value = play.discriminator_gradient(0, 0)
    expected = discriminator_loss(loss, d(rows(play.real)), d(rows(play.fake)), 0.2)
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-12)
    d.compare()


@pytest.mark.parametrize("coefficient", [1.0, 2.5])
def test_spectral_normalisation(made: Any, coefficient: float) -> None:
    play = made(f"game.spectral_norm={coefficient}")
    assert play.spectral is not None
    d = Side(play.discriminator, play.spectral.raw.views)
    used = {}
    for key, tensor in d.p.items():
        used[key] = tensor
        weight = next((w for w in play.spectral.weights if (w.node, w.name) == key), None)
        if weight is not None:
            sigma = torch.tensor(weight.u) @ tensor @ torch.tensor(weight.v)
            used[key] = coefficient * tensor / sigma
    play.discriminator_gradient(0, 0)
    real, fake = rows(play.real), rows(play.fake)
    discriminator_loss("nonsaturating", d(real, used), d(fake, used)).backward()
    d.compare()


@pytest.mark.parametrize("options", [(), ("game.d_steps=3", "game.pack=2"), ("game.spectral_norm=1",)], ids=str)
def test_some_steps_with_adam(made: Any, options: tuple[str, ...]) -> None:
    """The same batches into PyTorch's Adam: parameters stay equal over several steps of both players."""
    play = made(*options, "optimizer={adam: {lr: 0.01, beta1: 0.5}}", "schedule=linear", "game.steps=40")
    raw = play.discriminator.model.parameters if play.spectral is None else play.spectral.raw
    g, d = Side(play.generator), Side(play.discriminator, raw.views)
    sides = [torch.optim.Adam(side.p.values(), lr=0.01, betas=(0.5, 0.999)) for side in (g, d)]

    def used() -> Any:
        """With the singular vectors that the game has; that they are right is checked elsewhere."""
        if play.spectral is None:
            return None
        found = dict(d.p)
        for w in play.spectral.weights:
            tensor = d.p[w.node, w.name]
            found[w.node, w.name] = tensor / (torch.tensor(w.u) @ tensor @ torch.tensor(w.v))
        return found

    for step in range(5):
        for group in (*sides[0].param_groups, *sides[1].param_groups):
            group["lr"] = 0.01 * (1 - step / 40)
        for number in range(play.config.game.d_steps):
            sides[1].zero_grad()
            weights = used()
            play.step_discriminator(step, number)
            real, fake = (packed(rows(x), play.pack) for x in (play.real, play.fake))
            discriminator_loss("nonsaturating", d(real, weights), d(fake, weights)).backward()
            sides[1].step()
        sides[0].zero_grad()
        weights = used()
        play.step_generator(step)
        generator_loss("nonsaturating", d(packed(g(rows(play.z)), play.pack), weights)).backward()
        sides[0].step()
    for side, views in ((g, play.generator.model.parameters.views), (d, raw.views)):
        for (node, name), tensor in side.p.items():
            np.testing.assert_allclose(views[node][name], tensor.detach().numpy(), rtol=1e-8, atol=1e-9)


def test_a_planted_fault_is_found(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator's error turned round within a pack: the comparison sees it."""
    play = made("game.pack=3")
    g, d = Side(play.generator), Side(play.discriminator)
    right = play._unpack
    monkeypatch.setattr(play, "_unpack", lambda packs, out, start: right(packs[::-1].copy(), out, start))
    play.generator_gradient(0)
    generator_loss("nonsaturating", d(packed(g(rows(play.z)), 3))).backward()
    with pytest.raises(AssertionError):
        g.compare()
