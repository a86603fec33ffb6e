"""Alarms: each of a planted figure, none of healthy ones; one change of the configuration; and two looks in a row."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from nncli.diagnostics.game import COLLAPSE, LOG2, OSCILLATION, PERFECT, VANISHING, Situation, Watch, judge

MINIMAX, RING = Situation("minimax", steps=1000), Situation("nonsaturating", steps=1000, spread=0.7)
HEALTHY = {
    "js_bound": 0.05,
    "accuracy": 0.6,
    "saturation": 0.86,
    "diversity": 0.96,
    "coverage": 0.9,
    "effective_modes": 7.6,
    "modes": 8.0,
    "path_ratio": 0.32,
}


def names(figures: dict[str, float], situation: Situation = MINIMAX) -> list[str]:
    return [alarm.name for alarm in judge(HEALTHY | figures, situation)]


@pytest.mark.parametrize("situation", [MINIMAX, RING, Situation("hinge", 10)])
def test_healthy_figures_raise_nothing(situation: Situation) -> None:
    assert judge(HEALTHY, situation) == []
    assert judge({}, situation) == []
    assert judge(dict.fromkeys(HEALTHY, float("nan")), situation) == []


def test_each_alarm_has_its_figure() -> None:
    assert names({"js_bound": 0.63}) == [PERFECT]
    assert names({"js_bound": 0.61}) == []
    assert names({"saturation": 0.08}) == [VANISHING]
    assert names({"saturation": 0.08}, RING) == []
    assert names({"diversity": 0.6}) == [COLLAPSE]
    assert names({"effective_modes": 4.3}) == [COLLAPSE]
    assert names({"path_ratio": 0.15}) == [OSCILLATION]
    sick = {"js_bound": LOG2, "saturation": 0.01, "diversity": 0.1, "path_ratio": 0.1}
    assert names(sick) == [PERFECT, VANISHING, COLLAPSE, OSCILLATION]
    assert [alarm.hint for alarm in judge(sick, MINIMAX)] == [False, False, False, True]


def test_the_evidence_is_in_numbers() -> None:
    (alarm,) = judge(HEALTHY | {"js_bound": 0.65, "accuracy": 0.99}, RING)
    assert alarm.evidence == "it proves a divergence of 0.650, 94% of log 2, and tells 99.0% of data and samples apart"
    (alarm,) = judge(HEALTHY | {"effective_modes": 4.3, "diversity": 0.6, "coverage": 0.5}, RING)
    assert alarm.evidence == (
        "samples are at 4.3 of 8 modes (exponential of the entropy), two samples are 0.60 times as far apart as two "
        "data, 50% of the data have a sample near them"
    )


@pytest.mark.parametrize(
    ("figures", "changed", "remedy"),
    [
        ({"js_bound": 0.65}, {}, "`game.instance_noise: {std: 0.07}`"),
        ({"js_bound": 0.65}, {"spread": 128.0}, "`game.instance_noise: {std: 10}`"),
        ({"js_bound": 0.65}, {"noise": True}, "a smaller step size of the discriminator"),
        ({"saturation": 0.01}, {"loss": "minimax"}, "`game.loss: nonsaturating`"),
        ({"diversity": 0.3}, {}, "`game.pack: 2`"),
        ({"diversity": 0.3}, {"pack": 2}, "`game.pack: 4`"),
        ({"diversity": 0.3}, {"pack": 2, "beta1": 0.9}, "a lower `beta1` of both optimizers, 0.5"),
        ({"path_ratio": 0.1}, {}, "`game.ema: {decay: 0.99}`"),
        ({"path_ratio": 0.1}, {"ema": True}, "`schedule: linear`"),
        ({"path_ratio": 0.1}, {"ema": True, "decays": True}, "a smaller step size of both players"),
    ],
)
def test_a_remedy_is_one_change_that_was_not_made(
    figures: dict[str, float], changed: dict[str, Any], remedy: str
) -> None:
    (alarm,) = judge(HEALTHY | figures, dataclasses.replace(RING, **changed))
    assert alarm.remedy.startswith(remedy)


def seen(looks: list[dict[str, float]], watch: Watch | None = None, every: int = 100) -> list[tuple[list[str], int]]:
    """Names that ring at each look, and how many are fresh."""
    watch = watch or Watch(MINIMAX)
    found = []
    for number, look in enumerate(looks):
        ringing, fresh = watch.see(number * every, HEALTHY | look)
        found.append(([alarm.name for alarm in ringing], len(fresh)))
    return found


LOW = {"saturation": 0.01}


def test_an_alarm_needs_two_looks_in_a_row_and_is_rung_once() -> None:
    assert seen([{}, LOW, {}, LOW, {}]) == [([], 0)] * 5
    assert seen([{}, LOW, LOW, LOW]) == [([], 0), ([], 0), ([VANISHING], 1), ([VANISHING], 0)]


def test_an_alarm_ends_after_two_looks_without_it() -> None:
    assert seen([{}, LOW, LOW, {}, LOW])[3:] == [([], 0), ([VANISHING], 0)]
    assert seen([{}, LOW, LOW, {}, {}, LOW, LOW])[5:] == [([], 0), ([VANISHING], 1)]


def test_nothing_counts_while_a_game_warms_up() -> None:
    narrow = {"diversity": 0.2}
    assert [bool(ringing) for ringing, _ in seen([narrow] * 6, every=100)] == [False] * 4 + [True] * 2
    assert [bool(ringing) for ringing, _ in seen([LOW] * 4, every=100)] == [False] * 2 + [True] * 2


def test_the_memory_can_be_stored() -> None:
    looks = [{}, LOW, {}, LOW, LOW, {"diversity": 0.1}, {"diversity": 0.1} | LOW, {}, {}, LOW, LOW]
    whole = seen(looks)
    for cut in range(1, len(looks)):
        first, second = Watch(MINIMAX), Watch(MINIMAX)
        before = seen(looks[:cut], first)
        second.restore(json.loads(json.dumps(first.state())))
        after = []
        for number, look in enumerate(looks[cut:], cut):
            ringing, fresh = second.see(number * 100, HEALTHY | look)
            after.append(([alarm.name for alarm in ringing], len(fresh)))
        assert before + after == whole
