"""`gradcheck`: a configuration, or everything that is built in, to the rows of a check."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from nncli.engine import Model, make_plan
from nncli.errors import CheckFailed, DataError, Fault
from nncli.gradcheck.check import Options
from nncli.gradcheck.everything import check_everything, count_cases
from nncli.gradcheck.network import Row, check_network
from nncli.gradcheck.witness import Witness
from nncli.randomness import generator
from nncli.spec import Loaded, LoadedGame, load_any, shipped
from nncli.spec.files import shipped_names
from nncli.spec.game import PLAYERS
from nncli.training.game.checking import rows_of, small
from nncli.training.needs import check_needs, refuse
from nncli.training.objective import objective
from nncli.training.sampling import sample

SAMPLES = 4
"""Samples in the batch of a check: a few, so that those of a batch may be coupled, and shards be cut."""
MOVED = 0.1
"""Size of the random numbers added to arrays that start constant: zero biases would hide faults."""


@dataclass
class Report:
    """What a check found. `rows` are in the order of the way back; `nodes` and `batch` say what was checked."""

    name: str
    batch: str
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    places: dict[str, Fault] = field(default_factory=dict)
    """Where in the file each node stands."""
    witness: str = ""
    """The other library that was asked."""

    @property
    def wrong(self) -> list[Row]:
        return [row for row in self.rows if row.verdict == "wrong"]

    @property
    def first(self) -> Row | None:
        """The first that is wrong on the way forward; or on the way back, by itself or at least as derivative of the
        loss."""
        ahead = [row for row in self.rows if row.ahead]
        return ahead[-1] if ahead else next((row for row in self.rows if row.faulty), next(iter(self.wrong), None))

    @property
    def largest(self) -> float:
        """The largest error; NaN where one is."""
        return float(np.max([row.alone.error for row in self.rows], initial=0.0))

    def failure(self) -> CheckFailed | None:
        """The error that says what is wrong first on the way back; None where all is well."""
        row = self.first
        if row is None:
            return None
        place = self.places.get(row.node, Fault(row.node))
        if row.ahead:
            hint = "what reads it is wrong because of it"
            return CheckFailed(dataclasses.replace(place, message=f"{row.node} is wrong: {row.note}", hint=hint))
        message = f"the gradient of {called(row)} of {row.node} is wrong: {row.note}"
        others = sum(other.faulty for other in self.rows if other.node != row.node)
        hint = "it is the first wrong one on the way back" + (f"; {others} more arrays are wrong too" if others else "")
        return CheckFailed(dataclasses.replace(place, message=message, hint=hint))


def called(row: Row) -> str:
    """An array's name for people: `x0` is the input."""
    array = row.alone.array
    if not (array.startswith("x") and array[1:].isdigit()):
        return array
    return "input" if array == "x0" else f"input {int(array[1:]) + 1}"


def document(reports: Sequence[Report]) -> dict[str, Any]:
    """What `gradcheck --json` prints."""
    failures = [report.first for report in reports]
    first = next((row for row in failures if row is not None), None)
    return {
        "passed": first is None,
        "first": first and {"node": first.node, "parameter": called(first), "note": first.note},
        "seconds": sum(report.seconds for report in reports),
        "nodes": [_row(report, row, len(reports) > 1) for report in reports for row in report.rows],
    }


def _row(report: Report, row: Row, several: bool) -> dict[str, Any]:
    alone, whole = row.alone, row.whole
    return {
        **({"of": report.name} if several else {}),
        "node": row.node,
        "type": row.type,
        "parameter": called(row),
        "coordinates": alone.size,
        "directions": alone.directions,
        "error": alone.error,
        "estimated_error": alone.estimated,
        "kinks_avoided": alone.avoided,
        "kinks_left_out": alone.kinks,
        "network_error": whole.error if whole is not None and whole.verdict != "undecided" else None,
        "witness_error": row.witness,
        "verdict": row.verdict,
        "passed": row.verdict != "wrong",
        "note": row.note,
    }


Progress = Callable[[str, int, int], None]
"""Told what is checked now, how much is done, and of how much."""


def check_config(
    path: Path,
    texts: Sequence[str] = (),
    *,
    random: bool = False,
    samples: int = SAMPLES,
    options: Options | None = None,
    against: Witness | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Report:
    """Check the network of a configuration with its loss, in float64, at its initial weights.

    The batch is of the training split, or of random numbers. Raises SpecError, DataError.
    """
    loaded = load_any(path, texts)
    options = options or Options(seed=loaded.config.seed)
    if isinstance(loaded, LoadedGame):
        return _check_game(path, loaded, random, samples, options, against, progress)
    sampled = sample(loaded, random, samples, "checks")
    graph, batch = sampled.graph, sampled.batch
    config = loaded.config
    itemsize = 8 if config.dtype == "float64" else 4
    plan = make_plan(graph, config.train.batch, itemsize, config.threads)
    terms = objective(config, graph)
    needs = check_needs(graph, plan, terms, batch.n)
    refuse("gradcheck", needs, [graph], loaded.document.fault, ("--samples",))
    model = Model(graph, plan, np.float64, terms, config.seed)
    model.parameters.initialize(graph, config.seed)
    _move_constants(model, config.seed)
    report = Report(str(path), f"{batch.n} samples of {sampled.called}", places=_places(loaded))
    report.witness = against.name if against is not None else ""
    total = 1 + sum(len(node.declared.parameters) + len(node.inputs) for node in graph.nodes)
    start = perf_counter()
    try:
        with model.limits(), np.errstate(all="ignore"):
            for row in check_network(model, batch, options, against):
                report.rows.append(row)
                progress(row.node, len(report.rows), total)
    finally:
        model.close()
    report.seconds = perf_counter() - start
    return report


def _check_game(
    path: Path,
    loaded: LoadedGame,
    random: bool,
    samples: int,
    options: Options,
    against: Witness | None,
    progress: Progress,
) -> Report:
    """Both players of a GAN."""
    setup = small(loaded, random, samples)
    what = "random numbers" if random else "the data"
    report = Report(str(path), f"{setup.config.game.batch} samples of {what} and as many of the generator")
    report.witness = against.name if against is not None else ""
    for player in PLAYERS:
        for spec in getattr(loaded.config, player):
            report.places[f"{player}.{spec.name}"] = loaded.document.fault(spec.place, "")
    total = sum(
        len(node.declared.parameters) + len(node.inputs) for graph in setup.graphs.values() for node in graph.nodes
    )
    start = perf_counter()
    try:
        for row in rows_of(setup, options, against):
            report.rows.append(row)
            progress(row.node, len(report.rows), total)
    finally:
        setup.close()
    report.seconds = perf_counter() - start
    return report


def check_all(
    options: Options, against: Witness | None = None, progress: Progress = lambda what, done, of: None
) -> Iterator[Report]:
    """Everything registered, by type, and every configuration that ships (on random data where its own are absent)."""
    configs = shipped_names()
    total, done = count_cases() + len(configs), 0
    reports: dict[str, Report] = {}
    asked = against.name if against is not None else ""
    start = perf_counter()
    for rows in check_everything(options, against):
        report = reports.setdefault(rows[0].type, Report(rows[0].type, "cases", witness=asked))
        report.rows += rows
        start, last = perf_counter(), start
        report.seconds += start - last
        done += 1
        progress(rows[0].type, done, total)
    yield from reports.values()
    for name in configs:
        path = shipped(name)
        assert path is not None
        done += 1
        progress(name, done, total)
        try:
            report = check_config(path, options=options, against=against)
        except DataError:
            report = check_config(path, random=True, options=options, against=against)
        report.name = f"configs/{name}.yaml"
        yield report


def _move_constants(model: Model, seed: int) -> None:
    for entry in model.parameters.entries:
        value = model.parameters.views[entry.node][entry.name]
        if value.size and np.ptp(value) == 0:
            value += MOVED * generator(seed, f"gradcheck/{entry.node}/{entry.name}").normal(size=value.shape)


def _places(loaded: Loaded) -> dict[str, Fault]:
    places = {spec.name: loaded.document.fault(spec.place, "") for spec in loaded.config.network}
    return places | {"loss": loaded.document.fault(("loss",), "")}
