from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from nncli.cli import main


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Runner(Protocol):
    def __call__(self, *arguments: object) -> Result: ...


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    """Call the command line in this process; returns its exit code and what it wrote."""

    def call(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        code = caught.value.code
        assert isinstance(code, int)
        return Result(code, written.out, written.err)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `small.yaml` and a finished run of it, `run`."""
    from tests.training.runs import train, write_config

    folder = tmp_path_factory.mktemp("trained")
    train(write_config(folder), out=folder / "run")
    return folder
