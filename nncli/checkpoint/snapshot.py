"""What one checkpoint holds, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from nncli.parts import Array

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class NamedArray:
    """An array in the order of axes that other tools expect (batch-free, (out, in, …)), with the axes' names."""

    array: Array
    axes: tuple[str, ...] = ()


Nodes: TypeAlias = Mapping[str, Mapping[str, NamedArray]]


@dataclass(frozen=True, slots=True)
class Network:
    """One of several networks: its trained parameters and what is kept besides, both by node and name."""

    parameters: Nodes = field(default_factory=dict)
    state: Nodes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """Figures by name, one value for each entry of the index beside them: `step` and `epoch`, both from 1.

    `probe` holds what was seen inside the network, where it was looked at: `step` and `samples`, and `nodes` with
    figures by node and name. Empty where it never was. `diagnose` holds the figures of a game by name, and `step`, how
    many steps were done before each. `rollback` has a row for each time that the run diverged and went back: the `step`
    that was not taken, `to` how many steps, and what the step size was multiplied by from then on, `step_size`.
    """

    step: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    steps: Mapping[str, Array] = field(default_factory=dict)
    epoch: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    epochs: Mapping[str, Array] = field(default_factory=dict)
    probe: Mapping[str, Any] = field(default_factory=dict)
    diagnose: Mapping[str, Array] = field(default_factory=dict)
    rollback: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Players:
    """The networks of a game after `step` steps, and by network what its optimizer kept."""

    step: int
    networks: Mapping[str, Network]
    optimizer: Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is needed to go on, to evaluate, and to understand what was trained.

    `config` is the resolved YAML text, `config_dir` the folder that its paths are relative to. `model` and `state`
    are arrays by node and name, `optimizer` by slot, node and parameter, `preprocess` by step and name. `timing`
    differs from run to run and is kept apart from `history`. `networks` are those of a run that has several: of a GAN
    `generator`, `discriminator`, and where there is one its average `generator_ema`; `model` is empty then, and
    `optimizer` is by network first. `healthy` are the players to which a game goes back at an alarm, where it does.
    `plugins` are the SHA-256 of the plugins that ran, by
    their paths in the configuration. `data` tells by split and array what was read: `file`, `array`, `shape`, `dtype`
    and `digest`; it is empty in checkpoints of before this was kept. `versions`, with `cpu` and `blas` where they are
    known, is filled when a file is read.
    """

    kind: str
    config: str
    config_dir: str
    dtype: str
    threads: int
    class_names: tuple[str, ...] = ()
    model: Nodes = field(default_factory=dict)
    model_ema: Nodes = field(default_factory=dict)
    state: Nodes = field(default_factory=dict)
    preprocess: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    healthy: Players | None = None
    optimizer: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    timing: Mapping[str, Array] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION
    versions: Mapping[str, str] = field(default_factory=dict)
