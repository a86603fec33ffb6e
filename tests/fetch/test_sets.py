"""Known sets: their checksums are those of the files at hand, their sections are valid, and they come from mirrors."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from nncli.data.splits import open_splits
from nncli.errors import OutputError, SpecError, UsageError
from nncli.fetch import place
from nncli.fetch.catalogue import KNOWN, KnownSet, Remote, known, remedy
from nncli.fetch.download import Settings
from nncli.fetch.sets import addresses, fetch, folder_of, is_there
from nncli.spec import read_text
from nncli.spec.dump import block
from nncli.spec.mirrors import read_mirrors
from nncli.training.objective import kinds_of
from tests.data.files import DATASETS
from tests.fetch.server import Server, whole

NAMES = ["mnist", "optdigits", "iris", "wine", "breast-cancer", "abalone", "auto-mpg", "california-housing"]
SAMPLES = {"mnist": 70_000, "optdigits": 5_620, "iris": 150, "wine": 178, "breast-cancer": 569, "abalone": 4_177}
SAMPLES |= {"auto-mpg": 398, "california-housing": 20_640}
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
"""Of MNIST, as many programs have them."""
needs_files = pytest.mark.skipif(not DATASETS.is_dir(), reason="the data sets are not in ../shared/datasets")


@needs_files
@pytest.mark.parametrize("name", NAMES)
def test_checksums_are_those_of_the_files(name: str) -> None:
    for remote in KNOWN[name].files:
        content = (DATASETS / name / remote.name).read_bytes()
        assert (remote.size, remote.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        if name == "mnist":
            assert hashlib.md5(content).hexdigest() == MD5[remote.name]


def network(name: str) -> str:
    values = KNOWN[name].data.get("standardize_targets")
    return f"network: [flatten, dense: 1]\nloss: {'least_squares' if values else 'softmax_cross_entropy'}\n"


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_its_section_is_valid(name: str, tmp_path: Path) -> None:
    text = "\n".join(block("data", KNOWN[name].section(str(tmp_path / "a folder")))) + "\n"
    assert read_text(text + "network: [dense: 2]\n").faults == []
    assert "{}" not in text


@needs_files
@pytest.mark.parametrize("name", NAMES)
def test_its_section_reads_the_files(name: str) -> None:
    text = "\n".join(block("data", KNOWN[name].section(str(DATASETS / name)))) + "\n"
    config = read_text(text + "network: [dense: 2]\n" + network(name).splitlines()[1]).check()
    assert config.data is not None
    splits = open_splits(config.data, base=Path(), seed=0, kinds=kinds_of(config))
    assert splits.test is not None
    assert len(splits.train) + len(splits.test) == SAMPLES[name]


def test_what_the_catalogue_says() -> None:
    for name, one in KNOWN.items():
        assert one.name == name
        assert all(len(bytes.fromhex(remote.sha256)) == 32 for remote in one.files)
        assert all(address.startswith("https://") and not address.endswith("/") for address in one.addresses)
    assert KNOWN["cifar-10"].kept() == {
        **{f"data_batch_{n}.bin": 30_730_000 for n in range(1, 6)},
        "test_batch.bin": 30_730_000,
    }
    with pytest.raises(UsageError, match="no data set 'mnits' is known") as caught:
        known("mnits")
    assert "did you mean 'mnist'?" in caught.value.faults[0].hint


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("data/mnist/train-images-idx3-ubyte.gz", "nncli data fetch mnist --to data/mnist"),
        ("x/t10k-labels-idx1-ubyte.gz", "nncli data fetch mnist --to x"),
        ("data/Fashion_MNIST/train-images-idx3-ubyte.gz", "nncli data fetch fashion-mnist --to data/Fashion_MNIST"),
        ("my data/test_batch.bin", 'nncli data fetch cifar-10 --to "my data"'),
        ("iris.data", "nncli data fetch iris --to ."),
        ("data/mine.csv", ""),
    ],
)
def test_what_gets_a_file_that_is_not_there(file: str, command: str) -> None:
    assert remedy(Path(file)) == command


@pytest.mark.parametrize(
    ("environment", "system", "folder"),
    [
        ({"HOME": "/home/me"}, "linux", "/home/me/.cache/nncli"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/fast"}, "linux", "/fast/nncli"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "relative"}, "linux", "/home/me/.cache/nncli"),
        ({"HOME": "/home/me"}, "darwin", "/home/me/Library/Caches/nncli"),
        ({"LOCALAPPDATA": "/appdata"}, "win32", "/appdata/nncli/Cache"),
        ({"HOME": "/home/me", "NNCLI_CACHE": "/mine"}, "linux", "/mine"),
    ],
)
def test_where_sets_are_kept(environment: dict[str, str], system: str, folder: str) -> None:
    assert place.cache(environment, system) == Path(folder)


# -- fetching ----------------------------------------------------------------------------------------------------------


A, B = b"first file" * 100, b"second" * 50
TINY = KnownSet(
    "tiny",
    "a set",
    "none",
    (Remote("a.bin", len(A), hashlib.sha256(A).hexdigest()), Remote("b.bin", len(B), hashlib.sha256(B).hexdigest())),
    ("https://example.invalid/tiny",),
    {"train": {"npz": {"path": "{}/a.bin"}}},
)


def packed() -> tuple[KnownSet, bytes]:
    """The files of TINY in an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in (("tiny/a.bin", A), ("tiny/b.bin", B)):
            made = tarfile.TarInfo(name)
            made.size = len(content)
            tar.addfile(made, io.BytesIO(content))
    content = buffer.getvalue()
    members = {"tiny/a.bin": len(A), "tiny/b.bin": len(B)}
    remote = Remote("tiny.tar.gz", len(content), hashlib.sha256(content).hexdigest(), members)
    return dataclasses.replace(TINY, files=(remote,)), content


def get(one: KnownSet, server: Server, folder: Path, cache: Path | None = None) -> tuple[tuple[str, ...], list[str]]:
    told: list[str] = []
    places = addresses(one, [server.address + "/{set}"], {})
    return fetch(one, folder, places, Settings(5, 0.01, told.append), cache).fresh, told


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_what_is_not_there_is_fetched(server: Server, tmp_path: Path) -> None:
    server["/tiny/a.bin"], server["/tiny/b.bin"] = whole(A), whole(B)
    assert get(TINY, server, tmp_path) == (("a.bin", "b.bin"), [])
    assert is_there(TINY, tmp_path)
    assert get(TINY, server, tmp_path) == ((), [])
    assert len(server.asked) == 2
    (tmp_path / "b.bin").unlink()
    assert get(TINY, server, tmp_path) == (("b.bin",), [])


@pytest.mark.parametrize("content", [b"mine", bytes(len(A))])
def test_a_file_of_the_users_own_is_left(server: Server, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(OutputError, match="there is another file of this name"):
        get(TINY, server, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == content


def test_an_archive(server: Server, tmp_path: Path) -> None:
    one, content = packed()
    server["/tiny/tiny.tar.gz"] = whole(content)
    assert get(one, server, tmp_path) == (("a.bin", "b.bin"), [])
    assert left(tmp_path) == ["a.bin", "b.bin"]
    assert (tmp_path / "b.bin").read_bytes() == B
    (tmp_path / "a.bin").unlink()
    (tmp_path / "b.bin").unlink()
    (tmp_path / "tiny.tar.gz").write_bytes(content)
    assert get(one, server, tmp_path)[0] == ("a.bin", "b.bin")
    assert left(tmp_path) == ["a.bin", "b.bin", "tiny.tar.gz"]
    assert len(server.asked) == 1
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).unlink()
    (tmp_path / "tiny.tar.gz").write_bytes(b"mine")
    with pytest.raises(OutputError, match="another file"):
        get(one, server, tmp_path)


def test_files_of_the_cache_are_copied(server: Server, tmp_path: Path) -> None:
    server["/tiny/a.bin"], server["/tiny/b.bin"] = whole(A), whole(B)
    cache = folder_of(TINY, tmp_path / "cache")
    get(TINY, server, cache)
    (cache / "b.bin").write_bytes(bytes(len(B)))  # spoiled since
    fresh, told = get(TINY, server, tmp_path / "out", tmp_path / "cache")
    assert fresh == ("a.bin", "b.bin")
    assert told == [f"copied a.bin from {cache}"]
    assert [path for path, _, _ in server.asked] == ["/tiny/a.bin", "/tiny/b.bin", "/tiny/b.bin"]
    assert ((tmp_path / "out" / "a.bin").read_bytes(), (tmp_path / "out" / "b.bin").read_bytes()) == (A, B)


def test_the_order_of_addresses(tmp_path: Path) -> None:
    listed = {"tiny": ["https://c/"], "*": ["https://d/{set}"], "other": ["https://e"]}
    own = "https://example.invalid/tiny"
    assert addresses(TINY, ["http://a", "https://b"], listed) == [
        "http://a",
        "https://b",
        "https://c",
        "https://d/tiny",
        own,
    ]
    assert addresses(TINY, [own], {}) == [own]
    for wrong in ("/folder", "file:///etc/passwd", "ftp://x"):
        with pytest.raises(UsageError, match="is no address of a mirror"):
            addresses(TINY, [wrong], {})


def test_a_file_of_mirrors(tmp_path: Path) -> None:
    path = tmp_path / "mirrors.yaml"
    path.write_text('mirrors: {mnist: "https://a/mnist", "*": ["https://b/{set}", "https://c"]}\n')
    assert read_mirrors(path) == {"mnist": ("https://a/mnist",), "*": ("https://b/{set}", "https://c")}
    path.write_text("mirrors:\n  mnits: https://a\n  iris: [ftp://b]\n")
    with pytest.raises(SpecError) as caught:
        read_mirrors(path)
    first, second = caught.value.faults
    assert (first.line, first.hint) == (2, "did you mean 'mnist'?")
    assert (second.line, second.message) == (3, "'ftp://b' is no address of a mirror")
