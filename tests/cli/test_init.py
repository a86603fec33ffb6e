"""The contract of `nncli init`: what it writes and prints, what it refuses, and that nothing is half-written."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from nncli.spec.files import shipped, shipped_names
from nncli.spec.schema import json_schema
from nncli.starter import files
from nncli.starter.examples import example, listing
from tests.cli.conftest import Runner
from tests.data.files import ROOT
from tests.starter.made import houses, tiny


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder beside one of data, as the current one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_configuration_for_data(run: Runner, here: Path) -> None:
    tiny(here.parent)
    result = run("init", "--data", "../tiny.csv")
    assert result.code == 0
    assert result.out == "nncli train tiny.yaml\n"
    assert "20 rows of 4 numbers" in result.err
    assert "one of 2 classes (no, yes), 10 samples of each" in result.err
    assert names(here) == ["nncli.schema.json", "tiny.yaml"]
    lines = (here / "tiny.yaml").read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=nncli.schema.json"
    assert "      path: ../tiny.csv" in lines
    assert run("validate", "tiny.yaml").code == 0
    assert run("train", "tiny.yaml", "--dry-run").code == 0


def test_the_schema_is_the_one_of_nncli_schema(run: Runner, here: Path) -> None:
    run("init", "--data", tiny(here.parent), "-q")
    written = (here / "nncli.schema.json").read_text()
    assert run("schema").out == written
    assert json_schema()["title"] in written


def test_a_schema_that_is_there_stays(run: Runner, here: Path) -> None:
    (here / "nncli.schema.json").write_text("{}")
    assert run("init", "--data", tiny(here.parent), "--json").json["written"] == ["tiny.yaml"]
    assert (here / "nncli.schema.json").read_text() == "{}"


def test_without_a_schema(run: Runner, here: Path) -> None:
    assert run("init", "--data", tiny(here.parent), "--no-schema", "-o", "a.yaml").code == 0
    assert names(here) == ["a.yaml"]
    assert (here / "a.yaml").read_text().startswith("# Written by `nncli init` from ")


def test_json(run: Runner, here: Path) -> None:
    result = run("init", "--data", houses(here.parent), "--target", "kind", "--test", "0.3", "--json")
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert (document["config"], document["kind"], document["form"]) == ("houses.yaml", "csv", "table")
    assert document["target"]["classes"] == ["a", "b", "rare"]
    assert document["samples"] == {"train": 1200}
    assert document["next"] == "nncli train houses.yaml"
    assert "test: 0.3 # 30%" in (here / "houses.yaml").read_text()


def test_nothing_is_overwritten_unasked(run: Runner, here: Path) -> None:
    data = tiny(here.parent)
    (here / "tiny.yaml").write_text("mine")
    result = run("init", "--data", data)
    assert result.code == 7
    assert "tiny.yaml: the file exists" in result.err
    assert "--force" in result.err
    assert (here / "tiny.yaml").read_text() == "mine"
    assert names(here) == ["tiny.yaml"]
    assert run("init", "--data", data, "--force").code == 0
    assert "csv:" in (here / "tiny.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "give --data PATH, or --example NAME"),
        (["--data", "x", "--example", "iris"], 2, "exclude each other"),
        (["--example", "iris", "--target", "a"], 2, "are for --data"),
        (["--example", "digit_cnn"], 2, "did you mean 'digits_cnn'?"),
        (["--data", "../tinny.csv"], 3, "did you mean 'tiny.csv'?"),
        (["--data", "../tiny.csv", "--target", "kinds"], 2, "did you mean 'kind'?"),
        (["--data", "../tiny.csv", "--target", "y", "--task", "values"], 3, "no numbers to predict"),
        (["--data", "../tiny.csv", "--test", "30"], 2, "--test 30"),
        (["--data", "../tiny.csv", "--test", "gone.csv"], 3, "no such file"),
        (["--data", "../tiny.csv", "-o", "no/such/x.yaml"], 7, "no such folder"),
        (["--data", "../tiny.csv", "-o", ".."], 7, "is a folder"),
        (["--data", "."], 3, "the folder is empty"),
    ],
)
def test_what_is_refused_leaves_nothing(run: Runner, here: Path, arguments: list[str], code: int, said: str) -> None:
    tiny(here.parent)
    result = run("init", *arguments)
    assert result.code == code
    assert said in result.err
    assert names(here) == []
    as_json = run("init", *arguments, "--json")
    assert as_json.json["exit_code"] == code


def test_where_the_file_cannot_be_written_nothing_stays(
    run: Runner, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last file of three fails: those before it are taken away again."""
    from nncli.checkpoint import replace
    from nncli.errors import OutputError

    def failing(path: Path, *parts: bytes, **more: str) -> None:
        if path.suffix == ".yaml":
            raise OutputError("no space left")
        replace(path, *parts, **more)

    monkeypatch.setattr(files, "replace", failing)
    assert run("init", "--example", "digits_cnn").code == 7
    assert list(here.iterdir()) == []


# -- examples ----------------------------------------------------------------------------------------------------------


def test_examples_are_listed(run: Runner) -> None:
    result = run("init", "--example")
    assert result.code == 0
    shown = run("init", "--example", "--json").json["examples"]
    assert [entry["name"] for entry in shown] == shipped_names()
    assert all(name in result.out for name in shipped_names())
    for name, about in listing().items():
        assert 10 < len(about) <= 100, name
        assert about.count('"') % 2 == 0
        assert about.count("(") == about.count(")")


def test_an_example_has_its_data_beside_it(run: Runner, here: Path) -> None:
    document = run("init", "--example", "digits_cnn", "--json").json
    assert names(here) == ["data/digits.npz", "digits_cnn.yaml", "nncli.schema.json"]
    assert sorted(document["written"]) == names(here)
    assert (here / "data" / "digits.npz").read_bytes() == (ROOT / "data" / "digits.npz").read_bytes()
    assert run("validate", "digits_cnn.yaml").code == 0
    assert "#   nncli train digits_cnn.yaml\n" in (here / "digits_cnn.yaml").read_text()
    again = run("init", "--example", "digits_gan", "--json").json
    assert again["written"] == ["digits_gan.yaml"]
    assert again["next"] == "nncli gan digits_gan.yaml"


def test_other_data_are_not_replaced(run: Runner, here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "digits.npz").write_bytes(b"mine")
    assert run("init", "--example", "digits_cnn").code == 7
    assert names(here) == ["data/digits.npz"]
    assert (here / "data" / "digits.npz").read_bytes() == b"mine"


def test_an_example_finds_data_beside_its_folder(run: Runner, here: Path) -> None:
    """As in a copy of the repository: nothing is copied, and the paths stay."""
    (here.parent / "data").symlink_to(ROOT / "data")
    assert run("init", "--example", "digits_cnn", "-o", "mine.yaml").code == 0
    assert names(here) == ["mine.yaml", "nncli.schema.json"]
    assert "path: ../data/digits.npz" in (here / "mine.yaml").read_text()


@pytest.mark.parametrize("name", shipped_names())
def test_every_example_is_what_ships_but_for_its_paths(name: str, tmp_path: Path) -> None:
    found = example(name, tmp_path / "x.yaml")
    path = shipped(name)
    assert path is not None
    theirs, ours = path.read_text().splitlines(), found.text.splitlines()
    assert "../data" not in found.text
    assert "configs/" not in found.text
    assert len(ours) == len(theirs)
    changed = [line for line, other in zip(ours, theirs, strict=True) if line != other]
    assert all(re.search(r"data/|nncli (train|gan) |beside this file", line) for line in changed)


# -- questions ---------------------------------------------------------------------------------------------------------


def talk(folder: Path, answers: dict[str, str], *arguments: str) -> tuple[int, str]:
    """The exit code and what a terminal shows, where each question is answered once it is asked."""
    main, child = pty.openpty()
    code = "from nncli.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "init", *arguments],
        cwd=folder, stdin=child, stdout=child, stderr=child, env=environment,
    )  # fmt: skip
    os.close(child)
    seen, asked = "", 0
    while True:
        if not select.select([main], [], [], 60)[0]:
            process.kill()
            raise AssertionError(f"no answer after {seen!r}")
        try:
            seen += os.read(main, 4096).decode()
        except OSError:  # the other end is closed
            break
        for question, answer in answers.items():
            place = seen.find(question, asked)
            if place >= 0 and seen.rstrip(" ").endswith(":"):
                os.write(main, f"{answer}\n".encode())
                asked = len(seen)
    os.close(main)
    return process.wait(), seen


def test_it_asks_on_a_terminal(here: Path) -> None:
    houses(here)
    code, seen = talk(here, {"Where are the data?": "", "What is to be predicted?": "kind", "Which file": ""})
    assert code == 0, seen
    assert "[houses.csv]" in seen
    assert "[price]" in seen
    assert "target: kind" in (here / "houses.yaml").read_text()


def test_it_offers_an_example_on_a_terminal(here: Path) -> None:
    code, seen = talk(here, {"Where are the data?": "", "Which example?": "", "Which file": ""})
    assert code == 0, seen
    assert "[digits_cnn]" in seen
    assert names(here) == ["data/digits.npz", "digits_cnn.yaml", "nncli.schema.json"]
