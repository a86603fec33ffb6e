"""The thread that prepares batches: the same run with it and without, in one go and resumed, and its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.errors import SpecError
from nncli.training import feeding
from nncli.training.events import Stepped
from nncli.training.feeding import Feed, Wanted
from nncli.training.supervised import open_run
from tests.training.runs import CONFIG, contents, finished, train, write_config

ALL = """  augment:
    [shift, rotation, scaling, elastic, {{crop: 1}}, {{flip: {{probability: 0.1}}}}, {{cutout: 2}}, noise, mixup]
network:
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Batches of 500, of which the last one is smaller."""
    return write_config(tmp_path, CONFIG.replace("network:\n", ALL).replace("validation: 300", "validation: 333"))


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nncli-data")]


@pytest.fixture(autouse=True)
def every_step_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "WORTH", 0)


def test_a_run_is_the_same_without_the_thread(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_thread = contents(finished(train(config, "train.epochs=2", out=tmp_path / "a")).checkpoint)
    monkeypatch.setattr(Feed, "ahead", lambda *_: None)
    assert contents(finished(train(config, "train.epochs=2", out=tmp_path / "b")).checkpoint) == with_thread
    plain = contents(finished(train(write_config(tmp_path), "train.epochs=2", out=tmp_path / "c")).checkpoint)
    assert any(plain[name] != with_thread[name] for name in plain if name.startswith("model/"))


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_resumed_run_is_the_same(config: Path, tmp_path: Path, stop: int) -> None:
    texts = ("train.epochs=2", "diagnose={every: 2}")
    whole = contents(finished(train(config, *texts, out=tmp_path / "whole")).checkpoint)
    stopped = finished(train(config, *texts, out=tmp_path / "parts", stop=stop))
    assert stopped.reason == "stopped"
    assert contents(finished(train(None, resume=stopped.checkpoint)).checkpoint) == whole


def test_accumulated_batches_are_those_of_single_steps(config: Path, tmp_path: Path) -> None:
    """Two steps on 250 samples each read the same numbers as one step that accumulates two of them."""
    seen: list[dict[int, Any]] = []
    for accumulate in (1, 2):
        batches: dict[int, Any] = {}
        texts = (f"train={{epochs: 1, batch: 250, accumulate: {accumulate}}}",)
        with open_run(config, None, texts, tmp_path / str(accumulate)) as run:
            load = run.feed.load

            def keep(wanted: Wanted, load: Any = load, batches: dict[int, Any] = batches) -> Any:
                filled = load(wanted)
                batches[wanted.number] = filled.x.copy()
                return filled

            run.feed.load = keep  # type: ignore[method-assign]
            for _ in run.epoch():
                pass
        seen.append(batches)
    assert seen[0].keys() == seen[1].keys()
    assert all(np.array_equal(seen[0][number], seen[1][number]) for number in seen[0])


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_shards_get_their_parts_of_one_batch(config: Path, tmp_path: Path, shards: int) -> None:
    texts = (f"threads={shards}", "train.batch=50")
    with open_run(config, None, texts, tmp_path / "run") as run:
        rows = np.arange(50)
        load = run.feed.load(Wanted(0, 0, rows))
        program = run.model.program(50, training=True)
        program.run(load)
        x, second = load.x.copy(), load.mixed["y"].second.copy()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(np.concatenate([s.mixed["y"].second for s in program.shards]), second)
        np.testing.assert_array_equal(np.concatenate([s.t for s in program.shards]), load.targets["y"])  # type: ignore[attr-defined]
        for shard in program.shards:
            load(shard)
            np.testing.assert_array_equal(shard.x, x[..., shard.start : shard.start + shard.n])


def test_only_the_training_split_is_augmented(config: Path, tmp_path: Path) -> None:
    """Figures of other splits are those of the same weights without augmentation."""
    texts = ("train.epochs=1", "optimizer.adam.lr=1e-12", "data.validation=333")
    ended = finished(train(config, *texts, out=tmp_path / "a"))
    plain = finished(train(write_config(tmp_path, name="plain.yaml"), *texts, out=tmp_path / "b"))
    for split in ("validation", "test"):
        assert ended.figures[split]["loss"] == pytest.approx(plain.figures[split]["loss"], rel=1e-5)
    assert ended.figures["train"]["loss"] != pytest.approx(plain.figures["train"]["loss"], rel=1e-3)


class _Broken(RuntimeError):
    pass


def test_what_the_thread_raises_ends_the_run(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = feeding.Augmenter.apply

    def fail(self: Any, *rest: Any) -> None:
        if rest[-1] == 2:
            assert threading.current_thread().name.startswith("nncli-data")
            raise _Broken
        apply(self, *rest)

    monkeypatch.setattr(feeding.Augmenter, "apply", fail)
    with pytest.raises(_Broken):
        train(config, out=tmp_path / "run")


def test_one_batch_is_prepared_ahead(config: Path, tmp_path: Path) -> None:
    with open_run(config, None, ("train.batch=100",), tmp_path / "run") as run:
        names = []
        prepare = run.feed._prepare

        def watch(*rest: Any) -> Any:
            names.append(threading.current_thread().name)
            return prepare(*rest)

        run.feed._prepare = watch  # type: ignore[method-assign]
        assert sum(isinstance(event, Stepped) for event in run.epoch()) == len(names)
        assert [name.startswith("nncli-data") for name in names] == [False] + [True] * (len(names) - 1)


def test_a_step_that_is_short_is_not_worth_a_thread(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(config, None, ("train.batch=100",), tmp_path / "run") as run:
        monkeypatch.setattr(feeding, "WORTH", 3 * 100 * run.model.graph.flops + 1)
        next(run.epoch())
        assert run.feed._thread is None
        monkeypatch.setattr(feeding, "WORTH", 3 * 100 * run.model.graph.flops)
        next(run.epoch())
        assert run.feed._thread is not None


def test_a_run_without_augmentation_has_no_thread(tmp_path: Path) -> None:
    with open_run(write_config(tmp_path), None, (), tmp_path / "run") as run:
        next(run.epoch())
        assert run.feed._thread is None


# -- bad configurations ------------------------------------------------------------------------------------------------

BAD = {
    "vectors": ("[{dense: 10}]", "softmax_cross_entropy", "{input: {shape: [64]}}", "shift takes images"),
    "no mixing": ("[flatten, {dense: 10}]", "hinge", "", "hinge takes one class for each sample, mixup gives two"),
    "weights": (
        "[flatten, {dense: 2}]",
        "{softmax_cross_entropy: {class_weights: [1, 2]}}",
        "",
        "classes have weights, and mixup mixes them",
    ),
    "twice": ("[flatten, {dense: 10}]", "softmax_cross_entropy", "twice", "samples are mixed already"),
    "indices": (
        "[{embedding: {count: 5, size: 2}}, flatten, {dense: 3}]",
        "softmax_cross_entropy",
        "indices",
        "indices",
    ),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_cannot_be_augmented(name: str) -> None:
    from nncli.spec import read_text
    from nncli.training.setup import checked_graph

    network, loss, more, message = BAD[name]
    steps = "[shift, mixup, mixup]" if more == "twice" else "[noise]" if more == "indices" else "[shift, mixup]"
    text = f"data: {{train: {{random: {{samples: 9, shape: [1, 8, 8], classes: 2}}}}, augment: {steps}}}\n"
    loaded = read_text(text + f"network: {network}\nloss: {loss}\n")
    shape = (64,) if name == "vectors" else (6,) if name == "indices" else (1, 8, 8)
    with pytest.raises(SpecError, match=message) as raised:
        checked_graph(loaded, shape)
    assert raised.value.faults[-1].path.startswith("data.augment")
    assert raised.value.faults[-1].line == 1
