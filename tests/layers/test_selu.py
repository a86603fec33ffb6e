"""Self-normalization (Klambauer et al. 2017): mean 0 and variance 1 stay so through forty layers, at the start."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncli import registry
from nncli.engine import Model, Plan
from nncli.graph import build
from nncli.parts import Array
from nncli.spec import read_text
from tests.engine.networks import HEAD, Batch

DEPTH, WIDTH, SAMPLES = 40, 256, 512


def moments(activation: str, init: str = "", seed: int = 0, deviation: float = 0.0) -> Array:
    """Mean and variance over all units and samples behind each activation, (DEPTH, 2), for standardized data.

    With `deviation`, weights are normal numbers of that standard deviation.
    """
    dense = f"{{dense: {{units: {WIDTH}{init and f', init: {init}'}}}}}"
    read = read_text(f"{HEAD}network: [{', '.join([dense, activation] * DEPTH)}]", "deep.yaml")
    faults = list(read.faults)
    graph = build(read.config.network, (WIDTH,), read.document, faults)
    assert graph is not None, faults
    model = Model(graph, Plan(), np.float32, registry.loss["softmax_cross_entropy"](), seed)
    model.parameters.initialize(graph, seed)
    if deviation:
        rng = np.random.default_rng(seed)
        for views in model.parameters.views.values():
            views["W"][...] = rng.normal(scale=deviation, size=(WIDTH, WIDTH))
    batch = Batch(graph, SAMPLES, np.float32, seed)
    batch.x -= batch.x.mean(axis=1, keepdims=True)
    batch.x /= batch.x.std(axis=1, keepdims=True)
    program = model.program(SAMPLES, False)
    found = []

    # Fused and in-place activations leave no output of their own in the trace: those of `dense` hold theirs.
    outputs = program.trace(batch).outputs
    for index, node in enumerate(graph.nodes):
        if node.type == activation:
            y = outputs.get(index, outputs[index - 1])
            found.append((y.mean(), y.var()))
    return np.array(found, np.float64)


@pytest.mark.parametrize("seed", range(3))
def test_selu_keeps_mean_and_variance_through_forty_layers(seed: int) -> None:
    mean, variance = moments("selu", seed=seed).T
    assert len(mean) == DEPTH
    assert np.abs(mean).max() < 0.1
    assert variance.min() > 0.8
    assert variance.max() < 1.25


@pytest.mark.parametrize(
    ("activation", "init"),
    [("relu", "glorot"), ("selu", "he"), ("tanh", "")],
)
def test_others_do_not(activation: str, init: str) -> None:
    mean, variance = moments(activation, init).T
    assert np.abs(mean).max() >= 0.1 or variance.min() <= 0.8 or variance.max() >= 1.25


def test_relu_after_glorots_weights_fades() -> None:
    """Of variance 2 / (fan_in + fan_out) = 1 / fan_in, each layer halves the mean square."""
    mean, variance = moments("relu", "glorot").T
    squares = variance + mean**2
    assert squares[-1] / squares[0] == pytest.approx(0.5 ** (DEPTH - 1), rel=20)
    assert squares[-1] < 1e-9


def test_relu_after_weights_that_are_too_small_fades_faster() -> None:
    """Weights of standard deviation 0.01 multiply the mean square by 256 · 0.01² / 2 in each layer."""
    mean, variance = moments("relu", deviation=0.01).T
    squares = variance + mean**2
    assert squares[10] / squares[0] == pytest.approx((WIDTH * 0.01**2 / 2) ** 10, rel=5)
    assert squares[10] < 1e-18


def test_the_fixed_point_is_that_of_the_papers_integrals() -> None:
    """For normal z: E[selu(z)] = 0 and E[selu(z)²] = 1, by quadrature."""
    from nncli.layers.selu import ALPHA, SCALE, Selu
    from tests.layers.harness import Alone

    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    y = Alone(Selu(), (1,), n=z.size, x=[z[None]]).forward()[0]
    assert abs(np.trapezoid(y * density, z)) < 1e-9
    assert abs(np.trapezoid(y**2 * density, z) - 1) < 1e-9
    assert (ALPHA, SCALE) == (1.6732632423543772, 1.0507009873554805)


def test_weights_before_it_start_from_lecuns_distribution() -> None:
    read = read_text(f"{HEAD}network: [{{dense: 4}}, {{alpha_dropout: 0.1}}, selu]", "net.yaml")
    graph = build(read.config.network, (4,), read.document, [])
    assert graph is not None
    assert graph.nodes[0].initializers["W"] == registry.initializer["lecun"]()
