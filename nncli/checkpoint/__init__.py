"""Checkpoints: named arrays, history and text to one HDF5 file that anyone can inspect, and back."""

from nncli.checkpoint.atomic import replace
from nncli.checkpoint.files import lock, match, read, resolve, write
from nncli.checkpoint.snapshot import FORMAT_VERSION, History, NamedArray, Network, Snapshot

__all__ = [
    "FORMAT_VERSION",
    "History",
    "NamedArray",
    "Network",
    "Snapshot",
    "lock",
    "match",
    "read",
    "replace",
    "resolve",
    "write",
]
