"""Plugins through the commands: a run that is trained, measured, resumed; what is refused; errors inside a plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Runner
from tests.spec.plugin_files import CONFIG, EVERY_KIND


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.py").write_text(EVERY_KIND)
    Path("my.yaml").write_text(CONFIG)


@pytest.mark.parametrize("command", ["train", "summary", "validate", "gradcheck"])
def test_without_leave(run: Runner, command: str) -> None:
    result = run(command, "my.yaml")
    assert result.code == 2
    assert result.out == ""
    assert "my.yaml:1:10: plugins: the configuration wants to run code of its own: my.py" in result.err
    assert "--plugins" in result.err
    assert run(command, "my.yaml", "--json").json["faults"][0]["path"] == "plugins"


@pytest.mark.parametrize("command", ["summary", "validate", "gradcheck"])
def test_with_leave(run: Runner, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    assert run(command, "my.yaml", "--plugins").code == 0
    assert run(command, "my.yaml").code == 2
    monkeypatch.setenv(f"NNCLI_{command.upper()}_PLUGINS", "1")
    assert run(command, "my.yaml").code == 0


def test_gradcheck_checks_the_layer(run: Runner) -> None:
    rows = run("gradcheck", "my.yaml", "--plugins", "--json").json["nodes"]
    assert [(row["type"], row["passed"]) for row in rows if row["type"] == "twice"] == [("twice", True)]
    Path("my.py").write_text(
        EVERY_KIND.replace("np.multiply(f.dy, self.factor", "np.multiply(f.dy, 1.001 * self.factor")
    )
    result = run("gradcheck", "my.yaml", "--plugins")
    assert result.code == 5
    assert "twice_1" in result.err


def test_a_run(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = run("train", "my.yaml", "--plugins", "--out", "run", "--json").json
    assert "my_metric" in document["metrics"]["train"]
    stored = run("inspect", "run", "--json").json["plugins"]
    assert list(stored) == ["my.py"]
    assert len(stored["my.py"]) == 64
    monkeypatch.chdir(tmp_path.parent)
    folder = tmp_path / "run"
    asked = run("eval", folder)
    assert asked.code == 2
    assert str(tmp_path / "my.py") in asked.err
    loss = run("eval", folder, "--plugins", "--json").json["loss"]
    assert run("train", "--resume", folder, "--epochs", 3, "--plugins", "--quiet").code == 0
    assert run("eval", folder, "--plugins", "--json").json["loss"] < loss
    with (tmp_path / "my.py").open("a") as file:
        file.write("# another version\n")
    for command in (("eval", folder), ("train", "--resume", folder, "--epochs", 4)):
        result = run(*command, "--plugins")
        assert result.code == 2
        assert "my.py has changed since the checkpoint was written" in result.err
        assert run(*command, "--changed-plugins").code == 0
    assert run("eval", folder, "--plugins").code == 0  # the run went on with the new version, which is now its own


def test_an_error_in_a_plugin_is_not_called_ours(run: Runner, tmp_path: Path) -> None:
    Path("my.py").write_text(EVERY_KIND.replace("np.multiply(f.x, self.factor, out=f.y)", "f.x.nothing"))
    result = run("train", "my.yaml", "--plugins")
    assert result.code == 2
    line = Path("my.py").read_text().splitlines().index("        f.x.nothing") + 1
    assert f"{tmp_path}/my.py:{line}:1: AttributeError" in result.err
    assert "fault of the plugin" in result.err


def test_a_traceback_only_when_asked_for(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.py").write_text("1 / 0\n")
    result = run("validate", "my.yaml", "--plugins")
    assert result.code == 2
    assert "Traceback" not in result.err
    from nncli.cli import main

    with pytest.raises(Exception, match=r"my\.py:1: ZeroDivisionError") as caught:
        main(["validate", "my.yaml", "--plugins", "--debug"])
    cause: BaseException | None = caught.value
    while cause is not None and not isinstance(cause, ZeroDivisionError):
        cause = cause.__cause__
    assert isinstance(cause, ZeroDivisionError)


def test_layers_and_schema(run: Runner) -> None:
    assert run("layers", "twice").code == 2
    page = run("layers", "twice", "--plugin", "my.py")
    assert page.code == 0
    assert "Each number times `factor`." in page.out
    assert '"twice"' in run("schema", "--plugin", "my.py").out
    assert '"twice"' not in run("schema").out
    bad = run("schema", "--plugin", "none.py")
    assert bad.code == 2
    assert "--plugin: no such file" in bad.err
