"""What happens in a game besides its steps: alarms, going back, divergence, looks, memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.diagnostics.game import Alarm
from nncli.errors import DataError, DivergenceError, OutputError
from nncli.spec import read_game
from nncli.training.events import Saved
from nncli.training.game import diagnosing
from nncli.training.game.events import Diagnosed, RolledBack, Stepped
from nncli.training.game.opening import open_game
from nncli.training.game.setup import set_up
from tests.training.game.games import contents, finished, flat, play, write_config

RING = """
name: pair
data: {train: {ring: {std: 0.05}}}
latent: 2
generator: [{dense: 32}, relu, {dense: 2}]
discriminator: [{dense: 32}, {leaky_relu: 0.2}, {dense: 1}]
game: {steps: 40, batch: 32}
diagnose: {every: 10, samples: 200}
"""
SICK = Alarm("mode collapse", "two samples are one", "`game.pack: 2`")
HINT = Alarm("oscillation", "round and round", "`schedule: linear`", hint=True)


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "pair.yaml"
    path.write_text(RING)
    return path


class Scripted:
    """In the place of the watch and of the judgement: rings at the steps it is told."""

    def __init__(self, at: dict[int, list[Alarm]]) -> None:
        self.at, self.step = at, 0

    def see(self, step: int, figures: Any) -> tuple[list[Alarm], list[Alarm]]:
        self.step = step
        rings = self.at.get(step, [])
        return rings, rings

    def judge(self, figures: Any, situation: Any) -> list[Alarm]:
        return self.at.get(self.step, [])

    def state(self) -> dict[str, list[int]]:
        return {}

    def restore(self, state: Any) -> None:
        return None


def script(monkeypatch: pytest.MonkeyPatch, at: dict[int, list[Alarm]]) -> None:
    made = Scripted(at)
    monkeypatch.setattr(diagnosing, "Watch", lambda situation: made)
    monkeypatch.setattr(diagnosing.figures_of, "judge", made.judge)


def test_warn_goes_on(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, {20: [SICK]})
    events = play(ring, out=tmp_path / "run")
    assert finished(events).reason == "done"
    assert finished(events).alarms == {"mode collapse": 1}
    assert [event.step for event in events if isinstance(event, Diagnosed) and event.alarms] == [20]


def test_stop_ends_it_after_a_checkpoint(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, {20: [SICK]})
    events = play(ring, "diagnose.on_alarm=stop", out=tmp_path / "run")
    assert finished(events).reason == "alarm"
    assert finished(events).steps == 20
    assert isinstance(events[-2], Saved)
    assert read(tmp_path / "run" / "last.h5").progress["step"] == 20


def test_a_hint_stops_nothing(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, {20: [HINT]})
    assert finished(play(ring, "diagnose.on_alarm=stop", out=tmp_path / "run")).reason == "done"


def test_rollback_takes_both_players_back_and_counts_on(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, {30: [SICK]})
    with open_game(ring, None, ["diagnose.on_alarm=rollback"], tmp_path / "run") as run:
        for event in run.events():
            if isinstance(event, RolledBack):
                assert (event.step, event.to) == (30, 20)
                healthy = read(run.saving.healthy).networks
                for name, player in run.play.players.items():
                    here = player.model.parameters
                    stored = healthy[name].parameters
                    for node, arrays in here.views.items():
                        assert all(np.array_equal(array, stored[node][key].array) for key, array in arrays.items())
                break
        assert run.step == 30
        steps = [event.step for event in run.events() if isinstance(event, Stepped)]
    assert steps == list(range(31, 41))
    assert read(tmp_path / "run" / "last.h5").progress["rollbacks"] == 1


def test_an_ill_look_is_not_kept_as_healthy(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in one look alone does not ring yet, but the state is none to go back to."""
    script(monkeypatch, {})
    monkeypatch.setattr(diagnosing.figures_of, "judge", lambda figures, situation: [SICK])
    events = play(ring, "diagnose.on_alarm=rollback", out=tmp_path / "run")
    assert [event.why for event in events if isinstance(event, Saved)] == ["begun", "healthy", "last"]
    assert read(tmp_path / "run" / "healthy.h5").progress["step"] == 0


def test_a_game_that_rolled_back_is_resumed_exactly(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, {30: [SICK]})
    play(ring, "diagnose.on_alarm=rollback", out=tmp_path / "whole")
    for stop in (25, 29, 30, 33):
        play(ring, "diagnose.on_alarm=rollback", out=tmp_path / f"run{stop}", stop=stop)
        play(None, resume=tmp_path / f"run{stop}")
        assert contents(tmp_path / f"run{stop}" / "last.h5") == contents(tmp_path / "whole" / "last.h5")


def test_divergence_names_the_player_and_writes_nothing(ring: Path, tmp_path: Path) -> None:
    with pytest.raises(DivergenceError, match=r"the game diverged: the (discriminator|generator)'s") as caught:
        play(ring, "optimizer={sgd: {lr: 1e30}}", "game.loss=least_squares", out=tmp_path / "run")
    assert "optimizer." in caught.value.faults[0].hint
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_not_empty_is_refused(ring: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not empty"):
        play(ring, out=tmp_path)


def test_more_batch_than_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fewer than a batch of 8000"):
        play(write_config(tmp_path), "game.batch=8000", out=tmp_path / "run")


def test_figures_of_a_look(ring: Path, tmp_path: Path) -> None:
    events = play(ring, out=tmp_path / "run")
    seen = [event for event in events if isinstance(event, Diagnosed)]
    assert [event.step for event in seen] == [0, 10, 20, 30, 40]
    assert set(seen[-1].figures) == {
        "value", "js_bound", "accuracy", "saturation", "diversity", "coverage", "dimension_real", "dimension_fake",
        "effective_modes", "modes", "divergence", "path_ratio", "d_norm", "g_norm",
    }  # fmt: skip
    assert seen[-1].figures["modes"] == pytest.approx(8)
    history = read(tmp_path / "run" / "last.h5").history
    assert list(history.diagnose["step"]) == [0, 10, 20, 30, 40]
    assert history.diagnose["value"][-1] == seen[-1].figures["value"]
    assert len(history.steps["d_loss"]) == 40


@pytest.mark.parametrize("loss", ["least_squares", "hinge", "wasserstein"])
def test_figures_without_log_odds(ring: Path, tmp_path: Path, loss: str) -> None:
    events = play(ring, f"game.loss={loss}", "game.steps=10", out=tmp_path / "run")
    seen = [event for event in events if isinstance(event, Diagnosed)][-1]
    assert 0 <= seen.figures["js_bound"] <= np.log(2)
    assert "saturation" not in seen.figures


def test_slopes_are_those_of_the_logit(ring: Path, tmp_path: Path) -> None:
    """‖∇ₓ s‖ of each sample against differences of logits."""
    with open_game(ring, None, ["dtype=float64"], tmp_path / "run") as run:
        run.begin()
        x = np.random.default_rng(0).normal(size=(2, 50))
        slopes = run.diagnosing._slopes(x)
        model, h = run.play.discriminator.model, 1e-6

        def logits(shift: Any) -> Any:
            return diagnosing.evaluate(model, x + np.array(shift)[:, None])[0]

        rise = [(logits(d) - logits([-s for s in d])) / (2 * h) for d in ([h, 0], [0, h])]
    np.testing.assert_allclose(slopes, np.hypot(*rise), rtol=1e-6)


@pytest.mark.parametrize("more", [(), ("game.instance_noise=0.1", "game.ema=0.9", "game.spectral_norm=1")], ids=str)
def test_a_step_allocates_nothing_that_grows_with_the_batch(more: tuple[str, ...]) -> None:
    peaks = []
    for n in (2_000, 4_000):
        data = "data={train: {random: {samples: 10000, shape: [1, 8, 8]}}}"
        text = RING.replace("dense: 2}", "dense: 64}, {reshape: [1, 8, 8]}").replace("[{dense: 32}, {l", "[flatten, {l")
        setup = set_up(read_game(text, "g", [data, f"game.batch={n}", "threads=1", *more]))
        game = setup.play()
        game.begin()
        for step in range(2):
            game.step_discriminator(step, 0)
            game.step_generator(step)
        tracemalloc.start()
        game.step_discriminator(1, 0)
        game.step_generator(1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        setup.close()
    assert peaks[1] - peaks[0] < 10_000  # a byte for each number of a sample would be 128,000


@pytest.mark.parametrize("coefficient", [1.0, 3.0])
def test_spectral_norm_of_the_discriminator(ring: Path, tmp_path: Path, coefficient: float) -> None:
    """The largest singular value of each weight, by NumPy's decomposition."""
    play(ring, f"game.spectral_norm={{coefficient: {coefficient}, iterations: 3}}", out=tmp_path / "run")
    networks = read(tmp_path / "run" / "last.h5").networks
    for node, arrays in networks["discriminator"].parameters.items():
        assert np.linalg.norm(arrays["W"].array, 2) == pytest.approx(coefficient, rel=0.02)
        raw = networks["discriminator_raw"].parameters[node]
        ratio = raw["W"].array / arrays["W"].array
        assert np.ptp(ratio) < 1e-4 * abs(ratio).max()
        assert np.array_equal(raw["b"].array, arrays["b"].array)


def test_weights_are_clipped(ring: Path, tmp_path: Path) -> None:
    play(ring, "game.loss=wasserstein", "game.clip=0.02", out=tmp_path / "run")
    networks = read(tmp_path / "run" / "last.h5").networks
    assert abs(flat(networks["discriminator"])).max() == pytest.approx(0.02)
    assert abs(flat(networks["generator"])).max() > 0.1


def test_instance_noise_fades(ring: Path, tmp_path: Path) -> None:
    with open_game(ring, None, ["game.instance_noise={std: 0.4, until: 0.5}"], tmp_path / "run") as run:
        assert [run.play.noise_at(step) for step in (0, 10, 20, 30)] == pytest.approx([0.4, 0.2, 0, 0])


def test_both_players_have_numbers_of_their_own(ring: Path, tmp_path: Path) -> None:
    """Nodes of one name and shape in both networks start at different weights."""
    same = ["generator=[{dense: 2}, {dense: 2}]", "discriminator=[{dense: 2}, {dense: 1}]"]
    with open_game(ring, None, same, tmp_path / "run") as run:
        run.begin()
        g, d = (player.model.parameters.views["dense_1"]["W"] for player in run.play.players.values())
        assert not np.any(g == d)


def test_at_the_optimum_the_value_is_that_of_theory(tmp_path: Path) -> None:
    """A generator that copies normal numbers, data that are normal numbers: V comes to −2 log 2, D to ½."""
    text = """
data: {train: {mixture: {means: [0.0], stds: 1.0}}}
latent: 1
generator: [{dense: {units: 1, init: {constant: 1}}, trainable: false}]
discriminator: [{dense: 16}, tanh, {dense: 1}]
game: {steps: 600, batch: 256}
optimizer: {adam: 2e-3}
schedule: linear
diagnose: {every: 600, samples: 4000}
"""
    config = tmp_path / "copy.yaml"
    config.write_text(text)
    events = play(config, out=tmp_path / "run")
    figures = finished(events).figures
    assert figures["value"] == pytest.approx(-2 * np.log(2), abs=0.01)
    assert figures["js_bound"] < 0.005
    assert figures["accuracy"] == pytest.approx(0.5, abs=0.03)
