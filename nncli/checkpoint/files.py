"""Checkpoint files: written atomically, verified before they are read, and locked while a run owns them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nncli.checkpoint.atomic import lock_handle, replace
from nncli.checkpoint.snapshot import FORMAT_VERSION, Nodes, Snapshot
from nncli.errors import CheckpointError, Fault, OutputError, naming, nearest
from nncli.parts import Shape

USER_BLOCK = 512
"""Bytes: the smallest that HDF5 allows."""
_MAGIC = b"nncli checkpoint, format version "
_HDF5 = b"\x89HDF\r\n\x1a\n"
LAST = "last.h5"
"""What a run goes on from."""
PAUSE = 1.0
"""Seconds before what could not be written is tried once more: what a server or a quota refuses may pass."""


# -- writing -----------------------------------------------------------------------------------------------------------


def write(path: Path, snapshot: Snapshot) -> None:
    """Replace `path` by the snapshot, or leave it as it is: after a crash at any moment there is the old file or the
    new one. What fails is tried once more after a while. Raises OutputError where it cannot be written."""
    from nncli.checkpoint.hdf5 import to_bytes

    data = to_bytes(snapshot)
    block = _user_block(hashlib.sha256(data).hexdigest())
    hint = "free some space or choose another folder with --out"
    if path.with_name(LAST).is_file():
        hint = f"free some space, then go on from {LAST} with --resume"
    replace(path, block, data, what="the checkpoint", hint=hint, pause=PAUSE)


def _user_block(digest: str, version: int = FORMAT_VERSION) -> bytes:
    """512 bytes of text that say what the file is, with the digest of all bytes after them."""
    text = (
        f"{_MAGIC.decode()}{version}\n"
        "This is an HDF5 file behind a user block of 512 bytes: h5ls -r, h5dump, h5py and others read it.\n"
        f"sha256 of all bytes after these 512: {digest}\n"
    )
    return text.encode().ljust(USER_BLOCK - 1) + b"\n"


# -- reading -----------------------------------------------------------------------------------------------------------


def resolve(path: Path, names: Sequence[str] = (LAST,)) -> Path:
    """The checkpoint that is meant: the file itself, or the first of `names` in a run folder.

    Raises CheckpointError where there is none.
    """
    with naming(path, CheckpointError):
        return _resolved(path, names)


def _resolved(path: Path, names: Sequence[str]) -> Path:
    if path.is_dir():
        for name in names:
            if (path / name).is_file():
                return path / name
        others = sorted(p.name for p in path.glob("*.h5"))
        hint = f"the folder holds: {', '.join(others)}" if others else "is this a run folder?"
        raise CheckpointError(Fault(f"no {' or '.join(names)} in this folder", file=str(path), hint=hint))
    if not path.exists():
        folder = path.parent
        near = nearest(path.name, sorted(p.name for p in folder.iterdir())) if folder.is_dir() else "no such folder"
        raise CheckpointError(Fault("no such file", file=str(path), hint=near))
    if not path.is_file():  # a pipe would be waited for
        raise CheckpointError(Fault("is not a regular file", file=str(path)))
    return path


def read(path: Path) -> Snapshot:
    """The snapshot in a file. Raises CheckpointError where it is missing, damaged, foreign, or too new.

    The digest is verified before the HDF5 library reads a byte: damaged files can make it hang.
    """
    verify(path)
    from nncli.checkpoint.hdf5 import from_file
    from nncli.checkpoint.wellformed import check

    try:
        snapshot = from_file(str(path))
        check(snapshot)
        return snapshot
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, RuntimeError) as error:
        message = f"not the structure of a checkpoint: {_first_line(error)}"
        raise CheckpointError(Fault(message, file=str(path), hint="was it changed by another program?")) from None


def verify(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            block = file.read(USER_BLOCK)
            _verify_head(path, block)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(Fault(f"cannot be read: {error.strerror}", file=str(path))) from None
    if block != _user_block(digest):
        message = "damaged: what it holds does not agree with its digest"
        raise CheckpointError(Fault(message, file=str(path), hint=_others(path)))


def _verify_head(path: Path, block: bytes) -> None:
    if not block.startswith(_MAGIC):
        if block.startswith(_HDF5):
            raise CheckpointError(Fault("an HDF5 file, but not a checkpoint of nncli", file=str(path)))
        hint = _others(path) if path.suffix == ".h5" else "`nncli train` writes last.h5 and best.h5 into its run folder"
        raise CheckpointError(Fault("not a checkpoint of nncli", file=str(path), hint=hint))
    version = block[len(_MAGIC) :].partition(b"\n")[0]
    if version.isdigit() and int(version) > FORMAT_VERSION:
        message = f"format version {int(version)}; this nncli reads up to {FORMAT_VERSION}"
        raise CheckpointError(Fault(message, file=str(path), hint="a newer nncli wrote it: upgrade"))


def _others(path: Path) -> str:
    """A hint that names the other checkpoints of the run, the newest first."""
    others = [other for other in path.parent.glob("*.h5") if other.name != path.name]
    others.sort(key=lambda other: -other.stat().st_mtime)
    return f"other checkpoints of this run: {', '.join(other.name for other in others)}" if others else ""


def _first_line(error: Exception) -> str:
    return str(error).strip("'\"").partition("\n")[0]


def match(expected: Mapping[tuple[str, str], Shape], nodes: Nodes, group: str = "model") -> None:
    """Compare the parameters of a network, by node and name, with those of a checkpoint's group.

    Raises CheckpointError that lists what is missing, surplus, or of another shape.
    """
    stored = {(node, name): named.array.shape for node, arrays in nodes.items() for name, named in arrays.items()}
    faults = []
    for key in sorted(expected.keys() | stored.keys()):
        path = f"/{group}/{key[0]}/{key[1]}"
        if key not in stored:
            faults.append(Fault(f"missing; the network has it, of shape {list(expected[key])}", path))
        elif key not in expected:
            faults.append(Fault("surplus; the network has no such parameter", path))
        elif tuple(expected[key]) != tuple(stored[key]):
            shapes = f"{list(stored[key])} in the checkpoint, {list(expected[key])} in the network"
            faults.append(Fault(f"another shape: {shapes}", path))
    if faults:
        raise CheckpointError(faults)


# -- locking -----------------------------------------------------------------------------------------------------------

LOCK = ".lock"
"""The file that is locked where folders cannot be, as on NFS; it stays."""


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Own a run folder. Raises OutputError where another process does, FileNotFoundError where the folder is not there
    any more. The system frees it if this process is killed. On file systems without locks nobody is kept out."""
    handle = _locked(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _locked(folder: Path) -> int | None:
    """A handle that holds the lock; None where there are no locks."""
    if os.name != "posix":
        return None
    for path, flags in ((folder, os.O_RDONLY), (folder / LOCK, os.O_RDWR | os.O_CREAT)):
        try:
            handle = os.open(path, flags, 0o666)
        except FileNotFoundError:
            raise
        except OSError:
            continue
        try:
            ours = lock_handle(handle, path)
        except OSError:
            os.close(handle)
            continue
        if ours:
            return handle
        os.close(handle)
        if not path.exists():
            raise FileNotFoundError(str(path))
        hint = "wait for it, or start a run of your own with another --out"
        raise OutputError(Fault("another process is training in this folder", file=str(folder), hint=hint))
    return None
