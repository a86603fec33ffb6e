"""Files are there whole or not at all, whatever the disk does; what is left behind is removed, if it is nobody's."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nncli import checkpoint
from nncli.checkpoint import Snapshot, atomic
from nncli.errors import OutputError
from tests.checkpoint.faults import FULL, Disk, plant
from tests.checkpoint.test_files import snapshot

HALF = ".last.h5.0123456789abcdef.tmp"
LOCKING = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(handle, b"half")
fcntl.flock(handle, fcntl.LOCK_EX)
print("locked", flush=True)
input()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def written(path: Path, made: Snapshot) -> str:
    """Write; what is wrong, with its hint, or nothing."""
    try:
        checkpoint.write(path, made)
    except OutputError as error:
        return f"{error} | {error.faults[0].hint}"
    return ""


@pytest.mark.parametrize("error", FULL, ids=lambda error: errno.errorcode[error])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for good"])
def test_a_failure_of_every_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, lasting: bool) -> None:
    path, at, refused = tmp_path / "last.h5", 0, 0
    while True:
        at += 1
        monkeypatch.undo()
        checkpoint.write(path, snapshot(threads=1))
        disk = plant(monkeypatch, Disk(at, error, lasting))
        said = written(path, snapshot(threads=2))
        if said:
            refused += 1
            assert os.strerror(error) in said
        left = checkpoint.read(path).threads
        assert left == 2 if not said else left in (1, 2)
        assert ("as it was before" in said) == (left == 1)
        assert names(tmp_path) == ["last.h5"]
        if not disk.failed:
            break
    assert at > 8
    assert refused == (at - 1 if lasting else 0), "a single failure is tried again"


def test_short_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = plant(monkeypatch, Disk(short=True))
    checkpoint.write(tmp_path / "last.h5", snapshot())
    assert disk.count > 20
    assert checkpoint.read(tmp_path / "last.h5").threads == snapshot().threads


def test_a_disk_that_does_not_even_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that turns read-only in the middle: what stays is removed when it can be."""
    path = tmp_path / "last.h5"
    checkpoint.write(path, snapshot(threads=1))
    with monkeypatch.context() as patch:
        plant(patch, Disk(2, errno.EROFS, lasting=True))

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(OutputError, match="Read-only file system"):
            checkpoint.write(path, snapshot(threads=2))
    assert len(names(tmp_path)) == 2
    assert checkpoint.read(path).threads == 1
    checkpoint.clean(tmp_path)
    assert names(tmp_path) == ["last.h5"]


def test_a_small_disk(tmp_path: Path) -> None:
    """A real one of 64 KiB, where the system lets us make it."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom nncli import checkpoint\nfrom nncli.checkpoint import files\n"
        "from nncli.errors import OutputError\nfiles.PAUSE = 0\nsys.path.insert(0, '.')\n"
        "from tests.checkpoint.test_files import snapshot\nfolder = Path(sys.argv[1])\npath = folder / 'last.h5'\n"
        "checkpoint.write(path, snapshot(threads=1))\n"
        "(folder / 'ballast').write_bytes(bytes(65536 - 2 * 4096 - path.stat().st_size // 4096 * 4096))\n"
        "try:\n    checkpoint.write(path, snapshot(threads=2))\nexcept OutputError as error:\n    print(error)\n"
        "print(checkpoint.read(path).threads, sorted(item.name for item in folder.iterdir()))\n"
        "(folder / 'ballast').unlink()\ncheckpoint.write(path, snapshot(threads=2))\n"
        "print(checkpoint.read(path).threads)\n"
    )
    command = f"mount -t tmpfs -o size=64k none {tmp_path} && exec {sys.executable} - {tmp_path}"
    mounting = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if subprocess.run([*mounting, f"mount -t tmpfs none {tmp_path}"], capture_output=True, check=False).returncode:
        pytest.skip("the system does not let us mount a disk")
    done = subprocess.run([*mounting, command], input=script, capture_output=True, text=True, check=True)
    refused, left, mended = done.stdout.splitlines()
    assert "No space left on device" in refused
    assert left == "1 ['ballast', 'last.h5']"
    assert mended == "2"


# -- leftovers ---------------------------------------------------------------------------------------------------------


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / HALF
    with subprocess.Popen(
        [sys.executable, "-c", LOCKING, left], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        checkpoint.write(tmp_path / "last.h5", snapshot())
        assert left.read_bytes() == b"half", "another process is writing it"
        checkpoint.clean(tmp_path)
        assert left.exists()
        other.kill()
    checkpoint.write(tmp_path / "last.h5", snapshot())
    assert names(tmp_path) == ["last.h5"]


def test_only_our_own_kind_is_removed(tmp_path: Path) -> None:
    others = [".mine.tmp", "last.h5.tmp", ".last.h5.12.tmp", "." + HALF[1:-4]]
    for name in (HALF, ".best.h5.0123456789abcdef.tmp", *others):
        (tmp_path / name).write_bytes(b"x")
    checkpoint.write(tmp_path / "last.h5", snapshot())
    assert names(tmp_path) == sorted(["last.h5", ".best.h5.0123456789abcdef.tmp", *others])
    checkpoint.clean(tmp_path)
    assert names(tmp_path) == sorted(["last.h5", *others])


def test_without_locks_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    (tmp_path / HALF).write_bytes(b"half")
    monkeypatch.setattr(fcntl, "flock", unsupported)
    checkpoint.write(tmp_path / "last.h5", snapshot())
    assert names(tmp_path) == [HALF, "last.h5"]
    with checkpoint.lock(tmp_path), checkpoint.lock(tmp_path):
        pass  # nobody is kept out


def test_many_writers_of_one_file_do_not_hinder_each_other(tmp_path: Path) -> None:
    """Each cleans, and none takes away what another writes: without the lock renaming would fail."""
    path, failed = tmp_path / "x", []

    def work(byte: int) -> None:
        try:
            for _ in range(60):
                atomic.replace(path, bytes([byte]) * 5000)
        except OutputError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(byte,)) for byte in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    data = path.read_bytes()
    assert data == data[:1] * 5000
    assert names(tmp_path) == ["x"]


# -- what is no plain file ---------------------------------------------------------------------------------------------


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "file")
    atomic.replace(tmp_path / "link", b"one")
    atomic.replace(tmp_path / "link", b"two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "file").read_bytes() == b"two"
    assert names(tmp_path / "far") == ["file"]


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    atomic.replace(tmp_path / "pipe", b"one", b"two")
    reader.join()
    assert read == [b"onetwo"]
    assert names(tmp_path) == ["pipe"]


def test_a_device_that_is_full() -> None:
    with pytest.raises(OutputError, match="No space left on device"):
        atomic.replace(Path("/dev/full"), b"x")


# -- locks -------------------------------------------------------------------------------------------------------------


def test_where_folders_cannot_be_locked_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on NFS, which locks only what is open for writing."""
    real = fcntl.flock

    def of_files(handle: int, how: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", of_files)
    with checkpoint.lock(tmp_path):
        assert names(tmp_path) == [".lock"]
        with pytest.raises(OutputError, match="another process is training"), checkpoint.lock(tmp_path):
            pass
    with checkpoint.lock(tmp_path):
        pass


def test_a_folder_that_went_away_is_not_locked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), checkpoint.lock(tmp_path / "gone"):
        pass
