"""What a configuration makes small and measures, on which outputs of its network and against which targets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nncli.data.dataset import TARGET
from nncli.data.splits import Kind, Splits
from nncli.engine import Objective, Term
from nncli.engine.objective import INPUT_TARGET
from nncli.errors import Fault, NncliError, ShapeError, nearest
from nncli.graph import Graph
from nncli.parts import Array, Metric, Shape
from nncli.spec import Loaded
from nncli.spec.config import Config, LossTerm


class Measured(NamedTuple):
    """A metric with the loss whose output and target it looks at, and the shape of that output."""

    metric: Metric
    term: Term
    output: Shape

    @property
    def size(self) -> int:
        return self.metric.size(self.output)


def kinds_of(config: Config) -> dict[str, Kind]:
    """The targets that are to be loaded, by name, and whether they are class numbers or values."""
    named = [(term.target or TARGET, term.part.target) for term in config.loss]
    return {name: kind for name, kind in reversed(named) if name != INPUT_TARGET}


def standardized(config: Config) -> tuple[str, ...]:
    """The targets that the network learns at mean 0 and deviation 1: those that may be any number, if asked for."""
    if config.data is None or not config.data.standardize_targets:
        return ()
    kinds = kinds_of(config)
    bounded = {term.target or TARGET for term in config.loss if term.part.span is not None}
    return tuple(name for name, kind in kinds.items() if kind == "values" and name not in bounded)


def objective(config: Config, graph: Graph) -> Objective:
    """The losses on their nodes; of one loss without more the figure is `loss`."""
    several = len(config.loss) > 1
    mixes = bool(mixing(config))
    terms = []
    for term in config.loss:
        node = _node(graph, term)
        name = f"loss_{graph.nodes[node].name}" if several else "loss"
        mixed = mixes and term.part.target == "classes"
        terms.append(Term(term.part, node, term.target or TARGET, term.weight, name, mixed))
    return tuple(terms)


def mixing(config: Config) -> list[int]:
    """The places of the steps of augmentation that mix samples."""
    steps = config.data.augment if config.data is not None else ()
    return [place for place, step in enumerate(steps) if step.mixes]


def measured(config: Config, graph: Graph) -> dict[str, Measured]:
    """The metrics by the names of their figures."""
    terms = objective(config, graph)
    found = {}
    for metric in config.metrics:
        term = terms[0]
        if metric.output is not None:
            term = next(term for term in terms if graph.nodes[term.node].name == metric.output)
        found[metric.figure] = Measured(metric.part, term, graph.nodes[term.node].declared.output)
    return found


def check_targets(splits: Splits, terms: Objective, graph: Graph) -> None:
    """Raises DataError where the data do not fit what the network reads, or its outputs."""
    for term in terms:
        if term.target != INPUT_TARGET:
            splits.check_targets(graph.nodes[term.node].declared.output, term.loss.span, term.target)
    splits.check_indices(graph.indices)


def examples(terms: Objective, graph: Graph, rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Made-up targets for n samples, by name."""
    return {
        term.target: term.loss.example(rng, graph.nodes[term.node].declared.output, n)
        for term in terms
        if term.target != INPUT_TARGET
    }


def arrays(terms: Objective, graph: Graph, n: int) -> dict[str, Array]:
    """Where targets of n samples are loaded to, in float64, by name."""
    return {
        term.target: np.empty(n, np.intp)
        if term.loss.target == "classes"
        else np.empty((*graph.nodes[term.node].declared.output, n))
        for term in terms
        if term.target != INPUT_TARGET
    }


# -- checks ------------------------------------------------------------------------------------------------------------


def unknown_outputs(loaded: Loaded) -> list[Fault]:
    """Losses on nodes that there are not."""
    names = [spec.name for spec in loaded.config.network]
    return [
        loaded.document.fault(
            (*_path(loaded, "loss", index), "output"), f"no node is called '{term.output}'", nearest(term.output, names)
        )
        for index, term in enumerate(loaded.config.loss)
        if term.output is not None and term.output not in names
    ]


def faults_of(loaded: Loaded, graph: Graph) -> list[Fault]:
    """What is wrong with losses and metrics, given the network; every output is known."""
    faults: list[Fault] = []
    config, names = loaded.config, [node.name for node in graph.nodes]
    kinds: dict[str, Kind] = {}
    for index, term in enumerate(config.loss):
        path = _path(loaded, "loss", index)
        faults += _unfit(loaded, graph, path, term)
        target = term.target or TARGET
        if target != INPUT_TARGET and kinds.setdefault(target, term.part.target) != term.part.target:
            message = f"the target '{target}' cannot be class numbers for one loss and values for another"
            hint = "give the data two targets, and name them by `target` beside the losses"
            faults.append(loaded.document.fault(path, message, hint))
    if config.data is not None and config.data.standardize_targets and config.loss and not standardized(config):
        message = "there is no target to standardize: the losses take classes, or values within bounds"
        hint = "leave it out, or choose a loss such as `least_squares`"
        faults.append(loaded.document.fault(("data", "standardize_targets"), message, hint))
    faults += _unfit_augmentation(loaded, graph)
    outputs = [term.output or names[-1] for term in config.loss]
    for index, metric in enumerate(config.metrics):
        path = ("metrics", index)
        if metric.output is not None and metric.output not in outputs:
            message = f"no loss is on the output of '{metric.output}'"
            faults.append(loaded.document.fault((*path, "output"), message, nearest(metric.output, outputs)))
            continue
        first = next(iter(config.loss), None)
        read = first if metric.output is None else config.loss[outputs.index(metric.output)]
        output = graph.output if read is None else graph.nodes[_node(graph, read)].declared.output
        kind: Kind = "values" if read is None else read.part.target
        try:
            metric.part.check(output, kind)
        except NncliError as error:
            faults += [loaded.document.fault(path, _named(f, graph, loaded, read), f.hint) for f in error.faults]
    return faults


def _path(loaded: Loaded, section: str, index: int) -> tuple[str | int, ...]:
    return (section, index) if isinstance(loaded.document.at((section,)), tuple) else (section,)


def _unfit(loaded: Loaded, graph: Graph, path: tuple[str | int, ...], term: LossTerm) -> list[Fault]:
    """A loss that cannot take its output, or a target `input` of another size."""
    output = graph.nodes[_node(graph, term)].declared.output
    try:
        term.part.check(output)
        if term.target == INPUT_TARGET:
            _check_input(term, graph.input, output)
    except NncliError as error:
        return [loaded.document.fault(path, _named(fault, graph, loaded, term), fault.hint) for fault in error.faults]
    return []


def _unfit_augmentation(loaded: Loaded, graph: Graph) -> list[Fault]:
    """Steps that cannot be done to the samples, or mix what a loss cannot take."""
    config, document = loaded.config, loaded.document
    if config.data is None or not config.data.augment:
        return []
    faults, path = [], ("data", "augment")
    if graph.indices is not None:
        message = "the network reads whole numbers as indices, which augmentation would change"
        return [document.fault(path, message, "leave `augment` out")]
    for index, step in enumerate(config.data.augment):
        try:
            step.check(graph.input)
        except NncliError as error:
            faults += [document.fault((*path, index), fault.message, fault.hint) for fault in error.faults]
    for index in mixing(config)[1:]:
        faults.append(document.fault((*path, index), "samples are mixed already", "keep one step that mixes"))
    for index in mixing(config)[:1]:
        name = config.data.augment[index].type_name
        for term in config.loss:
            if term.part.target != "classes" or (term.part.mixes and not term.part.weighs()):
                continue
            message, hint = f"{term.part.type_name} takes one class for each sample, {name} gives two", _MIXES
            if term.part.mixes:
                message, hint = f"classes have weights, and {name} mixes them", "leave `class_weights` or it out"
            faults.append(document.fault((*path, index), message, hint))
    return faults


_MIXES = "choose `loss: softmax_cross_entropy`, or leave it out"


def _check_input(term: LossTerm, shape: Shape, output: Shape) -> None:
    if term.part.target == "classes":
        raise ShapeError(
            f"{term.part.type_name} takes class numbers, not the network's input", hint="use `least_squares`"
        )
    if np.prod(shape) != np.prod(output):
        raise ShapeError(
            f"the target is the input, {list(shape)}, and as many numbers must come out",
            hint="end the network with as many numbers as a sample has",
        )


def _node(graph: Graph, term: LossTerm) -> int:
    """The node whose output a loss reads: the last one, unless another is named."""
    return next((i for i, node in enumerate(graph.nodes) if node.name == term.output), len(graph.nodes) - 1)


def _named(fault: Fault, graph: Graph, loaded: Loaded, term: LossTerm | None) -> str:
    """A fault of a loss or metric with the node whose output it is about."""
    node = graph.nodes[-1] if term is None else graph.nodes[_node(graph, term)]
    place = next(spec.place for spec in loaded.config.network if spec.name == node.name)
    where = loaded.document.values.get(place)
    line = f" (line {where[0]})" if where else ""
    what = "the network's output" if node is graph.nodes[-1] else "the output"
    return f"{fault.message}; {what} is '{node.name}'{line}, {list(node.declared.output)}"
