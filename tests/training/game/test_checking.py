"""`gradcheck` of a GAN: what it finds right, and the faults it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.training.checking import Report, check_config
from nncli.training.game.play import Play
from tests.training.game.games import COUPLED, CRITIC, SPECTRAL, write_config


def check(folder: Path, *overrides: str, **options: Any) -> Report:
    return check_config(write_config(folder), overrides, **options)


@pytest.mark.parametrize("loss", ["minimax", "nonsaturating", "least_squares"])
@pytest.mark.parametrize("overrides", [(), SPECTRAL, COUPLED, ("dtype=float32",)], ids=str)
def test_gradients_agree(tmp_path: Path, loss: str, overrides: tuple[str, ...]) -> None:
    report = check(tmp_path, f"game.loss={loss}", *overrides)
    assert report.wrong == []
    through = [row.whole for row in report.rows if row.whole is not None]
    assert len(through) >= 10
    assert all(finding.verdict in ("agrees", "zero") for finding in through)
    assert report.rows[0].node == "discriminator.dense_2"


@pytest.mark.parametrize("overrides", [CRITIC, ("game.loss=hinge", "game.label_smoothing=0")], ids=str)
def test_losses_without_probabilities(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    assert check(tmp_path, *overrides).wrong == []


def test_on_random_numbers(tmp_path: Path) -> None:
    report = check(tmp_path, random=True, samples=5)
    assert report.wrong == []
    assert report.batch.startswith("6 samples of random numbers")  # packs of two


def faulty(report: Report) -> set[str]:
    return {row.node for row in report.wrong}


def test_an_error_that_is_turned_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Play._unpack

    def wrong(self: Play, packs: Any, out: Any, start: int) -> None:
        right(self, packs, out, start)
        np.negative(out, out=out)

    monkeypatch.setattr(Play, "_unpack", wrong)
    assert faulty(check(tmp_path)) == {"generator.dense_1", "generator.batch_norm_1", "generator.dense_2"}


def test_a_mean_over_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slopes that are not divided by the number of packs, while the loss is."""
    right = Play._losses

    def wrong(self: Play, part: slice, what: str) -> float:
        loss = right(self, part, what)
        np.multiply(self.slopes[part], 1.001, out=self.slopes[part])
        return loss

    monkeypatch.setattr(Play, "_losses", wrong)
    report = check(tmp_path)
    assert {node for node in faulty(report) if "dense" in node} == {
        "generator.dense_1", "generator.dense_2", "discriminator.dense_1", "discriminator.dense_2"
    }  # fmt: skip
    failure = report.failure()
    assert failure is not None
    assert "discriminator.dense_2 is wrong" in str(failure)
    assert "small.yaml:21" in str(failure)  # its line


def test_a_step_that_changes_the_other_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Play.generator_gradient

    def wrong(self: Play, step: int) -> float:
        loss = right(self, step)
        self.discriminator.model.parameters.w[0] += 1e-9
        return loss

    monkeypatch.setattr(Play, "generator_gradient", wrong)
    report = check(tmp_path)
    assert any("a step of the generator changes the discriminator" in row.note for row in report.wrong)
