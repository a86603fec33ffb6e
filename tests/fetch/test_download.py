"""Downloads from a server on this machine: each way in which it can go wrong, and what is on the disk then."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nncli import progress
from nncli.errors import DataError, OutputError
from nncli.fetch.catalogue import Remote
from nncli.fetch.download import Settings, download
from tests.fetch.server import (
    Act,
    Server,
    chunked,
    cut,
    ignoring_ranges,
    other_part,
    redirect,
    silent,
    stalling,
    status,
    whole,
)

CONTENT = random.Random(0).randbytes(300_000)
OTHER = CONTENT[:100_000] + bytes(100_000) + CONTENT[200_000:]
FILE = Remote("a.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def get(server: Server, target: Path, *paths: str, timeout: float = 5.0) -> list[str]:
    """Download from paths of the server; gives what was told."""
    told: list[str] = []
    addresses = [path if "://" in path else server.address + path for path in paths or ("/a.bin",)]
    download(FILE, addresses, target, Settings(timeout, 0.01, told.append))
    return told


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = whole(CONTENT)
    assert get(server, tmp_path / "x" / "a.bin") == []
    assert (tmp_path / "x" / "a.bin").read_bytes() == CONTENT
    assert left(tmp_path / "x") == ["a.bin"]
    assert server.asked == [("/a.bin", "", "")]


def test_a_connection_that_is_cut_is_resumed_at_once(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = [cut(CONTENT, 120_000), whole(CONTENT)]
    (told,) = get(server, tmp_path / "a.bin")
    assert "ended after 120,000 of 300,000 bytes; asking again" in told
    assert server.asked == [("/a.bin", "", ""), ("/a.bin", "bytes=120000-", '"1"')]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@contextmanager
def interrupted(after: float) -> Iterator[None]:
    """Ctrl-C once so many bytes have come."""

    class Watcher:
        @contextmanager
        def task(self, what: str, total: float | None, unit: str, done: float) -> Iterator[progress.Advance]:
            come = done

            def advance(steps: float) -> None:
                nonlocal come
                come += steps
                if come > after:
                    raise KeyboardInterrupt

            yield advance

    with progress.watching(Watcher()):
        yield


def test_an_interruption_is_resumed_by_the_next_call(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = whole(CONTENT)
    with interrupted(100_000), pytest.raises(KeyboardInterrupt):
        get(server, tmp_path / "a.bin")
    assert left(tmp_path) == ["a.bin.part", "a.bin.part.from"]
    come = (tmp_path / "a.bin.part").read_bytes()
    assert len(come) > 100_000
    assert come == CONTENT[: len(come)]
    assert get(server, tmp_path / "a.bin") == []
    assert server.asked[1:] == [("/a.bin", f"bytes={len(come)}-", '"1"')]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["a.bin"]


def begun(folder: Path, content: bytes, address: str = "", version: str = '"1"') -> Path:
    """A part that an earlier call left."""
    (folder / "a.bin.part").write_bytes(content)
    if address:
        text = f'{{"address": "{address}", "version": {version!r}}}'.replace("'", '"').replace('""1""', '"\\"1\\""')
        (folder / "a.bin.part.from").write_text(text)
    return folder / "a.bin"


def test_a_server_that_ignores_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = ignoring_ranges(CONTENT)
    get(server, begun(tmp_path, bytes(5000)))
    assert server.asked[0][1] == "bytes=5000-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_file_that_has_changed_starts_anew(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = whole(CONTENT, '"2"')
    get(server, begun(tmp_path, bytes(5000), server.address + "/a.bin"))
    assert server.asked == [("/a.bin", "bytes=5000-", '"1"')]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_of_another_file_is_found_by_the_checksum(server: Server, tmp_path: Path) -> None:
    """It came from elsewhere, so that no version tells; the whole is asked for once more."""
    server["/a.bin"] = whole(CONTENT)
    get(server, begun(tmp_path, bytes(5000)))
    assert [range_ for _, range_, _ in server.asked] == ["bytes=5000-", ""]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_file_that_changes_while_it_comes(server: Server, tmp_path: Path) -> None:
    """Without a version that tells; and one that changes always is not asked for without end."""
    server["/a.bin"] = [cut(bytes(300_000), 120_000, ""), whole(CONTENT, "")]
    get(server, tmp_path / "a.bin")
    assert [range_ for _, range_, _ in server.asked] == ["", "bytes=120000-", ""]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    (tmp_path / "a.bin").unlink()
    server["/a.bin"] = [cut(bytes(300_000), 120_000, ""), whole(CONTENT, "")] * 20
    with pytest.raises(DataError, match="gives another file"):
        get(server, tmp_path / "a.bin")
    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [300_000, 300_001, 400_000])
def test_a_part_that_is_too_long_or_wrong(server: Server, tmp_path: Path, size: int) -> None:
    server["/a.bin"] = whole(CONTENT)
    get(server, begun(tmp_path, bytes(size)))
    assert server.asked == [("/a.bin", "", "")]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_that_is_complete_needs_no_server(server: Server, tmp_path: Path) -> None:
    get(server, begun(tmp_path, CONTENT))
    assert server.asked == []
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_is_gone_on_with_elsewhere(server: Server, tmp_path: Path) -> None:
    server["/1/a.bin"] = [cut(CONTENT, 120_000), status(404)]
    server["/2/a.bin"] = whole(CONTENT, '"other"')
    told = get(server, tmp_path / "a.bin", "/1/a.bin", "/2/a.bin")
    assert "answers 404 Not Found; trying " in told[1]
    assert server.asked[2] == ("/2/a.bin", "bytes=120000-", "")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/a.bin"


@pytest.mark.parametrize(
    ("act", "message", "asked"),
    [
        (status(404), "answers 404", 1),
        (status(403), "answers 403", 1),
        (status(503), "answers 503", 3),
        (status(204), "answers 204", 1),
        (whole(OTHER), "gives another file: its SHA-256 is " + hashlib.sha256(OTHER).hexdigest(), 1),
        (whole(CONTENT[:-1]), "has a file of 299,999 bytes, the right one has 300,000", 1),
        (whole(CONTENT + b"x"), "has a file of 300,001 bytes, the right one has 300,000", 1),
        (chunked(CONTENT + b"x", True), "gives more than the 300,000 bytes", 1),
        (redirect("file:///etc/passwd"), "", 1),
        (redirect("/a.bin"), "answers 302", 5),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "", 3),
        (lambda handler: None, "", 3),
    ],
    ids=["404", "403", "503", "204", "other", "short", "long", "endless", "file", "circle", "nonsense", "silence"],
)
def test_what_fails_leaves_nothing_and_goes_to_the_next_address(
    server: Server, tmp_path: Path, act: Act, message: str, asked: int
) -> None:
    server["/a.bin"] = act
    with pytest.raises(DataError) as caught:
        get(server, tmp_path / "a.bin")
    assert caught.value.exit_code == 3
    (fault,) = caught.value.faults
    assert message in fault.message
    assert fault.file == server.address + "/a.bin"
    assert "--mirror" in fault.hint
    assert left(tmp_path) == []
    assert len(server.asked) == asked
    server["/b.bin"] = whole(CONTENT)
    told = get(server, tmp_path / "a.bin", "/a.bin", "/b.bin")
    assert message in told[-1]
    assert "trying" in told[-1]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "act",
    [cut(CONTENT, 1000), cut(CONTENT, 1000, told=False), chunked(CONTENT[:1000], False)],
    ids=["told", "untold", "chunked"],
)
def test_a_body_that_always_ends_early(server: Server, tmp_path: Path, act: Act) -> None:
    """The server gives the beginning to whatever is asked, and three times in a row nothing new."""
    server["/a.bin"] = act
    with pytest.raises(DataError) as caught:
        get(server, tmp_path / "a.bin")
    assert "1,000 of 300,000" in str(caught.value) or "IncompleteRead" in str(caught.value)
    assert "what has come so far (1,000 bytes) is kept" in caught.value.faults[0].hint
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:1000]
    assert len(server.asked) <= 4


def test_a_body_in_pieces(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = chunked(CONTENT, True)
    get(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_another_part_than_the_one_asked_for(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = other_part(CONTENT)
    with pytest.raises(DataError, match="gives another part of the file"):
        get(server, begun(tmp_path, CONTENT[:5000]))
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:5000]


def test_a_server_that_stalls(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = [stalling(CONTENT, 70_000, 2), whole(CONTENT)]
    (told,) = get(server, tmp_path / "a.bin", timeout=0.2)
    assert "no answer in time; asking again" in told
    assert server.asked[1][1] == "bytes=70000-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_server_that_never_answers(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = silent(2)
    with pytest.raises(DataError, match="no answer in time"):
        get(server, tmp_path / "a.bin", timeout=0.1)
    assert len(server.asked) == 3


def test_nobody_is_there(server: Server, tmp_path: Path) -> None:
    address = closed_port()
    server["/b.bin"] = status(404)
    with pytest.raises(DataError) as caught:
        get(server, tmp_path / "a.bin", address, "/b.bin")
    first, second = caught.value.faults
    assert (first.file, first.message) == (address, os.strerror(errno.ECONNREFUSED))
    assert second.message.startswith("answers 404")
    assert left(tmp_path) == []


def test_a_name_that_is_unknown(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any, **more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match="Name or service not known") as caught:
        get(server, tmp_path / "a.bin", "https://example.invalid/a.bin")
    assert "is there a connection?" in caught.value.faults[0].hint


def test_a_proxy_is_named_without_its_password(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(closed_port().split(":")[2].split("/")[0])
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{port}")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(DataError) as caught:
        get(server, tmp_path / "a.bin", "http://example.invalid/a.bin")
    assert f"(through the proxy 127.0.0.1:{port})" in str(caught.value)
    assert "secret" not in str(caught.value)
    server["/a.bin"] = whole(CONTENT)
    get(server, tmp_path / "a.bin")  # this machine is asked directly
    assert server.asked == [("/a.bin", "", "")]


def test_redirects_are_followed_and_keep_the_part(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = redirect("/moved")
    server["/moved"] = whole(CONTENT)
    get(server, begun(tmp_path, CONTENT[:5000]))
    assert server.asked == [("/a.bin", "bytes=5000-", ""), ("/moved", "bytes=5000-", "")]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_no_redirect_to_an_open_connection() -> None:
    import email.message
    import urllib.error
    import urllib.request

    from nncli.fetch.download import _Redirects

    request = urllib.request.Request("https://a.example/x")
    for to, refused in (("http://a.example/x", True), ("https://b.example/x", False), ("ftp://a.example/x", True)):
        try:
            made = _Redirects().redirect_request(request, None, 302, "Found", email.message.Message(), to)
            assert not refused
            assert made is not None
            assert made.full_url == to
        except urllib.error.URLError:
            assert refused


def test_a_range_that_cannot_be(server: Server, tmp_path: Path) -> None:
    server["/a.bin"] = [status(416), whole(CONTENT)]
    get(server, begun(tmp_path, CONTENT[:5000]))
    assert [range_ for _, range_, _ in server.asked] == ["bytes=5000-", ""]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_full_disk_before(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))  # type: ignore[attr-defined]
    with pytest.raises(OutputError, match="300,000 bytes are to come, 1,000 are free") as caught:
        get(server, tmp_path / "new" / "a.bin")
    assert caught.value.exit_code == 7
    assert server.asked == []
    assert left(tmp_path) == []


def test_a_full_disk_while_it_comes(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server["/a.bin"] = whole(CONTENT)
    real = Path.open

    def limited(self: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        file = real(self, mode, *arguments, **more)
        if self.suffix != ".part" or "+" not in mode:
            return file

        class Limited:
            def __enter__(self) -> Limited:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            seek = file.seek

            def write(self, content: bytes) -> int:
                if file.tell() + len(content) > 100_000:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return int(file.write(content))

        return Limited()

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", limited)
        with pytest.raises(OutputError, match="No space left") as caught:
            get(server, tmp_path / "a.bin")
    assert "a.bin.part is kept" in caught.value.faults[0].hint
    size = (tmp_path / "a.bin.part").stat().st_size
    assert 0 < size <= 100_000
    get(server, tmp_path / "a.bin")
    assert server.asked[-1][1] == f"bytes={size}-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX's")
def test_two_at_once(server: Server, tmp_path: Path) -> None:
    import fcntl

    server["/a.bin"] = whole(CONTENT)
    with (tmp_path / "a.bin.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another process is downloading it"):
            get(server, tmp_path / "a.bin")


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        get(server, tmp_path / "file" / "a.bin")
