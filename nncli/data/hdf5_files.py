"""HDF5 files from elsewhere: the data sets that a configuration names, and their rows.

A damaged file can make the HDF5 library hang or crash. So this module is also a program: in a process of its own, with
limits on time and memory, it does to a file what the source `hdf5` is about to do, and answers with what is wrong. It
imports nothing of nncli but `errors`, so that it starts at once.

Nothing outside of the named file is read: external links, virtual data sets, external storage and filters that HDF5
would look for in a folder of plugins are refused.

Source: The HDF Group, "HDF5 File Format Specification", version 3.0.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nncli.errors import DataError, Fault, nearest

AGAIN = "copy or download the file again"
LEAST_BLOCKS = 4
"""Blocks of rows that memory must have room for where data are streamed."""
_PLAIN = "save a plain array of integers or floats"
_INSIDE = "nncli reads the named file and no other: copy the data into it"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_LZF: "lzf",
    h5py.h5z.FILTER_NBIT: "nbit",
    h5py.h5z.FILTER_SCALEOFFSET: "scaleoffset",
}
"""Those that the HDF5 library and h5py always have."""
_SIMPLE = {"gzip", "shuffle", "fletcher32", "lzf"}
"""Those that a damaged chunk can make fail, and nothing worse."""
_PACKED = 1032
"""Numbers take so many times their bytes in the file at most, which is deflate's limit; the rest was never written."""
_MOST_LINKS, _MOST_NAMES, _SHOWN = 16, 1000, 400
_STEP = 2**22
"""Bytes read in one go."""
_MIB = 2**20


class _Refused(Exception):
    """Message and hint on a data set."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True)
class Opened:
    """An open file, and the data sets that were asked for, in that order."""

    file: h5py.File
    arrays: tuple[h5py.Dataset, ...]

    @property
    def bytes(self) -> int:
        """Of the numbers of all of them."""
        return sum(map(_bytes, self.arrays))


def open_arrays(path: Path, names: Sequence[str]) -> Opened:
    """Data sets of real numbers. Raises DataError that names the file and each data set that is none."""
    try:
        file = h5py.File(path, "r", rdcc_nbytes=0)
    except Exception as error:  # h5py raises several for damaged files
        raise DataError(Fault(f"is not a readable HDF5 file: {_words(error)}", "", AGAIN, str(path))) from None
    arrays: list[h5py.Dataset] = []
    faults = _faults(path, names, lambda name: arrays.append(_checked(_find(file.id, file.id, name))))
    if faults:
        file.close()
        raise DataError(faults)
    return Opened(file, tuple(arrays))


def shapes(path: Path) -> dict[str, list[int]]:
    """The data sets of a file that could be asked for, with their shapes. Raises DataError."""
    found: dict[str, list[int]] = {}
    with open_arrays(path, ()).file as file:
        for name in islice(_names(file.id), _MOST_NAMES):
            with contextlib.suppress(_Refused):
                found[name] = list(_checked(_find(file.id, file.id, name)).shape)
    return found


def native(array: h5py.Dataset) -> np.dtype[Any]:
    """The type of its numbers in memory."""
    plain: np.dtype[Any] = np.dtype(array.dtype.str)
    return plain.newbyteorder("=")


def rows_together(array: h5py.Dataset) -> int:
    """Rows that lie in one chunk, so that to read one is to read all."""
    return min(len(array), array.chunks[0]) if array.chunks else 1


def read_rows(array: h5py.Dataset, start: int, out: NDArray[Any]) -> None:
    """Write rows from `start` on to `out` (n, …), of the native type. Raises whatever h5py does."""
    kept = out.view(array.dtype.newbyteorder("="))  # of an enumeration HDF5 wants to know the names
    array.read_direct(kept, np.s_[start : start + len(out)])


def check_signature(path: Path) -> None:
    """Raises DataError unless an HDF5 file begins where one may, OSError where it cannot be read."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as stream:
        begin = stream.read(len(_SIGNATURE))
        while place + len(_SIGNATURE) <= size:
            stream.seek(place)
            if stream.read(len(_SIGNATURE)) == _SIGNATURE:
                return
            place = max(512, 2 * place)
    if not begin:
        raise DataError(Fault("the file is empty", "", AGAIN, str(path)))
    hint = "it looks like a NumPy archive, which the source `npz` reads" if begin.startswith(b"PK") else AGAIN
    raise DataError(Fault(f"is no HDF5 file: it begins with {begin.hex(' ')}", "", hint, str(path)))


# -- finding a data set ------------------------------------------------------------------------------------------------


def _faults(path: Path, names: Sequence[str], look: Callable[[str], object]) -> list[Fault]:
    """What is wrong with each data set, as `look` finds."""
    faults = []
    for name in names:
        try:
            look(name)
        except _Refused as refused:
            faults.append(Fault(refused.message, name, refused.hint, str(path)))
        except _Missing as missing:
            faults.append(Fault(f"no data set '{name}'", "", missing.hint(name), str(path)))
        except MemoryError:
            faults.append(Fault("is damaged: to read it takes too much memory", name, AGAIN, str(path)))
        except Exception as error:  # h5py raises nearly anything on damaged files
            faults.append(Fault(f"is damaged: {_words(error)}", name, AGAIN, str(path)))
    return faults


class _Missing(Exception):
    """Nothing has the name that was asked for, in the file of this group."""

    def __init__(self, root: h5py.h5g.GroupID) -> None:
        super().__init__()
        self.root = root

    def hint(self, name: str) -> str:
        known: list[str] = []
        try:
            for found in islice(_names(self.root), _MOST_NAMES):
                known.append(found)
        except Exception:  # the names are a help only
            return ""
        return textwrap.shorten(nearest(name, known) or "it holds no data sets", _SHOWN, placeholder=" …")


def _names(root: h5py.h5g.GroupID) -> Iterator[str]:
    """Of the data sets in a file, as hard links lead to them."""
    seen, groups = set(), [("", root)]
    while groups:
        before, group = groups.pop(0)
        for key in group:
            if group.links.get_info(key).type != h5py.h5l.TYPE_HARD:
                continue
            inner, name = h5py.h5o.open(group, key), before + key.decode("utf-8", "replace")
            address = h5py.h5o.get_info(inner).addr
            if not name.isprintable() or address in seen:
                continue
            seen.add(address)
            if isinstance(inner, h5py.h5d.DatasetID):
                yield name
            elif isinstance(inner, h5py.h5g.GroupID):
                groups.append((f"{name}/", inner))


def _find(root: h5py.h5g.GroupID, start: h5py.h5g.GroupID, path: str, links: int = 0) -> Any:
    """The object of a path, without a step out of the file. Raises _Missing, _Refused."""
    here: Any = root if path.startswith("/") else start
    for part in path.split("/"):
        if part in ("", "."):
            continue
        key = part.encode("utf-8", "surrogateescape")
        if not isinstance(here, h5py.h5g.GroupID) or not here.links.exists(key):
            raise _Missing(root)
        kind = here.links.get_info(key).type
        if kind == h5py.h5l.TYPE_HARD:
            here = h5py.h5o.open(here, key)
        elif kind == h5py.h5l.TYPE_SOFT:
            if links == _MOST_LINKS:
                raise _Refused(f"is a link that leads through more than {_MOST_LINKS} others", "name what it leads to")
            here = _find(root, here, here.links.get_val(key).decode("utf-8", "surrogateescape"), links + 1)
        elif kind == h5py.h5l.TYPE_EXTERNAL:
            other = here.links.get_val(key)[0].decode("utf-8", "replace")
            raise _Refused(f"is a link to another file, {other!a}", _INSIDE)
        else:
            raise _Refused("is a link of a kind that is not HDF5's own", _INSIDE)
    return here


def _checked(found: Any) -> h5py.Dataset:
    """Raises _Refused unless it is a data set of real numbers that is all in this file."""
    if isinstance(found, h5py.h5g.GroupID):
        inside = textwrap.shorten(", ".join(_names(found)), _SHOWN, placeholder=" …")
        raise _Refused("is a group, not a data set", f"name one of those inside: {inside}" if inside else "")
    if not isinstance(found, h5py.h5d.DatasetID):
        raise _Refused("is a type, not a data set", _PLAIN)
    properties = found.get_create_plist()
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise _Refused("is a virtual data set, whose numbers are in other files", _INSIDE)
    if properties.get_external_count():
        raise _Refused("has its numbers in other files", _INSIDE)
    for name in _filters(found):
        if name not in _FILTERS.values():
            hint = "pack it with gzip or lzf, as by `h5repack -f GZIP=4 in.h5 out.h5`"
            raise _Refused(f"is packed with {name}, which nncli does not read", hint)
    array = h5py.Dataset(found)
    _check_type(array)
    if array.shape is None:
        raise _Refused("is empty, it has no shape", "at least one sample is needed")
    return array


def _filters(found: h5py.h5d.DatasetID) -> list[str]:
    properties = found.get_create_plist()
    codes = [properties.get_filter(place)[0] for place in range(properties.get_nfilters())]
    return [_FILTERS.get(code, f"the filter {code}") for code in codes]


def _check_type(array: h5py.Dataset) -> None:
    try:
        dtype = array.dtype
    except TypeError as error:
        raise _Refused(f"is of a type that NumPy does not have: {_words(error)}", _PLAIN) from None
    if dtype.kind in "biuf":
        return
    kinds = {"c": "complex numbers", "S": "texts", "V": "records" if dtype.names else "bytes"}
    what = kinds.get(dtype.kind, str(dtype))
    if h5py.check_string_dtype(dtype) is not None:
        what = "texts"
    elif h5py.check_vlen_dtype(dtype) is not None:
        what = "arrays of different lengths"
    elif h5py.check_ref_dtype(dtype) is not None:
        what = "references to other objects"
    elif dtype.subdtype is not None:
        what = "arrays as elements"
    raise _Refused(f"holds {what}, not real numbers", _PLAIN)


def _bytes(array: h5py.Dataset) -> int:
    return int(math.prod(array.shape)) * int(array.dtype.itemsize)


def _words(error: BaseException) -> str:
    """What a library says, on one line."""
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(said).split()) or type(error).__name__


# -- the examination ---------------------------------------------------------------------------------------------------


def examine(path: Path, names: Sequence[str], memory: int) -> None:
    """Do what the source does with `memory` bytes: samples are the first of the data sets, targets the others.

    Of data that will be held in memory all is read. Of samples that will be streamed the first and the last block are,
    and of all chunks it is seen that they lie inside of the file; what a damaged chunk can do besides being refused
    depends on its filters, and with other filters than the usual ones all is read too. Raises DataError.
    """
    opened = open_arrays(path, names)
    size, held = path.stat().st_size, opened.bytes <= memory
    known = dict(zip(names, opened.arrays, strict=True))

    def look(name: str) -> None:
        array = known[name]
        if not _bytes(array):
            return
        _check_storage(array, size)
        if not held and name == names[0]:
            _check_blocks(array, memory)
            if set(_filters(array.id)) <= _SIMPLE:
                rows = rows_together(array)
                _read(array, 0, rows)
                _read(array, (len(array) - 1) // rows * rows, len(array))
                return
        elif not held:
            _check_targets(array, memory)
        if array.shape:
            _read(array, 0, len(array))

    faults = _faults(path, names, look)
    if faults:
        raise DataError(faults)


def _check_storage(array: h5py.Dataset, size: int) -> None:
    """Raises _Refused where numbers are beyond the end of a file of this size, or most were never written."""
    pieces = [(array.id.get_offset() or 0, array.id.get_storage_size())]
    if array.chunks:
        pieces = []
        array.id.chunk_iter(lambda chunk: pieces.append((chunk.byte_offset, chunk.size)))
    if any(offset + length > size for offset, length in pieces):
        raise _Refused(f"is truncated: its numbers go on after the end of the file at {size} bytes", AGAIN)
    wanted, there = _bytes(array), sum(length for _, length in pieces)
    if wanted > _PACKED * there:
        message = f"has the shape {list(array.shape)}, which takes {wanted} bytes, and the file has {there} of them"
        raise _Refused(message, "was it written to its end?")


def _check_blocks(array: h5py.Dataset, memory: int) -> None:
    rows = rows_together(array)
    least = LEAST_BLOCKS * rows * (_bytes(array) // len(array))
    if least > memory:
        chunk = f"a chunk has {rows} rows" if array.chunks else "a row is too large"
        message = f"cannot be streamed in {memory // _MIB} MiB: {chunk}, four of them take {-(-least // _MIB)} MiB"
        hint = f"give the source `memory: {-(-least // _MIB)}` or more"
        if array.chunks:
            hint += f", or write the file with smaller chunks: `chunks=(64, {', '.join(map(str, array.shape[1:]))})`"
        raise _Refused(message, hint)


def _check_targets(array: h5py.Dataset, memory: int) -> None:
    if _bytes(array) > memory:
        mib = -(-_bytes(array) // _MIB)
        message = f"targets are held in memory, and these take {mib} MiB of the {memory // _MIB} that `memory` allows"
        raise _Refused(message, f"give the source `memory: {mib}` or more")


def _read(array: h5py.Dataset, start: int, stop: int) -> None:
    together = rows_together(array)
    step = together * max(1, _STEP // (together * (_bytes(array) // len(array))))
    out = np.empty((min(step, stop - start), *array.shape[1:]), native(array))
    for first in range(start, stop, step):
        read_rows(array, first, out[: min(step, stop - first)])


def _limit(memory: int, seconds: int) -> None:
    """Bound what this process may take from now on; where the system cannot, the caller's clock is all there is."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    try:
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = taken + memory
    resource.setrlimit(resource.RLIMIT_AS, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Of what a process is for: the shapes of all data sets, or an examination of those with these names."""
    _limit(asked["limit"], asked["seconds"])
    faults: Sequence[Fault] = ()
    found: dict[str, list[int]] = {}
    try:
        if "names" in asked:
            examine(Path(asked["file"]), asked["names"], asked["memory"])
        else:
            found = shapes(Path(asked["file"]))
    except DataError as error:
        faults = error.faults
    except MemoryError:
        faults = [Fault("is damaged: to read it takes too much memory", "", AGAIN, asked["file"])]
    return {"faults": [dataclasses.asdict(fault) for fault in faults], "shapes": found}


if __name__ == "__main__":
    print(json.dumps(_answer(json.loads(sys.argv[1]))))
