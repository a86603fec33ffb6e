"""From figures along the depth to findings: what is wrong, how it shows, and what to change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from nncli import registry
from nncli.diagnostics import shape
from nncli.diagnostics.figures import INPUT_NAME, NodeFigures, Probe
from nncli.graph import Graph

LEAST_SAMPLES = 16
"""Below it nothing is said of units and samples: of rectifiers that are 0 for nine samples in ten, as trained ones are,
0.9¹⁶ = 18 % are 0 for all of a batch of 16, but 43 % of one of 8."""
SIGNAL_LOST = 1e-5
"""Of the input's variance between samples (or of 1, where that is larger, because bounded activations and normalisation
bring it down to there). Schoenholz et al. 2017 (arXiv:1611.01232, section 6) found networks trainable down to six times
the depth in which the signal falls to 1/e: to e⁻⁶ = 1/403 of it, of the variance 6e-6. Pooling and the healthy networks
that we measured stay above 1e-3."""
SIGNAL_GROWN = 1e4
"""Of the input's variance (or of 1): a hundred times the deviation. Scores that lie 100 apart make a softmax certain
before anything was learned."""
BROKEN = 1e-8
"""Where the signal falls to this part from one node with weights to the next it does not fade along the depth: that
node gives a constant, but for rounding (float32 leaves 1e-14 of a variance)."""
GRADIENT_LOST = 1e-3
"""The gradient's norm at the first node with weights, of that at the last. One step size has to serve both; Adam evens
such factors out, but not the noise that a thousand times smaller gradients drown in. Healthy networks that we measured
stay within 1/20 and 20."""
GRADIENT_GROWN = 1e3
DEAD = 2 / 3
"""Of the units. In deep networks of rectifiers the samples become alike, and then half of the units are off for all of
them, although none is dead: 52 % of 128 after 40 layers with the weights that He asks for."""
SATURATED = 0.5
"""Of the outputs. Of tanh at inputs of deviation 1 the saturated are 1 %, at deviation 4 half."""
LARGE_INPUT = 10.0
"""Root mean square of what the first weights read. Their gradients are as many times larger than those of the weights
after them, which read numbers around 1, and their curvature is a hundred times larger."""
OFF = 3.0
"""Weights this many times larger or smaller than what suits them explain a finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps a network from learning: at which nodes, what shows it, and what to change in the file."""

    kind: str
    nodes: tuple[str, ...]
    evidence: str
    remedy: str


def fresh(now: Iterable[Finding], before: Sequence[Finding]) -> list[Finding]:
    """The findings that were not there before: of another kind, or of units at nodes where they were not."""
    known = {finding.kind: set(finding.nodes) for finding in before}
    return [
        finding
        for finding in now
        if finding.kind not in known
        or (finding.kind in (DEAD_UNITS, SATURATION) and not set(finding.nodes) <= known[finding.kind])
    ]


def judge(graph: Graph, probe: Probe, start: bool = True) -> list[Finding]:
    """What is wrong, in the order in which it should be mended; nothing where all is well.

    With `start` the weights are as they were drawn, so that the initializers are to blame; else the step size may be.
    """
    return _Judge(graph, probe, start).findings()


LARGE, DEAD_UNITS, SATURATION = "large input", "dead units", "saturated activations"
CONSTANT, FADING, GROWING = "constant output", "vanishing signal", "exploding signal"
GRADIENT_FADING, GRADIENT_GROWING = "vanishing gradient", "exploding gradient"


class _Judge:
    def __init__(self, graph: Graph, probe: Probe, start: bool) -> None:
        self.graph, self.probe, self.start = graph, probe, start
        self.figures: tuple[NodeFigures, ...] = probe.nodes[1:]
        self.trunk = shape.trunk(graph)
        self.depth = shape.depths(graph)
        self.line = [index for index in self.trunk if shape.weighted(graph.nodes[index])]

    def findings(self) -> list[Finding]:
        found = [self._large_input(), self._dead(), self._saturated()]
        signal = self._signal()
        found.append(signal)
        if signal is None or signal.kind != CONSTANT:
            found.append(self._gradient())
        return [finding for finding in found if finding is not None]

    def _names(self, indices: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.graph.nodes[index].name for index in indices)

    # -- single nodes ------------------------------------------------------------------------------------------------

    def _large_input(self) -> Finding | None:
        if self.graph.indices is not None:
            return None
        first = [i for i, node in enumerate(self.graph.nodes) if shape.weighted(node) and self.depth[i] == 1]
        for index in first:
            source = self.graph.nodes[index].inputs[0]
            size = math.sqrt(self.probe.nodes[source + 1].square)
            if size > LARGE_INPUT:
                evidence = f"{quoted(self._names([index]))} reads numbers of the size {size:.3g} (root mean square)"
                return Finding(LARGE, (INPUT_NAME,), evidence, "`preprocess: [standardize]` in `data`")
        return None

    def _dead(self) -> Finding | None:
        """Units that never leave the flat part of an activation."""
        shares = {i: f.dead for i, f in enumerate(self.figures) if f.dead is not None and f.dead > DEAD}
        if not shares or self.probe.samples < LEAST_SAMPLES:
            return None
        first = next(iter(shares))
        evidence = (
            f"{shares[first]:.0%} of the units of {quoted(self._names([first]))} are in the flat part of "
            f"`{self.graph.nodes[first].type}` for each of {self.probe.samples} samples"
        )
        if len(shares) > 1:
            evidence += f", and more than two thirds of {quoted(self._names(list(shares)[1:]))}"
        return Finding(DEAD_UNITS, self._names(list(shares)), evidence, self._revival(first))

    def _revival(self, index: int) -> str:
        weights = shape.weights_before(self.graph, index)
        source = self.graph.nodes[index].inputs[0]
        read = self.probe.nodes[source + 1]
        if weights is not None and abs(read.mean) > 2 * math.sqrt(read.variance):
            around = f"its inputs lie around {read.mean:.3g} with a deviation of {math.sqrt(read.variance):.2g}"
            if self.start:
                return f"`bias_init: zeros` at {quoted(self._names([weights]))}: {around}"
            return f"a smaller `lr`: {around}"
        if weights is not None and (cure := self._weights([weights])):
            return cure
        return (
            "`leaky_relu` in its place"
            if self.start
            else "a smaller `lr`, or `leaky_relu` in its place and a new start"
        )

    def _saturated(self) -> Finding | None:
        """Not asked of the network's output, which may well be certain once it has learned."""
        shares = {
            i: f.saturated
            for i, f in enumerate(self.figures[:-1])
            if f.saturated is not None and f.saturated > SATURATED
        }
        if not shares:
            return None
        worst = max(shares, key=lambda index: shares[index])
        source = self.graph.nodes[worst].inputs[0]
        deviation = math.sqrt(self.probe.nodes[source + 1].square)
        evidence = (
            f"{shares[worst]:.0%} of the outputs of {quoted(self._names([worst]))} are in the flat parts of "
            f"`{self.graph.nodes[worst].type}`, which reads numbers of the size {deviation:.2g}"
        )
        weights = [w for i in shares if (w := shape.weights_before(self.graph, i)) is not None]
        remedy = self._weights(weights) or self._normalise("before")
        return Finding(SATURATION, self._names(list(shares)), evidence, remedy)

    # -- along the depth -----------------------------------------------------------------------------------------------

    @cached_property
    def _blocked(self) -> int:
        """The first node of the trunk where all units are dead: what follows it follows from that."""
        dead = (index for index in self.trunk if self.figures[index].dead == 1)
        return next(dead, len(self.figures))

    def _signal(self) -> Finding | None:
        """The variance between samples, from the input through the nodes with weights that all paths go through."""
        before, came = self.probe.input.signal, "the input"
        line = [index for index in self.line if index < self._blocked]
        if self.graph.indices is not None and line:
            before, came = self.figures[line[0]].signal, quoted(self._names(line[:1]))
        if not line or self.probe.samples < LEAST_SAMPLES or not before > 0:
            return None
        least, most = SIGNAL_LOST * min(before, 1), SIGNAL_GROWN * max(before, 1)
        seen = {index: self.figures[index].signal for index in line}
        odd = [index for index in line if not least <= seen[index] <= most]
        if not odd:
            return None
        previous, name = before, came
        for index in line[: line.index(odd[0])]:
            previous, name = seen[index], quoted(self._names([index]))
        if seen[odd[0]] <= BROKEN * previous:
            evidence = (
                f"{quoted(self._names(odd[:1]))} gives the same for all samples: the variance between them is "
                f"{seen[odd[0]]:.1e}, of {name} it is {previous:.2g}"
            )
            return Finding(CONSTANT, self._names(odd), evidence, self._cure(odd[:1], fading=True))
        last = odd[-1]
        fading = seen[last] < least
        way = "falls" if fading else "grows"
        evidence = (
            f"the variance between samples {way} from {before:.2g} ({came}) to {seen[last]:.2g} "
            f"({quoted(self._names([last]))})" + _each(seen[last] / before, self.depth[last])
        )
        cure = self._cure([index for index in line if index <= last], fading)
        return Finding(FADING if fading else GROWING, self._names(odd), evidence, cure)

    def _gradient(self) -> Finding | None:
        """The gradient's norm at the nodes with weights that all paths go through, against the last of them."""
        norms = {i: norm for i in self.line if (norm := self.figures[i].gradient) is not None}
        if len(norms) < 2 or self._blocked < len(self.figures):
            return None
        last = next(reversed(norms))
        if norms[last] == 0:
            return None
        odd = [i for i, norm in norms.items() if not GRADIENT_LOST <= norm / norms[last] <= GRADIENT_GROWN]
        if not odd:
            return None
        first = odd[0]
        ratio = norms[first] / norms[last]
        fading = ratio < GRADIENT_LOST
        evidence = (
            f"on the way back the norm of the gradient {'falls' if fading else 'grows'} from {norms[last]:.2g} "
            f"({quoted(self._names([last]))}) to {norms[first]:.2g} ({quoted(self._names([first]))})"
        ) + _each(ratio, self.depth[last] - self.depth[first])
        return Finding(
            GRADIENT_FADING if fading else GRADIENT_GROWING,
            self._names(odd),
            evidence,
            self._cure([index for index in norms if index >= first], fading, gradient=True),
        )

    # -- remedies ------------------------------------------------------------------------------------------------------

    def _cure(self, weights: Sequence[int], fading: bool, gradient: bool = False) -> str:
        """What to change so that a signal or a gradient neither fades nor grows at these nodes with weights."""
        if cure := self._weights(weights, fading):
            return cure
        bounded = [
            index
            for index in self.trunk[:-1]
            if (flat := self.graph.nodes[index].layer.flat()) is not None and all(map(math.isfinite, flat))
        ]
        if fading and bounded:
            return f"`relu` in place of `{self.graph.nodes[bounded[0]].type}` at {quoted(self._names(bounded))}"
        if not fading and (gradient or not self.start):
            return "`clip: {norm: 1}` in `train`" + ("" if self.start else ", and a smaller `lr`")
        return self._normalise("after")

    def _weights(self, indices: Sequence[int], fading: bool | None = None) -> str:
        """What to change at the weights of these nodes; empty where they are as suits them.

        `fading` says that only smaller weights (True) or larger ones (False) than that explain the finding.
        """
        wrong = [index for index in indices if shape.unsuited(self.graph, index)]
        if wrong:
            kind = shape.suited(self.graph, wrong[0])
            same = [index for index in wrong if shape.suited(self.graph, index) == kind]
            after = shape.activation_after(self.graph, same[0])
            assert after is not None
            return f"`init: {kind}` at {quoted(self._names(same))}, before `{after.type}`, which is the default"
        for index in indices:
            size = shape.size(self.graph, index, dict(self.figures[index].parameters))
            if (size > OFF and fading is not True) or (size < 1 / OFF and fading is not False):
                kind, name = shape.suited(self.graph, index), quoted(self._names([index]))
                if size < 1 / OFF:
                    how = "all zero" if size == 0 else f"{1 / size:.2g} times smaller than that makes them"
                else:
                    how = f"{size:.2g} times larger than that makes them"
                if self.start:
                    return f"`init: {kind}` at {name}: its weights are {how}"
                less = "smaller `weight_decay`" if size < 1 else "smaller `lr`"
                return f"a {less}: the weights of {name} are {how.replace('that', f'`{kind}`')}"
        return ""

    def _normalise(self, where: str) -> str:
        if "batch_norm" in registry.layer:
            return (
                f"`batch_norm` {where} each activation"
                if where == "before"
                else "`batch_norm` after each layer with weights"
            )
        return "a skip around every few layers, with `add`" if where == "after" else "a smaller `lr` from the start"


def _each(ratio: float, layers: int) -> str:
    """The factor of one layer, where there are several."""
    return f", by a factor of {ratio ** (1 / layers):.2g} a layer" if layers > 1 and 0 < ratio < math.inf else ""


def quoted(names: Sequence[str], most: int = 3) -> str:
    """Names for a sentence: 'a', 'b' and 7 more."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"'{names[0]}', '{names[1]}' and {len(names) - 2} more"
