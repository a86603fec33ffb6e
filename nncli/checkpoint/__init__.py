"""Checkpoints: named arrays, history and text to one HDF5 file that anyone can inspect, and back."""

from nncli.checkpoint.atomic import clean, flush_folder, is_temporary, replace
from nncli.checkpoint.differences import differences
from nncli.checkpoint.environment import differing, environment
from nncli.checkpoint.files import LOCK, lock, match, read, resolve, write
from nncli.checkpoint.snapshot import FORMAT_VERSION, History, NamedArray, Network, Players, Snapshot

__all__ = [
    "FORMAT_VERSION",
    "LOCK",
    "History",
    "NamedArray",
    "Network",
    "Players",
    "Snapshot",
    "clean",
    "differences",
    "differing",
    "environment",
    "flush_folder",
    "is_temporary",
    "lock",
    "match",
    "read",
    "replace",
    "resolve",
    "write",
]
