"""Every faulty configuration of the table: all its faults in one run, each with its place, its words and its hint."""

from __future__ import annotations

import pytest

from tests.spec.bad_configs import MARK, ROWS, Row, found, places


@pytest.mark.parametrize("name", ROWS)
def test_all_faults_are_told_exactly(name: str) -> None:
    row = ROWS[name]
    assert MARK not in row.text
    assert found(row.text, "bad.yaml") == row.lines("bad.yaml")


def test_places_are_those_of_what_follows_the_mark() -> None:
    marked = "a: §1\nbc: {d: §x, e: §y}\n"
    lines = marked.replace(MARK, "").splitlines()
    assert [lines[line - 1][column - 1] for line, column in places(marked)] == ["1", "x", "y"]


def test_a_wrong_row_is_noticed() -> None:
    """The comparison fails on a wrong column, a wrong word, a missing fault and one too many."""
    truth = Row("seed: §-1", (("seed: must be at least 0, found -1", ""),))
    assert found(truth.text, "bad.yaml") == truth.lines("bad.yaml")
    for wrong in (
        Row("seed: -§1", truth.faults),
        Row("seed: §-1", (("seed: must be at least 1, found -1", ""),)),
        Row("seed: -1", ()),
        Row("§seed: §-1", truth.faults * 2),
    ):
        assert found(wrong.text, "bad.yaml") != wrong.lines("bad.yaml")


@pytest.mark.parametrize("name", ROWS)
def test_messages_stay_on_one_line(name: str) -> None:
    for line, hint in ROWS[name].lines("bad.yaml"):
        assert (line + hint).isprintable()
