"""Sick networks raise their own finding with its remedy, healthy ones none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nncli import registry
from nncli.diagnostics import Finding, fresh, judge
from nncli.diagnostics.figures import NodeFigures, ParameterFigures, Probe
from nncli.diagnostics.shape import depths, trunk
from nncli.engine import Model
from tests.diagnostics.looks import chain, kinds, look, model, scaled
from tests.engine.networks import TEXTS, graph

CONV = "{{conv2d: {{filters: 16, kernel: 3, padding: same{}}}}}, relu"
IMAGES = (3, 8, 8)


def images(layers: int, extra: str = "") -> str:
    convolutions = ", ".join([CONV.format(extra)] * layers)
    return f"network: [{convolutions}, global_avg_pool2d, {{dense: 10}}]"


def biased(activation: str, bias: float) -> Model:
    made = model(chain(activation, 3))
    for node in ("dense_2", "dense_3"):
        made.parameters.views[node]["b"][...] = bias
    return made


SICK: list[tuple[str, Callable[[], Model], set[str], str]] = [
    ("sigmoid", lambda: model(chain("sigmoid", 20)), {"vanishing signal", "vanishing gradient"}, "`relu` in place of"),
    ("glorot", lambda: model(chain("relu", 40, extra=", init: glorot")),
     {"vanishing signal", "vanishing gradient"}, "`init: he` at 'dense_1', 'dense_2' and 38 more, before `relu`"),
    ("small", lambda: scaled(model(chain("relu", 5)), 0.01),
     {"vanishing signal", "vanishing gradient"}, "`init: he` at 'dense_1': its weights are 99 times smaller"),
    ("large", lambda: scaled(model(chain("relu", 5)), 10),
     {"exploding signal", "exploding gradient"}, "`init: he` at 'dense_1': its weights are 10 times larger"),
    ("small images", lambda: scaled(model(images(5), IMAGES), 0.01),
     {"vanishing signal", "vanishing gradient"}, "`init: he` at 'conv2d_1'"),
    ("large images", lambda: scaled(model(images(5), IMAGES), 10),
     {"exploding signal", "exploding gradient"}, "`init: he` at 'conv2d_1'"),
    ("dead", lambda: biased("relu", -100),
     {"dead units"}, "`bias_init: zeros` at 'dense_2': its inputs lie around -99.9"),
    ("saturated", lambda: scaled(model(chain("tanh", 5)), 10),
     {"saturated activations"}, "`init: glorot` at 'dense_1': its weights are 10 times larger"),
    ("constant", lambda: model(chain("tanh", 3, extra=", init: zeros")),
     {"constant output"}, "`init: glorot` at 'dense_1', before `tanh`"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "found", "remedy"), [row[1:] for row in SICK], ids=[row[0] for row in SICK])
def test_sick_networks(make: Callable[[], Model], found: set[str], remedy: str) -> None:
    made = make()
    findings = look(made)[1]
    assert {finding.kind for finding in findings} == found
    names = {node.name for node in made.graph.nodes}
    for finding in findings:
        assert finding.nodes
        assert set(finding.nodes) <= names
        assert finding.remedy
    assert remedy in findings[0].remedy


HEALTHY = [
    ("relu", chain("relu", 40), (64,)),
    ("tanh", chain("tanh", 20), (64,)),
    ("sigmoid", chain("sigmoid", 2), (64,)),
    ("one", chain("relu", 0), (64,)),
    ("narrow", "network: [{dense: 512}, relu, {dense: 8}, tanh, {dense: 99}, relu, {dense: 10}, softmax]", (64,)),
    ("images", images(12), IMAGES),
    ("last weights zero", "network: [{dense: 64}, relu, {dense: {units: 10, bias_init: zeros}}]", (64,)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape"), [row[1:] for row in HEALTHY], ids=[row[0] for row in HEALTHY])
@pytest.mark.parametrize("seed", [0, 1])
def test_healthy_networks(text: str, shape: tuple[int, ...], seed: int) -> None:
    for dtype in (np.float32, np.float64):
        assert look(model(text, shape, dtype, seed=seed))[1] == []


@pytest.mark.parametrize("name", TEXTS)
def test_small_networks_of_every_form(name: str) -> None:
    made = model(TEXTS[name], graph(name).input)
    assert look(made)[1] == []
    found = [*look(made, n=1)[1], *look(made, n=2, start=False)[1]]
    # one vector less the batch's mean is zero, and two of them divided by the deviation are signs: rightly found
    assert {finding.kind for finding in found} == ({"vanishing gradient"} if name == "normalised" else set())


def test_a_branch_that_starts_from_zero_is_no_finding() -> None:
    """Others carry the signal past it (Zhang et al. 2019, arXiv:1901.09321, start residual branches so)."""
    block = "{dense: {units: 64, init: zeros}}, {add: {}, inputs: [relu_1, dense_2]}"
    text = f"network: [{{dense: 64}}, relu, {block}, {{dense: 10}}]"
    assert look(model(text))[1] == []


def test_selu_keeps_mean_and_variance_at_every_depth() -> None:
    if "selu" not in registry.layer:
        pytest.skip("`selu` is not registered")
    seen, findings = look(model(chain("selu", 40, 256)), n=256)
    assert findings == []
    hidden = seen.nodes[1:-1]
    assert len(hidden) == 80
    assert all(abs(figures.mean) < 0.1 for figures in hidden)
    assert all(0.8 < figures.variance < 1.25 for figures in hidden)


def test_relu_with_weights_for_tanh_does_not() -> None:
    seen, findings = look(model(chain("relu", 40, 256, ", init: glorot")), n=256)
    variances = [figures.variance for figures in seen.nodes[1:-1]]
    assert not any(0.8 < variance < 1.25 for variance in variances[4:])
    signal = next(finding for finding in findings if finding.kind == "vanishing signal")
    factor = float(signal.evidence.rpartition("factor of ")[2].split()[0])
    assert 0.4 < factor < 0.5  # half the variance is lost at each layer, and its samples become alike


def test_large_input() -> None:
    made, rng = model(chain("relu", 2)), np.random.default_rng(0)
    x = rng.integers(0, 256, (64, 128)).astype(np.float32)
    (finding,) = look(made, x=x)[1]
    assert (finding.kind, finding.nodes) == ("large input", ("input",))
    assert "standardize" in finding.remedy
    assert "standardize" in registry.preprocess
    assert look(made, x=x / 255)[1] == []


def test_while_training_the_step_size_is_to_blame() -> None:
    findings = look(scaled(model(chain("relu", 5)), 10), start=False)[1]
    assert findings[0].kind == "exploding signal"
    assert "smaller `lr`" in findings[0].remedy
    (finding,) = look(biased("relu", -100), start=False)[1]
    assert finding.remedy.startswith("a smaller `lr`")


def test_a_certain_output_is_no_saturation() -> None:
    """Of a network whose last node is bounded, which may well be certain of what it has learned."""
    made = model("network: [{dense: 64}, relu, {dense: 10}, sigmoid]")
    made.parameters.views["dense_2"]["W"][...] *= 100
    assert "saturated activations" not in kinds(made)


def test_numbers_that_are_not_finite_explode() -> None:
    found = kinds(scaled(model(chain("relu", 30)), 1e10))
    assert "exploding signal" in found


def figures_of(variances: list[float], gradients: list[float]) -> tuple[Model, Probe]:
    made = model(chain("tanh", len(variances) - 1))
    nodes = [NodeFigures("input", 0, 1, 1)]
    place = 0
    for node in made.graph.nodes:
        weights = (
            {"W": ParameterFigures(1, float(np.linalg.norm(made.parameters.views[node.name]["W"])))}
            if node.type == "dense"
            else {}
        )
        nodes.append(
            NodeFigures(node.name, 0, variances[place], variances[place], None, None, gradients[place], weights)
        )
        place += node.type == "tanh"
    return made, Probe(128, tuple(nodes))


@pytest.mark.parametrize(
    ("factor", "gradient", "expected"),
    [
        (0.5, 1, {"vanishing signal"}),
        (0.6, 1, set()),
        (1.5, 1, set()),
        (1.7, 1, {"exploding signal"}),
        (1, 0.6, {"vanishing gradient"}),
        (1, 0.75, set()),
        (1, 1.3, set()),
        (1, 1.5, {"exploding gradient"}),
        (1, 0.0, {"vanishing gradient"}),
    ],
)
def test_thresholds(factor: float, gradient: float, expected: set[str]) -> None:
    """Twenty layers with this factor of the variance each, and of the gradient's norm on the way back."""
    depth = 20
    variances = [factor**i for i in range(1, depth + 1)]
    gradients = [gradient ** (depth - i) for i in range(1, depth + 1)]
    made, seen = figures_of(variances, gradients)
    found = judge(made.graph, seen)
    assert {finding.kind for finding in found} == expected
    for finding in found:
        if gradient and "signal" in finding.kind:
            assert f"by a factor of {factor:.2g} a layer" in finding.evidence
        elif gradient:
            assert f"by a factor of {gradient:.2g} a layer" in finding.evidence


def test_trunk_and_depth() -> None:
    made = graph("residual")
    names = {made.nodes[index].name for index in trunk(made)}
    # relu_1 and branch stand beside the skip from stem, and so does b beside that from a
    assert names == {"stem", "add_1", "relu_2", "a", "joined", "avg_pool2d_1", "flatten_1", "dense_1"}
    depth = depths(made)
    by_name = {node.name: depth[index] for index, node in enumerate(made.nodes)}
    assert (by_name["stem"], by_name["branch"], by_name["add_1"], by_name["a"], by_name["dense_1"]) == (1, 2, 2, 3, 4)


def test_what_is_fresh() -> None:
    def finding(kind: str, *nodes: str) -> Finding:
        return Finding(kind, nodes, "", "")

    dead, more = finding("dead units", "a"), finding("dead units", "a", "b")
    fading, later = finding("vanishing signal", "a"), finding("vanishing signal", "b")
    assert fresh([dead, fading], []) == [dead, fading]
    assert fresh([dead, fading], [dead, fading]) == []
    assert fresh([more], [dead]) == [more]
    assert fresh([dead], [more]) == []
    assert fresh([later], [fading]) == []
    assert fresh([fading], [dead]) == [fading]
