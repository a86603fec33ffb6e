"""How often and how long, as users write it."""

from __future__ import annotations

import re

import pytest

from nncli import periods
from nncli.periods import Period, period, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("1h2m3s", 3723), ("0.5h", 1800), ("1.5s", 1.5)],
)
def test_a_time(text: str, expected: float) -> None:
    assert seconds(text) == expected
    assert period(text, "epochs") == Period(expected, "seconds")
    assert re.search(periods.PATTERN, text)


@pytest.mark.parametrize(
    "text", ["", "h", "10", "10 m", "10min", "m10", "30s10m", "-3s", "1e3s", "0s", "0h0m", "1:30", "٣s", "10m\n10m"]
)
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="as a time write"):
        seconds(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, Period(3, "epochs")),
        ("200 steps", Period(200, "steps")),
        ("1 step", Period(1, "steps")),
        ("5 epochs", Period(5, "epochs")),
        ("1 epoch", Period(1, "epochs")),
    ],
)
def test_a_period(value: int | str, expected: Period) -> None:
    assert period(value, "epochs") == expected


@pytest.mark.parametrize("text", ["0 steps", "200steps", "2.5 steps", "-1 steps", "3 batches", "200 step s", "5"])
def test_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="neither `200 steps` nor"):
        period(text, "epochs")
    assert not re.search(periods.PATTERN, text)


def test_a_number_alone_counts_what_is_usual() -> None:
    assert period(3, "steps") == Period(3, "steps")
    assert period("3 epochs", "steps") == Period(3, "epochs")


def test_a_game_has_no_epochs() -> None:
    assert periods.checked_of_game("200 steps") == "200 steps"
    with pytest.raises(ValueError, match="a game has no epochs"):
        periods.checked_of_game("5 epochs")
