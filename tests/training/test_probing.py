"""`diagnose`: what a run sees inside its network, kept exactly, and changing nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.diagnostics import NodeFigures
from nncli.training import setup
from nncli.training.events import Event, Probed, Stepped
from nncli.training.probing import last_probe
from nncli.training.supervised import open_run
from tests.training.runs import CONFIG, contents, train, write_config

EVERY = 5
DIAGNOSED = CONFIG + f"diagnose: {{{{every: {EVERY}}}}}\n"
LOOKS = [0, 5, 10, 15, 20]
"""Steps done before: of 24."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train(write_config(folder, DIAGNOSED), out=folder / "run")
    return folder / "run"


def looks(events: list[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, Probed)]


def test_figures_are_kept_with_an_index_of_their_own(whole: Path) -> None:
    kept = read(whole / "last.h5").history.probe
    assert kept["step"].tolist() == LOOKS
    assert kept["samples"].tolist() == [500, 500, 500, 23, 500]  # the last batch of an epoch is smaller
    assert set(kept["nodes"]) == {"input", "conv2d_1", "relu_1", "max_pool2d_1", "flatten_1", "dropout_1", "dense_1"}
    assert set(kept["nodes"]["relu_1"]) == {"mean", "variance", "signal", "dead", "gradient"}
    assert {"gradient_W", "weights_W", "gradient_b", "weights_b"} <= set(kept["nodes"]["dense_1"])
    for figures in kept["nodes"].values():
        for values in figures.values():
            assert values.shape == (5,)
            assert np.isfinite(values).all()
    assert kept["nodes"]["dense_1"]["weights_b"][0] == 0
    assert kept["nodes"]["dense_1"]["weights_b"][1] > 0


def test_the_gradient_is_that_of_the_step(tmp_path: Path) -> None:
    """The norm over all parameters is what the history has of the step that follows the look, without clipping."""
    text = DIAGNOSED.replace(", clip: {{norm: 1, value: 0.5}}", "")
    train(write_config(tmp_path, text), out=tmp_path / "run")
    history = read(tmp_path / "run" / "last.h5").history
    squares = np.zeros(len(LOOKS))
    for figures in history.probe["nodes"].values():
        for name, values in figures.items():
            if name.startswith("gradient_"):
                squares += values**2
    np.testing.assert_allclose(np.sqrt(squares), history.steps["gradient_norm"][LOOKS], rtol=1e-4)


def test_a_run_with_diagnose_has_the_weights_of_one_without(whole: Path, tmp_path: Path) -> None:
    train(write_config(tmp_path), out=tmp_path / "run")
    for name in ("last.h5", "best.h5"):
        without, diagnosed = contents(tmp_path / "run" / name), contents(whole / name)
        assert any(key.startswith("probe/") for key in diagnosed)
        assert {key: value for key, value in diagnosed.items() if not key.startswith("probe/")} == without
    assert read(tmp_path / "run" / "last.h5").history.probe == {}


def test_two_runs_are_equal(whole: Path, tmp_path: Path) -> None:
    train(write_config(tmp_path, DIAGNOSED), out=tmp_path / "run")
    assert contents(tmp_path / "run" / "last.h5") == contents(whole / "last.h5")


@pytest.mark.parametrize("stop", [1, 4, 5, 6, 16, 24])
def test_stopped_and_resumed(whole: Path, tmp_path: Path, stop: int) -> None:
    run = tmp_path / "run"
    first = train(write_config(tmp_path, DIAGNOSED), out=run, stop=stop)
    second = train(None, resume=run)
    assert looks(first) + looks(second) == LOOKS
    for name in ("last.h5", "best.h5"):
        assert contents(run / name) == contents(whole / name)


def test_stopped_between_a_look_and_its_step(whole: Path, tmp_path: Path) -> None:
    run, stop = tmp_path / "run", []
    with open_run(write_config(tmp_path, DIAGNOSED), None, (), run) as opened:
        for event in opened.events(lambda: bool(stop)):
            if isinstance(event, Probed) and event.step == 10:
                stop.append(event)
    kept = read(run / "last.h5")
    assert kept.history.probe["step"].tolist() == [0, 5, 10]
    assert kept.progress["step"] == 10
    assert looks(train(None, resume=run)) == [15, 20]
    assert contents(run / "last.h5") == contents(whole / "last.h5")


def test_diagnose_may_begin_later(tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path)
    train(config, out=run, stop=7)
    events = train(None, "diagnose.every=4", resume=run)
    assert looks(events) == [8, 12, 16, 20]
    train(config, out=tmp_path / "other")
    last, other = (read(folder / "last.h5").model["dense_1"]["W"].array for folder in (run, tmp_path / "other"))
    np.testing.assert_array_equal(last, other)


def test_a_finding_is_told_once(tmp_path: Path) -> None:
    """Rectifiers that die in the first steps, by inputs that were not scaled and a step size far too large."""
    text = DIAGNOSED.replace("preprocess: [{{scale: 0.0625}}, standardize]", "preprocess: []")
    text = text.replace("adam: {{lr: 1e-2, weight_decay: 1e-4}}", "sgd: {{lr: 1e2}}").replace(
        "clip: {{norm: 1, value: 0.5}}", "clip: {{norm: 50}}"
    )
    run = tmp_path / "run"
    events = train(write_config(tmp_path, text), "schedule=constant", out=run, stop=12)
    told = [(event.step, finding.kind) for event in events if isinstance(event, Probed) for finding in event.fresh]
    dead = [step for step, kind in told if kind == "dead units"]
    assert dead == [5]
    assert sum(isinstance(event, Stepped) for event in events) == 12
    again = train(None, resume=run)
    told = [(event.step, finding.kind) for event in again if isinstance(event, Probed) for finding in event.fresh]
    assert "dead units" not in [kind for _, kind in told]


def test_the_last_look_again(whole: Path, tmp_path: Path) -> None:
    snapshot = read(whole / "last.h5")
    document = last_probe(snapshot)
    assert document is not None
    assert document["step"] == 20
    assert [node["name"] for node in document["nodes"]][:2] == ["input", "conv2d_1"]
    kept = {name: values[-1] for name, values in snapshot.history.probe["nodes"]["dense_1"].items()}
    assert document["nodes"][-1]["gradient"] == NodeFigures.of("dense_1", kept).gradient
    train(write_config(tmp_path), "train.epochs=1", out=tmp_path / "run")
    assert last_probe(read(tmp_path / "run" / "last.h5")) is None


def test_its_memory_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    check = setup.check_memory

    def checked(*arguments: object) -> int:
        seen.append(check(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr("nncli.training.supervised.check_memory", checked)
    for name, text in (("without", CONFIG), ("with", DIAGNOSED)):
        train(write_config(tmp_path, text), out=tmp_path / name, stop=1)
    assert 1.5 * seen[0] < seen[1] < 2 * seen[0]
