"""The contract of the commands: exit codes, streams, JSON, environment variables, folders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Runner
from tests.training.runs import CONFIG, ROOT, contents, write_config

COMMANDS = [
    "train",
    "data",
    "eval",
    "gan",
    "init",
    "inspect",
    "layers",
    "plot",
    "sample",
    "schema",
    "summary",
    "validate",
    "verify-resume",
]
HEAVY = {"numpy", "scipy", "h5py", "pydantic", "rich", "yaml", "threadpoolctl", "matplotlib", "PIL"}


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    for arguments in (["--help"], ["--version"], ["train", "--help"]):
        code = (
            "import sys\nfrom nncli.cli import main\n"
            f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
            "print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        modules = set(done.stdout.partition("MODULES")[2].split())
        assert "click" in modules
        assert modules & HEAVY == set()
        if arguments == ["--help"]:
            assert all(f"  {command} " in done.stdout for command in COMMANDS)


def test_validate_imports_no_scipy(trained: Path) -> None:
    code = (
        "import sys\nfrom nncli.cli import main\n"
        f"try:\n    main(['validate', {str(trained / 'small.yaml')!r}])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print('SCIPY', any(name.partition('.')[0] == 'scipy' for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "SCIPY False" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Runner, command: str) -> None:
    for flag in ("-h", "--help"):
        result = run(command, flag)
        assert result.code == 0
        assert result.out.startswith(f"Usage: nncli {command}")


def test_version(run: Runner) -> None:
    import nncli

    assert run("--version").out == f"nncli {nncli.__version__}\n"


def test_train_json(run: Runner, tmp_path: Path) -> None:
    result = run("train", write_config(tmp_path), "--json", "--epochs", 2, "--out", tmp_path / "run")
    assert result.code == 0
    assert result.err == ""
    document = result.json
    assert {"run", "checkpoint", "best", "epochs", "steps", "seconds", "metrics"} <= set(document)
    assert (document["epochs"], document["steps"]) == (2, 16)
    assert set(document["metrics"]) == {"train", "validation", "test"}
    assert set(document["metrics"]["test"]) == {"loss", "accuracy"}
    assert Path(document["checkpoint"]).exists()
    assert Path(document["best"]).exists()


def test_train_on_a_pipe_is_one_line_per_epoch(run: Runner, tmp_path: Path) -> None:
    result = run("train", write_config(tmp_path), "--out", tmp_path / "run")
    assert result.code == 0
    epochs = [line for line in result.err.splitlines() if line.startswith("epoch ")]
    assert len(epochs) == 3
    assert all("train loss" in line and "validation loss" in line and "samples/s" in line for line in epochs)
    assert "\x1b" not in result.err + result.out
    assert "\r" not in result.err
    assert "last.h5" in result.out
    assert "epoch" not in result.out.splitlines()[0]


def test_quiet_says_nothing(run: Runner, tmp_path: Path) -> None:
    result = run("train", write_config(tmp_path), "--quiet", "--out", tmp_path / "run")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert (tmp_path / "run" / "last.h5").exists()


def test_dry_run_writes_nothing(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    result = run("train", config, "--dry-run")
    assert result.code == 0
    assert "nothing was written" in result.out
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]
    document = run("train", config, "--dry-run", "--json").json
    assert document["steps_per_epoch"] == 8
    assert document["run"] == "runs/small"


def test_eval_json(run: Runner, trained: Path) -> None:
    document = run("eval", trained / "run", "--json").json
    assert {"checkpoint", "split", "samples", "loss", "metrics"} <= set(document)
    assert (document["split"], document["samples"]) == ("test", 1797)
    assert 0 <= document["metrics"]["accuracy"] <= 1


def test_eval_agrees_with_train(run: Runner, tmp_path: Path) -> None:
    trained = run("train", write_config(tmp_path), "--json", "--out", tmp_path / "run").json["metrics"]
    for split in ("validation", "test"):
        document = run("eval", tmp_path / "run" / "last.h5", "--split", split, "--json").json
        assert {"loss": document["loss"], **document["metrics"]} == trained[split]


def test_a_run_is_found_from_any_folder(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths of a configuration are relative to its file, also for what goes on from the checkpoint."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "data").symlink_to(ROOT / "data")
    config = write_config(tmp_path / "configs", CONFIG.replace("{digits}", "../data/digits.npz"))
    monkeypatch.chdir(tmp_path)
    assert run("train", config.relative_to(tmp_path), "--epochs", 1, "--out", "run", "-q").code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("eval", "../run").code == 0
    assert run("train", "--resume", "../run", "--epochs", 2, "-q").code == 0


def test_eval_on_other_data(run: Runner, trained: Path) -> None:
    source = f"npz: {{path: {ROOT}/data/digits.npz, x: x_test, y: y_test}}"
    document = run("eval", trained / "run", "--data", source, "--json").json
    expected = run("eval", trained / "run", "--json").json
    assert document["loss"] == expected["loss"]


def test_eval_of_a_split_that_is_not_there(run: Runner, tmp_path: Path) -> None:
    text = "\n".join(line for line in CONFIG.splitlines() if not line.strip().startswith("test:"))
    run("train", write_config(tmp_path, text), "--epochs", 1, "--out", tmp_path / "run", "-q")
    result = run("eval", tmp_path / "run", "--split", "test")
    assert result.code == 2
    assert "no test split" in result.err
    assert run("eval", tmp_path / "run", "--json").json["split"] == "validation"


def test_inspect(run: Runner, trained: Path) -> None:
    result = run("inspect", trained / "run" / "last.h5")
    assert result.code == 0
    assert "conv2d_1" in result.out
    assert "4×1×3×3" in result.out
    document = run("inspect", trained / "run", "--json").json
    assert {entry["parameter"] for entry in document["parameters"]} == {"W", "b"}
    assert document["progress"]["step"] == 24
    assert len(document["history"]) == 3
    assert document["averaged"] == document["state"] == []


def test_inspect_shows_the_average_and_running_statistics(run: Runner, tmp_path: Path) -> None:
    text = CONFIG.replace("  - relu\n", "  - batch_norm\n  - relu\n").replace("epochs: 3", "ema: 0.9, epochs: 3")
    run("train", write_config(tmp_path, text), "--epochs", 1, "--out", tmp_path / "run", "-q")
    document = run("inspect", tmp_path / "run", "--json").json
    assert [entry["state"] for entry in document["state"]] == ["mean", "variance"]
    assert {entry["node"] for entry in document["averaged"]} == {"conv2d_1", "batch_norm_1", "dense_1"}
    shown = run("inspect", tmp_path / "run").out
    assert "averaged weights" in shown
    assert "variance" in shown


def test_summary(run: Runner, trained: Path) -> None:
    document = run("summary", trained / "small.yaml", "--json").json
    assert {"nodes", "parameters", "flops", "memory_bytes"} <= set(document)
    shapes = {node["name"]: node["output"] for node in document["nodes"]}
    assert shapes == {
        "conv2d_1": [4, 8, 8],
        "relu_1": [4, 8, 8],
        "max_pool2d_1": [4, 4, 4],
        "flatten_1": [64],
        "dropout_1": [64],
        "dense_1": [10],
    }
    assert document["parameters"] == 4 * 9 + 4 + 640 + 10
    assert [node["algorithm"] for node in document["nodes"]] == ["gemm", None, None, None, None, None]
    text = run("summary", trained / "small.yaml")
    assert "conv2d_1" in text.out
    assert "gemm" in text.out
    assert max(map(len, text.out.splitlines())) <= 80


def test_summary_without_data(run: Runner, tmp_path: Path) -> None:
    config = tmp_path / "net.yaml"
    config.write_text("input: {shape: [1, 28, 28], classes: 10}\nnetwork: [flatten, {dense: 10}]\n")
    assert run("summary", config, "--json").json["parameters"] == 7850


@pytest.mark.parametrize("command", ["validate", "summary"])
def test_missing_data_where_input_stands_in(run: Runner, tmp_path: Path, command: str) -> None:
    config = tmp_path / "net.yaml"
    text = "data: {train: {npz: nothere.npz}}\nnetwork: [flatten, {dense: 10}]\nloss: softmax_cross_entropy\n"
    config.write_text(f"input: {{shape: [1, 8, 8], classes: 10}}\n{text}")
    result = run(command, config)
    assert result.code == 0
    told = f"{tmp_path / 'nothere.npz'}: no such file"
    assert result.err == f"warning: {told}; `input` stands in for the data\n"
    assert run(command, config, "--json").json["missing"] == told
    (tmp_path / "nothere.npz").write_bytes(b"")
    assert run(command, config).code == 3
    config.write_text(text)
    (tmp_path / "nothere.npz").unlink()
    assert run(command, config).code == 3
    assert run("train", config, "--dry-run").code == 3


def test_validate(run: Runner, trained: Path, tmp_path: Path) -> None:
    assert run("validate", trained / "small.yaml").code == 0
    assert run("validate", trained / "small.yaml", "--json").json["valid"] is True
    bad = write_config(tmp_path, CONFIG.replace("kernel: 3", "kernal: 3"))
    result = run("validate", bad)
    assert result.code == 2
    assert "kernal: unknown field" in result.err
    assert "did you mean 'kernel'?" in result.err


def test_precedence_of_file_environment_and_command_line(
    run: Runner, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def epochs(*options: object) -> int:
        return int(run("train", trained / "small.yaml", "--dry-run", "--json", *options).json["epochs"])

    assert epochs() == 3
    monkeypatch.setenv("NNCLI_TRAIN_EPOCHS", "5")
    assert epochs() == 5
    assert epochs("--epochs", 7) == 7
    assert epochs("--set", "train.epochs=8") == 8
    monkeypatch.setenv("NNCLI_TRAIN_SET", "train.epochs=9")
    monkeypatch.delenv("NNCLI_TRAIN_EPOCHS")
    assert epochs() == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "give a CONFIG"),
        (["train", "x.yaml", "--frob"], "No such option"),
        (["frob"], "No such command"),
        (["train", "nothere.yaml"], "nothere.yaml"),
        (["train", "x.yaml", "--epochs", "0"], "epochs"),
        (["train", "x.yaml", "--resume", "r", "--out", "o"], "exclude"),
        (["eval", "x.h5", "--split", "test", "--data", "npz: x"], "exclude"),
    ],
)
def test_wrong_usage(run: Runner, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert words in result.err
    as_json = run(*arguments, "--json")
    assert as_json.code == 2
    assert as_json.err == ""
    document = as_json.json
    assert document["exit_code"] == 2
    assert set(document["faults"][0]) == {"file", "line", "column", "path", "message", "hint"}


def test_a_config_that_ships_is_hinted_at(run: Runner) -> None:
    result = run("train", "nowhere/digits_cnn.yaml")
    assert result.code == 2
    assert str(Path("configs") / "digits_cnn.yaml") in result.err


@pytest.mark.parametrize("path", ["missing.h5", "."])
def test_no_checkpoint(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("eval", "inspect"):
        assert run(command, path).code == 6


def test_missing_data(run: Runner, tmp_path: Path) -> None:
    config = write_config(tmp_path, CONFIG.replace("{digits}", "nothere.npz", 1))
    result = run("train", config, "--out", tmp_path / "run")
    assert result.code == 3
    assert "nothere.npz" in result.err
    assert not (tmp_path / "run").exists()


def test_output_that_cannot_be_written(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("train", write_config(tmp_path), "--out", tmp_path / "file" / "run")
    assert result.code == 7
    result = run("train", write_config(tmp_path), "--out", tmp_path / "file")
    assert result.code == 7
    assert result.err == f"error: {tmp_path / 'file'}: is a file, not a folder\n"


def test_a_run_is_locked_while_it_trains(run: Runner, tmp_path: Path) -> None:
    from nncli.training.supervised import open_run

    with open_run(write_config(tmp_path), None, (), tmp_path / "run") as opened:
        for event in opened.events():
            if getattr(event, "epoch", 0) == 2:
                break
        assert run("train", "--resume", tmp_path / "run").code == 7


def test_too_little_memory_is_found_before_anything_runs(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nncli.training import needs

    monkeypatch.setattr(needs, "available_memory", lambda: 10_000)
    result = run("train", write_config(tmp_path), "--out", tmp_path / "run")
    assert result.code == 2
    assert "memory" in result.err
    assert not (tmp_path / "run").exists()


def test_a_bug_is_reported_as_one(run: Runner, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncli.training import describe

    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(describe, "describe", broken)
    result = run("summary", trained / "small.yaml")
    assert result.code == 1
    assert "unexpected ZeroDivisionError: planted" in result.err
    assert "--debug" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("augment", ["[]", "[shift, elastic, mixup]"], ids=["plain", "augmented"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_writes_a_checkpoint_first(tmp_path: Path, number: int, code: int, augment: str) -> None:
    config = write_config(tmp_path)
    command = [sys.executable, "-c", "from nncli.cli import main; main()", "train", str(config), "--out"]
    run = tmp_path / "run"
    process = subprocess.Popen(
        [*command, str(run), "--epochs", "400", "--set", "schedule=constant", "--set", f"data.augment={augment}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch"):
            break
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "saved" in err
    found = contents(run / "last.h5")
    assert found["progress/step"] != contents(run / "best.h5")["progress/step"]


def test_a_closed_pipe_is_no_bug(trained: Path) -> None:
    command = f"{sys.executable} -c 'from nncli.cli import main; main()' inspect {trained / 'run'}"
    script = command + " | head -n 1; echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] in ("0", "7")


def test_json_errors_are_one_document(run: Runner, tmp_path: Path) -> None:
    bad = write_config(tmp_path, CONFIG.replace("epochs: 3", "epochs: 0").replace("dense: 10", "dens: 10"))
    result = run("train", bad, "--json")
    document = json.loads(result.out)
    assert result.code == document["exit_code"] == 2
    assert [fault["path"] for fault in document["faults"]] == ["network[5].dens", "train.epochs"]


def test_folds(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    dry = run("train", config, "--folds", 3, "--dry-run")
    assert dry.code == 0
    assert "the first of 3 folds:" in dry.out
    assert not (tmp_path / "runs").exists()
    result = run("train", config, "--folds", 3, "--epochs", 1, "--json")
    assert result.code == 0
    assert result.json["run"] == "runs/small"
    assert [one["run"] for one in result.json["folds"]] == [f"runs/small/fold-{n}" for n in (1, 2, 3)]
    assert set(result.json["metrics"]) == set(result.json["deviations"]) == {"train", "validation", "test"}
    shown = run("train", config, "--folds", 2, "--epochs", 1)
    assert shown.code == 0
    assert "fold 2 of 2" in shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["split", "fold", "loss", "accuracy"] in lines
    assert [line[:2] for line in lines if line[:1] == ["test"]] == [
        ["test", w] for w in ("1", "2", "mean", "deviation")
    ]
    assert "2 of 2 folds done" in shown.out
    assert "runs/small-2" in shown.out
    assert run("train", config, "--folds", 1).code == 2
    alone = run("train", "--resume", "runs/small", "--folds", 2)
    assert alone.code == 2
    assert "--folds needs the CONFIG" in alone.err
    assert run("train", config, "--resume", "runs/small/fold-1", "--folds", 2).code == 6


def test_names_of_classes_are_shown(run: Runner, tmp_path: Path) -> None:
    from tests.training.test_tables import CLASSES, write

    config = write(tmp_path, **CLASSES)
    assert run("train", config, "--epochs", 1, "--quiet", "--out", tmp_path / "run").code == 0
    shown = run("inspect", tmp_path / "run" / "last.h5")
    assert ["classes", "flat,", "house,", "tower"] in [line.split() for line in shown.out.splitlines()]
    assert run("inspect", tmp_path / "run" / "last.h5", "--json").json["class_names"] == ["flat", "house", "tower"]
