"""Archives: what is wanted comes out, and nothing else happens whatever is in them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nncli.errors import DataError
from nncli.fetch.unpack import SLACK, unpack

CONTENT = {"set/a.bin": b"a" * 3000, "set/b.bin": b"b" * 2000}
WANTED = {name: len(content) for name, content in CONTENT.items()}


def entry(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = len(content), kind, link
    return made, content


GOOD = [entry("set", kind=tarfile.DIRTYPE), *(entry(*item) for item in CONTENT.items()), entry("set/readme", b"text")]


def packed(folder: Path, entries: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    path = folder / "set.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for made, content in entries:
            tar.addfile(made, io.BytesIO(content))
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    unpack(packed(tmp_path, GOOD), WANTED, tmp_path / "out")
    assert left(tmp_path / "out") == ["a.bin", "b.bin"]
    assert (tmp_path / "out" / "a.bin").read_bytes() == CONTENT["set/a.bin"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (entry("../a.bin", b"x"), "leads out of its folder"),
        (entry("set/../../x", b"x"), "leads out of its folder"),
        (entry("/etc/x", b"x"), "leads out of its folder"),
        (entry("C:\\x", b"x"), "leads out of its folder"),
        (entry("set/link", kind=tarfile.SYMTYPE, link="/etc/passwd"), "neither a file nor a folder"),
        (entry("set/a.bin", kind=tarfile.SYMTYPE, link="/etc/passwd"), "neither a file nor a folder"),
        (entry("set/hard", kind=tarfile.LNKTYPE, link="set/a.bin"), "neither a file nor a folder"),
        (entry("set/pipe", kind=tarfile.FIFOTYPE), "neither a file nor a folder"),
        (entry("set/device", kind=tarfile.CHRTYPE), "neither a file nor a folder"),
        (entry("set/large", bytes(SLACK + 1)), "more than is expected"),
        (entry("set/a.bin", b"a" * 2999), "'set/a.bin' has 2,999 bytes in it, not 3,000"),
    ],
    ids=lambda value: value[0].name if isinstance(value, tuple) else "",
)
def test_what_no_archive_of_data_holds(tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes], message: str) -> None:
    out = tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    for entries in ([bad, *GOOD], [*GOOD, bad]):
        with pytest.raises(DataError, match=message):
            unpack(packed(tmp_path, entries), WANTED, out)
        assert left(out) == []
        assert left(tmp_path) == ["deep", "set.tar.gz"]


def test_too_many_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than 100 files"):
        unpack(packed(tmp_path, [entry(f"set/{n}") for n in range(200)]), WANTED, tmp_path)


def test_something_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not hold 'set/b\.bin'"):
        unpack(packed(tmp_path, GOOD[:2]), WANTED, tmp_path)
    assert left(tmp_path) == ["set.tar.gz"]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def torn(content: bytes) -> bytes:
    """Well packed, but the archive in it ends early."""
    return gzip.compress(gzip.decompress(content)[:2500])


def spoiled(content: bytes) -> bytes:
    return content[:40] + b"\xff" * 20 + content[60:]


@pytest.mark.parametrize(
    "spoil", [truncated, torn, spoiled, lambda content: b"", lambda content: b"no archive at all" * 100], ids=str
)
def test_damaged_archives(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = packed(tmp_path, GOOD)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError):
        unpack(path, WANTED, tmp_path)
    assert left(tmp_path) == ["set.tar.gz"]
