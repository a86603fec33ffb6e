"""Snapshots to the bytes of an HDF5 file, and back: which group holds what (format version 1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from nncli.checkpoint.environment import HARDWARE, environment
from nncli.checkpoint.inside import check_inside
from nncli.checkpoint.snapshot import FORMAT_VERSION, History, NamedArray, Network, Players, Snapshot
from nncli.parts import Array

USER_BLOCK = 512
"""Bytes before the HDF5 data, the smallest that HDF5 allows; `files` fills them."""

DESCRIPTIONS = {
    "model": "trained parameters by node; the attribute `axes` of each names its axes",
    "model_ema": "the average of the parameters over the steps, with which figures were measured",
    "generator": "the network that makes samples, as trained; `generator_ema` is better where it is there",
    "discriminator": "the network that tells data from samples",
    "generator_ema": "the average of the generator's parameters over the steps, with which samples are made",
    "discriminator_raw": "what is trained in the place of the discriminator's weights, under spectral normalisation",
    "healthy": "both players when all was well the last time, after `step` steps; a game goes back to them at an alarm",
    "preprocess": "what preprocessing learned from the training split, by step",
    "optimizer": "what the optimizer keeps besides the parameters, by slot, node and parameter",
    "progress": "how far the run has come; with it a run goes on exactly where it stopped",
    "plan": "how the network is worked through: shards of a batch, BLAS threads, algorithms of nodes",
    "history": "figures per training step and per epoch, each beside its index",
    "timing": "seconds; apart from the history, because they differ from run to run",
}
STATE, PROBE, DIAGNOSE, ROLLBACK, HEALTHY = "state", "probe", "diagnose", "rollback", "healthy"
NETWORKS = ("generator", "discriminator", "generator_ema", "discriminator_raw")


def to_bytes(snapshot: Snapshot) -> bytes:
    """The HDF5 data without the user block. Equal snapshots give equal bytes: nothing in them tells the time.

    The file is made in memory, so that a full disk meets plain writing and not the HDF5 library, which may not survive.
    """
    with h5py.File("checkpoint", "w", driver="core", backing_store=False, userblock_size=USER_BLOCK) as file:
        _root(file, snapshot)
        if not snapshot.networks:
            _network(_group(file, "model"), Network(snapshot.model, snapshot.state))
        if snapshot.model_ema:
            _network(_group(file, "model_ema"), Network(snapshot.model_ema))
        for name, network in snapshot.networks.items():
            _network(_group(file, name), network)
        if snapshot.healthy is not None:
            group = _group(file, HEALTHY)
            group["step"] = snapshot.healthy.step
            for name, network in snapshot.healthy.networks.items():
                _network(group.create_group(name, track_order=True), network)
            _tree(group.create_group("optimizer", track_order=True), snapshot.healthy.optimizer)
        _tree(_group(file, "preprocess"), snapshot.preprocess)
        _tree(_group(file, "optimizer"), snapshot.optimizer)
        _tree(_group(file, "progress"), snapshot.progress)
        _tree(_group(file, "plan"), snapshot.plan)
        history = _group(file, "history")
        for name, index, figures in (
            ("step", snapshot.history.step, snapshot.history.steps),
            ("epoch", snapshot.history.epoch, snapshot.history.epochs),
        ):
            group = history.create_group(name, track_order=True)
            _tree(group, {name: index, **figures})
            group[name].attrs["description"] = "the index of the others, from 1"
        if snapshot.history.probe:
            group = history.create_group(PROBE, track_order=True)
            group.attrs["description"] = (
                "what was seen inside the network; `step` were done before, `samples` looked at"
            )
            _tree(group, snapshot.history.probe)
        if snapshot.history.diagnose:
            group = history.create_group(DIAGNOSE, track_order=True)
            group.attrs["description"] = "figures of the game; `step` were done before each"
            _tree(group, snapshot.history.diagnose)
        if snapshot.history.rollback:
            group = history.create_group(ROLLBACK, track_order=True)
            group.attrs["description"] = "each time that the run diverged and went back; steps count from 1"
            _tree(group, snapshot.history.rollback)
        _tree(_group(file, "timing"), snapshot.timing)
        file.flush()
        return bytes(file.id.get_file_image())


def _root(file: h5py.File, snapshot: Snapshot) -> None:
    file.attrs.update(
        {
            "format_version": FORMAT_VERSION,
            "kind": snapshot.kind,
            "config": snapshot.config,
            "config_sha256": hashlib.sha256(snapshot.config.encode()).hexdigest(),
            "config_dir": snapshot.config_dir,
            "dtype": snapshot.dtype,
            "threads": snapshot.threads,
            "class_names": np.array(snapshot.class_names, dtype=h5py.string_dtype()),
            "plugins": np.array(list(snapshot.plugins), dtype=h5py.string_dtype()),
            "plugins_sha256": np.array(list(snapshot.plugins.values()), dtype=h5py.string_dtype()),
            **{name if name in HARDWARE else f"{name}_version": value for name, value in environment().items()},
        }
    )
    if snapshot.data:
        file.attrs["data"] = json.dumps(snapshot.data, ensure_ascii=False)


def _group(file: h5py.File, name: str) -> h5py.Group:
    group = file.create_group(name, track_order=True)
    group.attrs["description"] = DESCRIPTIONS[name]
    return group


def _network(group: h5py.Group, network: Network) -> None:
    """A group for each node: its parameters, and in a group of its own what is kept besides."""
    for node in {**network.parameters, **network.state}:
        inside = group.create_group(node, track_order=True)
        for name, named in network.parameters.get(node, {}).items():
            _named(inside, name, named)
        if node in network.state:
            inner = inside.create_group(STATE, track_order=True)
            inner.attrs["description"] = "kept with the node but not trained"
            for name, named in network.state[node].items():
                _named(inner, name, named)


def _named(group: h5py.Group, name: str, named: NamedArray) -> None:
    dataset = group.create_dataset(name, data=named.array)
    dataset.attrs["axes"] = np.array(named.axes, dtype=h5py.string_dtype())


def _tree(group: h5py.Group, values: Mapping[str, Any]) -> None:
    """Mappings as groups, all else as datasets, in order."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            _tree(group.create_group(name, track_order=True), value)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "U":
            group.create_dataset(name, data=value.astype(object), dtype=h5py.string_dtype())
        else:
            group.create_dataset(name, data=value)


def from_file(path: str) -> Snapshot:
    """The snapshot in a file whose digest is right. Raises KeyError, TypeError or ValueError where the structure of
    format version 1 is missing, OSError where it is no HDF5."""
    with h5py.File(path, "r") as file:
        check_inside(file, file.userblock_size + file.id.get_filesize())
        attributes = dict(file.attrs)
        networks = {name: _read_network(file[name]) for name in NETWORKS if name in file}
        alone = Network() if networks else _read_network(file["model"])
        history = {name: _read_tree(file["history"][name]) for name in ("step", "epoch")}
        probe, diagnose, rollback = (_read_tree(file["history"].get(name, {})) for name in (PROBE, DIAGNOSE, ROLLBACK))
        return Snapshot(
            kind=str(attributes["kind"]),
            config=str(attributes["config"]),
            config_dir=str(attributes["config_dir"]),
            dtype=str(attributes["dtype"]),
            threads=int(attributes["threads"]),
            class_names=tuple(str(name) for name in attributes["class_names"]),
            model=alone.parameters,
            model_ema=_read_network(file["model_ema"]).parameters if "model_ema" in file else {},
            state=alone.state,
            networks=networks,
            healthy=_read_players(file[HEALTHY]) if HEALTHY in file else None,
            preprocess=_read_tree(file["preprocess"]),
            optimizer=_read_tree(file["optimizer"]),
            progress=_plain(_read_tree(file["progress"])),
            plan=_plain(_read_tree(file["plan"])),
            history=History(
                step=history["step"].pop("step"),
                steps=history["step"],
                epoch=history["epoch"].pop("epoch"),
                epochs=history["epoch"],
                probe=probe,
                diagnose=diagnose,
                rollback=rollback,
            ),
            timing=_read_tree(file["timing"]),
            plugins=dict(
                zip(
                    map(str, attributes.get("plugins", ())), map(str, attributes.get("plugins_sha256", ())), strict=True
                )
            ),
            format_version=int(attributes["format_version"]),
            versions={
                name.removesuffix("_version"): str(value)
                for name, value in attributes.items()
                if name.endswith("_version") and name != "format_version"
            }
            | {name: str(attributes[name]) for name in HARDWARE if name in attributes},
            data=_data(attributes.get("data", "{}")),
        )


def _data(text: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """What is known of the data. Raises ValueError where the text says something else."""
    try:
        data = json.loads(str(text))
        known = all(
            all(isinstance(array[name], str) for name in ("file", "array", "dtype", "digest"))
            and all(type(length) is int for length in array["shape"])
            for split in data.values()
            for array in split.values()
        )
    except (AttributeError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise ValueError("the attribute 'data' does not say what was read")
    return dict(data)


def _read_players(group: h5py.Group) -> Players:
    networks = {name: _read_network(group[name]) for name in NETWORKS if name in group}
    return Players(int(_array(group["step"])), networks, _read_tree(group["optimizer"]))


def _read_network(group: h5py.Group) -> Network:
    parameters: dict[str, dict[str, NamedArray]] = {}
    state: dict[str, dict[str, NamedArray]] = {}
    for node, inside in group.items():
        arrays = {name: _named_array(item) for name, item in inside.items() if isinstance(item, h5py.Dataset)}
        if arrays:
            parameters[node] = arrays
        if isinstance(inside.get(STATE), h5py.Group):
            state[node] = {name: _named_array(item) for name, item in inside[STATE].items()}
    return Network(parameters, state)


def _named_array(dataset: h5py.Dataset) -> NamedArray:
    return NamedArray(_array(dataset), tuple(str(axis) for axis in dataset.attrs["axes"]))


def _array(dataset: h5py.Dataset) -> Array:
    """Numbers or texts; anything else (references, objects) has no place in a checkpoint."""
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"{dataset.name} is not a dataset")
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.asarray(dataset.asstr()[()], dtype=object)
    if dataset.dtype.kind not in "biuf":
        raise TypeError(f"{dataset.name} has the type {dataset.dtype}")
    return np.asarray(dataset[()])


def _read_tree(group: h5py.Group) -> dict[str, Any]:
    return {name: _read_tree(item) if isinstance(item, h5py.Group) else _array(item) for name, item in group.items()}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Single numbers and texts as Python's, longer arrays as they are."""
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            plain[name] = _plain(value)
        else:
            plain[name] = value.item() if value.ndim == 0 else value
    return plain
