"""Whether all of an HDF5 file is in it: a digest proves that a file was not damaged, not that it means well."""

from __future__ import annotations

import math

import h5py

_DEEPEST = 16
_MOST = 100_000
"""Levels of groups, and objects: nothing that nncli writes has nearly as many."""
_LAYOUTS = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS)


def check_inside(file: h5py.File, size: int) -> None:
    """Look at everything in a file of `size` bytes before anything of it is read.

    Raises ValueError at what nncli never writes and a hostile file could hold: links to other files and soft links,
    objects that are linked twice (and so without end), virtual data sets, external storage, filters, and arrays that
    claim more bytes than the file has.
    """
    seen = {h5py.h5o.get_info(file.id).addr}
    groups = [("", file.id, 1)]
    while groups:
        path, group, depth = groups.pop()
        if depth > _DEEPEST:
            raise ValueError(f"{path}: groups inside of each other, more than {_DEEPEST} levels")
        for key in group:
            name = f"{path}/{key.decode('utf-8', 'replace')}"
            if group.links.get_info(key).type != h5py.h5l.TYPE_HARD:
                raise ValueError(f"{name}: is a link to somewhere else")
            found = h5py.h5o.open(group, key)
            address = h5py.h5o.get_info(found).addr
            if address in seen or len(seen) > _MOST:
                raise ValueError(f"{name}: is linked twice" if address in seen else f"more than {_MOST:,} objects")
            seen.add(address)
            if isinstance(found, h5py.h5g.GroupID):
                groups.append((name, found, depth + 1))
            elif isinstance(found, h5py.h5d.DatasetID):
                _check_stored(name, found, size)


def _check_stored(name: str, found: h5py.h5d.DatasetID, size: int) -> None:
    properties = found.get_create_plist()
    if properties.get_layout() not in _LAYOUTS or properties.get_external_count():
        raise ValueError(f"{name}: its values are not stored in one piece in this file")
    claimed = math.prod(found.shape) * found.get_type().get_size()
    if claimed > size:
        raise ValueError(f"{name}: claims {claimed:,} bytes, the file has {size:,}")
