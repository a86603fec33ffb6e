"""The campaign of wrong and hostile input: what it would notice, that it can be repeated, and a small part of it."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.benchmarks.fuzz import campaign, verdict, workers
from tests.benchmarks.fuzz.verdict import Answer, Ask, judged
from tests.benchmarks.fuzz.workers import Result, run_case, run_cases

ASK = Ask(("train", "case.yaml"), frozenset({0, 3}), ("case.yaml",), 1000)
FINE = "error: case.yaml:3:1: seed: unknown\n  hint: none\n"


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (Answer(0, "done", ""), []),
        (Answer(3, "", FINE), []),
        (Answer(2, "", FINE), ["exit 2"]),
        (Answer(1, "", "error: unexpected ValueError: case.yaml\n"), ["exit 1", "foreign words"]),
        (Answer(3, "", FINE + "Traceback (most recent call last):\n"), ["foreign words"]),
        (Answer(3, "", ""), ["no reason"]),
        (Answer(3, "", "error: something is wrong\n"), ["no name"]),
        (Answer(3, "", "error: case.yaml: \x1b[31mred\n"), ["unprintable"]),
        (Answer(3, "", "error: case.yaml: " + "x" * 5000 + "\n"), ["flood"]),
        (Answer(0, "", "", seconds=11.0), ["hang"]),
        (Answer(0, "", "", peak=verdict.FREE + 30_000), ["memory"]),
    ],
)
def test_what_is_noticed_of_an_answer(answer: Answer, kinds: list[str]) -> None:
    assert [find.kind for find in judged(ASK, answer)] == kinds


def test_reasons_in_a_document_count_too() -> None:
    ask = Ask(("train", "case.yaml", "--json"), frozenset({3}), ("a.npz",), 0)
    fault = '{"file": "a.npz", "line": null, "column": null, "path": null, "message": "no", "hint": null}'
    assert judged(ask, Answer(3, f'{{"faults": [{fault}]}}', "")) == []
    assert [find.kind for find in judged(ask, Answer(3, "{", ""))] == ["no reason"]


def raises() -> None:
    raise ZeroDivisionError("planted")


def loops() -> None:
    while True:
        pass


def waits() -> None:
    time.sleep(60)


def takes() -> None:
    bytearray(verdict.FREE + 2**24)
    sys.exit(0)


def dies() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def well() -> None:
    sys.exit(0)


@pytest.mark.parametrize(
    ("planted", "kind"),
    [(raises, "raised"), (loops, "hang"), (waits, "hang"), (takes, "memory"), (dies, "crash"), (well, "")],
)
def test_a_planted_fault_is_laid_at_its_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: Callable[[], None], kind: str
) -> None:
    """In case 2 of 5 alone; those after it are run all the same."""

    def command(words: list[str]) -> None:
        planted() if words == ["2"] else sys.exit(0)

    def case(rng: random.Random, folder: Path) -> Generator[Ask, Answer, None]:
        yield ASK

    def numbered(case: object, name: str, number: int, *rest: object) -> Result:
        def with_number(rng: random.Random, folder: Path) -> Generator[Ask, Answer, None]:
            yield Ask((str(number),), frozenset({0}), (), 0)

        return run_case(with_number, name, number, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "main", command)
    monkeypatch.setattr(workers, "run_case", numbered)
    monkeypatch.setattr(workers, "SECONDS", 0.3)
    found = {
        result.number: [find.kind for find in result.finds]
        for result in run_cases(case, "planted", range(5), 0, tmp_path, 2, limit=1.5)
    }
    assert found == {0: [], 1: [], 2: [kind] if kind else [], 3: [], 4: []}


def test_what_nncli_says_of_a_planted_bug_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that raises what nobody foresaw: exit code 1."""
    from nncli.data.sources import idx

    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(idx, "_read_header", broken)
    result = run_case(campaign.FORMATS["idx"](tmp_path), "idx", 0, 0, tmp_path / "case")
    assert {find.kind for find in result.finds} == {"exit 1", "foreign words", "no name"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", ["configs", "npz", "images", "csv"])
def test_a_case_is_the_same_each_time(tmp_path: Path, name: str) -> None:
    (tmp_path / "shared").mkdir()
    case = campaign.FORMATS[name](tmp_path / "shared")
    made = []
    for number in (3, 3, 4):
        folder = tmp_path / "case"
        run_case(case, name, number, 0, folder)
        made.append(contents(folder))
    assert made[0] == made[1]
    assert made[0] != made[2]


SMALL = {"configs": 30, "npz": 60, "idx": 50, "cifar10": 20, "csv": 60, "images": 40, "wav": 40}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_campaign_finds_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "shared").mkdir()
    case = campaign.FORMATS[name](tmp_path / "shared")
    results = list(run_cases(case, name, range(10**6, 10**6 + SMALL[name]), 1, tmp_path / "work", 1))
    assert len(results) == SMALL[name]
    assert [find for result in results for find in result.finds] == []
    assert {0, 2 if name == "configs" else 3} <= {code for result in results for code in result.codes}


def test_a_small_campaign_of_checkpoints_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    case = campaign.FORMATS["contents"](tmp_path / "shared")
    for result in run_cases(case, "contents", range(5), 1, tmp_path / "work", 1):
        assert result.finds == [], result


def test_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def case(folder: Path) -> workers.Case:
        def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
            yield Ask(("planted",), frozenset({0}), (), 0)

        return asked

    monkeypatch.setattr(campaign, "FORMATS", {"one": case})
    monkeypatch.setattr(workers, "main", lambda words: sys.exit(5))
    assert campaign.report({"one": 3}, 0, 2) == 3
    said = capsys.readouterr().out
    assert "one: 3 cases, 3 commands" in said
    assert "exit codes 5: 3" in said
    assert "3 × exit 5" in said
    assert "3 × no reason" in said
