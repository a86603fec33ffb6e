"""Findings about data: each planted fault is found, and data without it raise none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nncli.data.batches import Preprocessing
from nncli.data.dataset import Dataset
from nncli.data.overview import Column, Known, Overview, overview
from nncli.diagnostics.data import Context, judge_data
from nncli.parts import Array
from tests.data.files import dataset, step


def drawn(seed: int, n: int = 400, features: int = 4, classes: int = 4) -> tuple[Array, Array]:
    x = np.random.default_rng(seed).normal(size=(n, features))
    return x, np.arange(n) % classes


def judged(splits: dict[str, Dataset], steps: tuple[Any, ...] = (), kind: Any = "classes", **known: Any) -> list[str]:
    """The kinds of the findings."""
    preprocessing = Preprocessing.fit(steps, splits["train"])
    found: dict[str, Overview] = {}
    train: Known | None = None
    for name, data in splits.items():
        numbered = data.labelled() if kind == "classes" else data
        classes = 4 if kind == "classes" else None
        found[name], own = overview(numbered, {"y": kind}, classes, preprocessing, train)
        train = train or own
    findings = judge_data(found, Context(**known))
    assert all(finding.evidence and finding.remedy for finding in findings)
    return [finding.kind for finding in findings]


def good() -> dict[str, Dataset]:
    return {"train": dataset(*drawn(0)), "test": dataset(*drawn(1, 100))}


def test_good_data() -> None:
    assert judged(good()) == []
    assert judged(good(), kind="values") == []


def changed(change: Callable[[Array, Array, Array, Array], None]) -> dict[str, Dataset]:
    (x, t), (u, v) = drawn(0), drawn(1, 100)
    change(x, t, u, v)
    return {"train": dataset(x, t), "test": dataset(u, v)}


def copied(x: Array, t: Array, u: Array, v: Array) -> None:
    u[:3] = x[:3]


def one_copied(x: Array, t: Array, u: Array, v: Array) -> None:
    x[1] = x[0]
    t[1] = t[0]


def repeated(x: Array, t: Array, u: Array, v: Array) -> None:
    x[4:48], t[4:48] = x[0], t[0]


def contradicting(x: Array, t: Array, u: Array, v: Array) -> None:
    x[100:104] = x[0:4]
    t[100:104] = t[1:5]


def unlearned(x: Array, t: Array, u: Array, v: Array) -> None:
    t[t == 2] = 1


def untested(x: Array, t: Array, u: Array, v: Array) -> None:
    v[v == 2] = 1


def nowhere(x: Array, t: Array, u: Array, v: Array) -> None:
    t[t == 3] = 1
    v[v == 3] = 1


def unequal(x: Array, t: Array, u: Array, v: Array) -> None:
    t[20:] = np.where(np.arange(380) % 40, 1, t[20:])


def constant(x: Array, t: Array, u: Array, v: Array) -> None:
    x[:, 2] = 0.1


def large(x: Array, t: Array, u: Array, v: Array) -> None:
    x *= 50
    u *= 50


def small(x: Array, t: Array, u: Array, v: Array) -> None:
    x /= 500
    u /= 500


def uneven(x: Array, t: Array, u: Array, v: Array) -> None:
    x[:, 1] *= 1000
    u[:, 1] *= 1000


def marked(x: Array, t: Array, u: Array, v: Array) -> None:
    x[:, 3] = np.arange(400) == 7


def bytes_and_shares(x: Array, t: Array, u: Array, v: Array) -> None:
    u *= 255


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (copied, ["samples in two splits"]),
        (one_copied, []),
        (repeated, ["repeated samples"]),
        (contradicting, ["contradictions"]),
        (unlearned, ["classes missing from a split"]),
        (untested, ["classes missing from a split"]),
        (nowhere, ["classes without samples"]),
        (unequal, ["unequal classes"]),
        (constant, ["constant numbers"]),
        (large, ["large numbers"]),
        (small, ["small numbers"]),
        (uneven, ["numbers of unequal size"]),
        (marked, []),
        (bytes_and_shares, ["a split of another scale"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_fault_is_found(change: Callable[..., None], kinds: list[str]) -> None:
    assert judged(changed(change)) == kinds


def test_what_preprocessing_mends_is_no_finding() -> None:
    for change in (large, small, uneven):
        assert judged(changed(change), (step("standardize", per="feature"),)) == []


@pytest.mark.parametrize("known", [{"indices": True}, {"normalized": True}], ids=str)
def test_numbers_whose_size_means_nothing(known: dict[str, bool]) -> None:
    assert judged(changed(large), **known) == []


def test_columns_have_names() -> None:
    splits = changed(constant)
    columns = [Column(name, slice(place, place + 1)) for place, name in enumerate("abcd")]
    steps = Preprocessing()
    found = {name: overview(data.labelled(), {"y": "classes"}, 4, steps)[0] for name, data in splits.items()}
    (finding,) = judge_data(found, Context(columns=columns))
    assert "'c'" in finding.evidence
    assert "`ignore: [c]`" in finding.remedy
    gaps = {"train": {"a": 300, "b": 100}}
    (_, finding) = judge_data(found, Context(columns=columns, gaps=gaps))
    assert "'a' has no value in 300 of 400" in finding.evidence


def test_classes_have_names_and_weights() -> None:
    found = {"train": overview(changed(unequal)["train"].labelled(), {"y": "classes"}, 4, Preprocessing())[0]}
    (finding,) = judge_data(found, Context(names=("ant", "bee", "cat", "dog")))
    assert "'bee' has " in finding.evidence
    counts = found["train"].counts["y"]
    weights = [float(word) for word in finding.remedy.partition("[")[2].partition("]")[0].split(", ")]
    assert np.array(weights) * counts == pytest.approx(400 / 4, rel=1e-2)
    assert judge_data(found, Context(weighs=True)) == []


def test_a_class_that_a_drawn_split_lacks() -> None:
    found = {
        name: overview(data.labelled(), {"y": "classes"}, 4, Preprocessing())[0]
        for name, data in changed(untested).items()
    }
    assert "stratified" in judge_data(found, Context(drawn=("test",)))[0].remedy
    assert "stratified" not in judge_data(found, Context(drawn=("test",), stratified=True))[0].remedy
    assert "stratified" not in judge_data(found, Context())[0].remedy


def test_blank_images() -> None:
    x = np.random.default_rng(0).normal(size=(30, 1, 4, 4))
    x[3] = 0.5
    assert judged({"train": dataset(x, np.arange(30) % 4)}) == ["blank samples"]
    assert judged({"train": dataset(x, np.arange(30) % 4)}, indices=True) == []


@pytest.mark.parametrize(("value", "kinds"), [(30, []), (150, ["values far off"])])
def test_a_value_far_off(value: float, kinds: list[str]) -> None:
    """Of 400 numbers none can lie further off than √399 deviations."""
    x, t = drawn(0)
    x[7, 3] = value
    assert judged({"train": dataset(x, t)}) == kinds


def test_sorted_samples() -> None:
    assert judged(good(), sorted_=True) == ["sorted samples"]


@pytest.mark.parametrize(
    ("scale", "scalable", "kinds"),
    [(1e5, ("y",), ["large targets"]), (1e5, (), []), (1.0, ("y",), []), (0.0, ("y",), ["constant target"])],
)
def test_targets(scale: float, scalable: tuple[str, ...], kinds: list[str]) -> None:
    x, _ = drawn(0)
    t = scale * np.random.default_rng(5).normal(size=len(x)) + 3
    assert judged({"train": dataset(x, t)}, kind="values", scalable=scalable) == kinds


def test_data_beyond_a_generator() -> None:
    x = np.random.default_rng(0).integers(0, 256, size=(300, 1, 4, 4), dtype=np.uint8)
    x[0, 0, 0, :2] = 0, 255
    splits = {"train": dataset(x, np.arange(300) % 4)}
    assert judged(splits, bounds=(-1.0, 1.0)) == ["data beyond the generator"]
    preprocessing = Preprocessing()
    found = {"train": overview(splits["train"].labelled(), {"y": "classes"}, 4, preprocessing)[0]}
    (finding,) = judge_data(found, Context(bounds=(-1.0, 1.0)))
    numbers = finding.remedy.partition("factor: ")[2].partition("}")[0].split(", offset: ")
    factor, offset = map(float, numbers)
    assert judged(splits, (step("scale", factor=factor, offset=offset),), bounds=(-1.0, 1.0)) == []


def test_draws_without_end_are_not_compared() -> None:
    assert judged(changed(copied), density=True) == []
