"""`nncli data fetch`: from a server on this machine, and what its errors and remedies are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nncli.fetch.catalogue import KNOWN
from nncli.spec import read_text
from tests.cli.conftest import Runner
from tests.data.files import DATASETS
from tests.fetch.server import Server, cut, status, whole
from tests.training.runs import ROOT

IRIS = DATASETS / "iris" / "iris.data"
needs_iris = pytest.mark.skipif(not IRIS.exists(), reason="the irises are not in ../shared/datasets/iris")


def test_the_list(run: Runner, tmp_path: Path) -> None:
    result = run("data", "fetch", "--list", "--cache", tmp_path)
    assert (result.code, result.err) == (0, "")
    assert all(f"\n{name} " in result.out for name in KNOWN)
    document = run("data", "fetch", "--list", "--cache", tmp_path, "--json").json
    assert [one["name"] for one in document["sets"]] == list(KNOWN)
    assert not any(one["fetched"] for one in document["sets"])


@needs_iris
def test_a_set_in_the_cache(run: Runner, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCLI_CACHE", str(tmp_path))
    server["/iris.data"] = [cut(IRIS.read_bytes(), 1000), whole(IRIS.read_bytes())]
    result = run("data", "fetch", "iris", "--mirror", server.address)
    assert result.code == 0
    assert "ended after 1,000 of 4,551 bytes" in result.err
    file = tmp_path / "datasets" / "iris" / "iris.data"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == KNOWN["iris"].files[0].sha256
    assert f"iris: 1 of 1 files fetched, in {file.parent}; licence: CC BY 4.0" in result.err
    config = read_text(result.out + "network: [dense: 3]\n").check()
    assert config.data is not None
    assert config.data.train.path == str(file)
    again = run("data", "fetch", "iris", "--json").json
    assert (again["fetched"], again["files"]) == ([], [{"file": str(file), "bytes": 4551}])
    (listed,) = (one for one in run("data", "fetch", "--list", "--json").json["sets"] if one["name"] == "iris")
    assert listed["fetched"]


@needs_iris
def test_settings_by_variables_and_a_file(
    run: Runner, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server["/iris/iris.data"] = whole(IRIS.read_bytes())
    (tmp_path / "mirrors.yaml").write_text(f'mirrors: {{"*": "{server.address}/{{set}}"}}')
    monkeypatch.setenv("NNCLI_DATA_FETCH_MIRROR", server.address + "/none")
    monkeypatch.setenv("NNCLI_DATA_FETCH_MIRRORS", str(tmp_path / "mirrors.yaml"))
    monkeypatch.setenv("NNCLI_DATA_FETCH_QUIET", "1")
    result = run("data", "fetch", "iris", "--to", tmp_path / "x")
    assert (result.code, result.err) == (0, "")
    assert [path for path, _, _ in server.asked] == ["/none/iris.data", "/iris/iris.data"]
    assert (tmp_path / "x" / "iris.data").exists()


def test_errors(run: Runner, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncli.fetch import catalogue, sets

    monkeypatch.setattr(catalogue, "KNOWN", {"iris": _from(server.address)})
    server["/uci/iris.data"] = status(404)
    result = run("data", "fetch", "iris", "--mirror", server.address, "--to", tmp_path / "x")
    assert result.code == 3
    assert result.err.count("answers 404 Not Found") == 3  # one told as it goes on, two in the end
    assert not (tmp_path / "x").exists()
    assert sets.ANY == "*"
    assert run("data", "fetch").code == 2
    assert run("data", "fetch", "iris", "--list").code == 2
    result = run("data", "fetch", "irs", "--json")
    assert (result.code, result.json["faults"][0]["message"]) == (2, "no data set 'irs' is known")
    assert run("data", "fetch", "iris", "--mirror", "ftp://x").code == 2
    (tmp_path / "file").write_text("")
    assert run("data", "fetch", "iris", "--to", tmp_path / "file").code == 7


def _from(address: str) -> object:
    import dataclasses

    return dataclasses.replace(KNOWN["iris"], addresses=(f"{address}/uci",))


@pytest.mark.parametrize(
    ("config", "command"),
    [
        ("mnist_lenet", "nncli data fetch mnist --to data/mnist"),
        ("cifar_allconv", "nncli data fetch cifar-10 --to data/cifar10"),
        ("iris", "nncli data fetch iris --to data/iris"),
        ("california_housing", "nncli data fetch california-housing --to data/california-housing"),
    ],
)
def test_the_remedy_of_a_missing_file(
    run: Runner, monkeypatch: pytest.MonkeyPatch, config: str, command: str, tmp_path: Path
) -> None:
    """From the folder above `configs` it puts the files where the configurations look for them."""
    text = (ROOT / "configs" / f"{config}.yaml").read_text()
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    result = run("train", "configs/mine.yaml", "--dry-run", "--json")
    assert result.code == 3
    assert result.json["faults"][0]["hint"].startswith(f"`{command}` downloads it")
    assert command in text
