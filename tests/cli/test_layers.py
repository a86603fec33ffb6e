"""`nncli layers` and `nncli schema` as commands: width, plain text, JSON, files, start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from nncli import registry
from nncli.report.reference import broken
from nncli.spec import decode
from tests.cli.conftest import Runner
from tests.training.runs import ROOT

assert decode.__name__ == "nncli.spec.decode"
NAMES = sorted({name for table in registry.KINDS.values() for name in table})


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_list_has_every_name(run: Runner) -> None:
    result = run("layers")
    assert result.code == 0
    assert result.err == ""
    words = result.out.split()
    assert all(name in words for name in NAMES)
    assert all(f"\n{kind}" in "\n" + result.out for kind in ("layers", "losses", "preprocessing steps"))
    fits(result.out)


@pytest.mark.parametrize("name", NAMES)
def test_a_page(run: Runner, name: str) -> None:
    result = run("layers", name)
    assert result.code == 0
    assert result.out.startswith(f"{name}  ")
    assert "Shortest form" in result.out
    fits(result.out)


def fits(text: str) -> None:
    assert "\x1b" not in text
    for line in text.splitlines():
        assert cell_len(line) <= 80  # a combining accent takes no column of its own
        assert line == line.rstrip()


def test_json(run: Runner) -> None:
    document = run("layers", "--json").json
    assert {"name": "relu", "summary": "Rectified linear unit: ``y = max(0, x)``."} in document["layer"]
    (page,) = run("layers", "dense", "--json").json["parts"]
    assert (page["name"], page["kind"]) == ("dense", "layer")
    units = page["fields"][0]
    assert (units["name"], units["type"], units["required"]) == ("units", "a whole number from 1", True)
    assert {part["title"] for part in page["text"]} == {"", "Shapes", "Gradients", "Raises", "Source"}
    assert page["examples"]["short"] == "network:\n  - dense: 10"


def test_an_unknown_name(run: Runner) -> None:
    result = run("layers", "dens")
    assert (result.code, result.out) == (2, "")
    assert "nothing is called 'dens'" in result.err
    assert "did you mean 'dense'?" in result.err


def test_long_formulas_break_at_their_gaps() -> None:
    assert list(broken("a = b        c = d", 40)) == ["a = b        c = d"]
    assert list(broken("a = b        c = d", 10)) == ["a = b", "  c = d"]
    assert list(broken("  aa bb cc", 8)) == ["  aa bb", "    cc"]
    assert list(broken("x" * 30, 8)) == ["x" * 30]


def test_schema(run: Runner, tmp_path: Path) -> None:
    shown = run("schema")
    assert shown.code == 0
    assert shown.json["$schema"] == "http://json-schema.org/draft-07/schema#"
    path = tmp_path / "nncli.schema.json"
    assert run("schema", "-o", path).out == ""
    assert json.loads(path.read_text()) == shown.json
    assert run("schema", "--output", path, "--json").json["schema"] == str(path)
    refused = run("schema", "-o", tmp_path / "none" / "x.json")
    assert refused.code == 7
    assert "cannot be written: No such file or directory" in refused.err


@pytest.mark.parametrize("command", [["schema"], ["layers"], ["layers", "conv2d"]])
def test_no_scipy(command: list[str]) -> None:
    code = (
        "import sys\nfrom nncli.cli import main\n"
        f"try:\n    main({command!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print('SCIPY', any(name.partition('.')[0] in ('scipy', 'h5py') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.endswith("SCIPY False\n")
