"""How often, and how long: a number of epochs or steps, or a time such as `30s`, `10m` or `1h30m`."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Unit = Literal["epochs", "steps", "seconds"]

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_TIME = re.compile(rf"(?=.)(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?")
_COUNTED = re.compile(r"([1-9][0-9]*) +(epoch|step)s?")
PATTERN = rf"^(?:{_COUNTED.pattern}|{_TIME.pattern})$"
"""What the JSON Schema can say of a period that is a text."""


class Period(NamedTuple):
    """Every so many epochs, steps or seconds."""

    amount: float
    unit: Unit


def seconds(text: str) -> float:
    """The seconds of a time: hours, minutes and seconds in this order, each with its letter.

    Raises ValueError where the text is none.
    """
    match = _TIME.fullmatch(text.strip())
    total = (
        0.0
        if match is None
        else sum(float(n or 0) * unit for n, unit in zip(match.groups(), (3600, 60, 1), strict=True))
    )
    if total <= 0:
        raise ValueError("as a time write `30s`, `10m`, `2h` or `1h30m`")
    return total


def period(value: int | str, alone: Unit) -> Period:
    """A period; a number alone counts `alone`. Raises ValueError where the text is none."""
    if isinstance(value, int):
        return Period(value, alone)
    if match := _COUNTED.fullmatch(value.strip()):
        return Period(int(match[1]), "epochs" if match[2] == "epoch" else "steps")
    try:
        return Period(seconds(value), "seconds")
    except ValueError as error:
        raise ValueError(f"neither `200 steps` nor `5 epochs` nor a time: {error}") from None


def checked(value: str) -> str:
    """The text of a period as it stands. Raises ValueError where it is none."""
    period(value, "epochs")
    return value


def checked_of_game(value: str) -> str:
    """As `checked`, for a game. Raises ValueError where it counts epochs too."""
    if period(value, "steps").unit == "epochs":
        raise ValueError("a game has no epochs: write `200 steps`, or a time such as `10m`")
    return value
