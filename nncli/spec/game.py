"""The sections of a GAN's configuration, as frozen dataclasses, and how they are read.

A configuration is a GAN's if it has any section that only those have (`PLAYERS`, `latent`, `game`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator

from nncli.errors import Fault, SpecError
from nncli.fields import Choice, Count, Decay, EverySteps, Positive, Section
from nncli.game_losses.nonsaturating import Nonsaturating
from nncli.optimizers.adam import Adam
from nncli.parts import Optimizer, Schedule, Step
from nncli.registry import section
from nncli.responses.stop import Stop
from nncli.schedules.constant import Constant
from nncli.spec.config import SECTIONS, Data, Ema, Input, NodeSpec, decaying
from nncli.spec.decode import default_name, in_order, network_of, sections_of
from nncli.spec.words import shown
from nncli.spec.yaml12 import Document

PLAYERS = ("generator", "discriminator")


def _alone(name: str) -> Callable[[Any], Any]:
    """A number alone stands for this field."""

    def expand(value: Any) -> Any:
        return {name: value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    return expand


@section
@dataclass(frozen=True, slots=True)
class Latent:
    """What the generator makes samples from: `dim` independent numbers.

    Their `distribution` is `normal` (standard) or `uniform` from −1 to 1.
    """

    dim: Count
    distribution: Literal["normal", "uniform"] = "normal"


@section
@dataclass(frozen=True, slots=True)
class InstanceNoise:
    """Normal noise on all that the discriminator sees, data and samples, of standard deviation `std` at first.

    It fades along a straight line and is gone after the share `until` of the steps. `std` is in the units that the
    discriminator sees, after preprocessing.

    Source: Sønderby et al. 2017, arXiv:1610.04490; Arjovsky & Bottou 2017, arXiv:1701.04862.
    """

    std: Positive
    until: Annotated[float, Gt(0), Le(1)] = 1.0


@section
@dataclass(frozen=True, slots=True)
class SpectralNorm:
    """Weights of the discriminator divided by their largest singular value, times `coefficient`.

    The singular value comes from `iterations` steps of the power iteration for each step of the discriminator, which
    go on where the last one ended. Biases and gains are left as they are.

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1.
    """

    coefficient: Positive = 1.0
    iterations: Count = 1


@section
@dataclass(frozen=True, slots=True)
class Game:
    """The rules: `steps` steps of the generator, and `d_steps` of the discriminator before each, on `batch` samples.

    `loss` says what the players make small. With `pack` m the discriminator sees m samples at once and judges whether
    all are data; the batch is cut into such packs. `label_smoothing` ε makes the discriminator's target for data 1 − ε.
    `instance_noise` is added to all that it sees, `spectral_norm` bounds its slope, and `clip` its weights, as
    `wasserstein` needs it. `ema` keeps an average of the generator's weights, with which samples are made and figures
    measured. `on_divergence` says what follows a loss or gradient that is not finite.
    """

    loss: Annotated[Any, Choice("game_loss")] = field(default_factory=Nonsaturating)
    steps: Count = 10_000
    batch: Count = 64
    d_steps: Count = 1
    pack: Count = 1
    label_smoothing: Decay = 0.0
    instance_noise: (
        Annotated[
            InstanceNoise, Section(), BeforeValidator(_alone("std"), json_schema_input_type=Positive | InstanceNoise)
        ]
        | None
    ) = None
    spectral_norm: (
        Annotated[
            SpectralNorm,
            Section(),
            BeforeValidator(_alone("coefficient"), json_schema_input_type=Positive | SpectralNorm),
        ]
        | None
    ) = None
    clip: Positive | None = None
    ema: Annotated[Ema, Section(), BeforeValidator(decaying, json_schema_input_type=Decay | Ema)] | None = None
    on_divergence: Annotated[Any, Choice("response")] = field(default_factory=Stop)


def _usual() -> Optimizer:
    """As Radford, Metz & Chintala 2016, arXiv:1511.06434, and most after them."""
    return Adam(lr=2e-4, beta1=0.5)


@section
@dataclass(frozen=True, slots=True)
class Optimizers:
    """The optimizer of each player, `generator` and `discriminator`; one for both stands there by itself.

    The default is Adam with a step size of 2e-4 and β₁ of 0.5.
    """

    generator: Annotated[Any, Choice("optimizer")] = field(default_factory=_usual)
    discriminator: Annotated[Any, Choice("optimizer")] = field(default_factory=_usual)


@section
@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedule of each player's step size, `generator` and `discriminator`; one for both stands by itself."""

    generator: Annotated[Any, Choice("schedule")] = field(default_factory=Constant)
    discriminator: Annotated[Any, Choice("schedule")] = field(default_factory=Constant)


@section
@dataclass(frozen=True, slots=True)
class GameCheckpoints:
    """When checkpoints are written.

    `last.h5` is written every `last` and at the end, numbered ones every `every`. Both are a number of steps, or a
    text: `200 steps`, or a time such as `30s`, `10m` or `1h30m`, looked at after each step.
    """

    every: EverySteps | None = None
    last: EverySteps = 1000


@section
@dataclass(frozen=True, slots=True)
class GameDiagnose:
    """Every `every` steps the game is looked at, on `samples` samples of the data and as many of the generator.

    At an alarm `on_alarm` lets it go on with a warning (`warn`), ends it (`stop`), or takes both players back to where
    they were when all was well the last time (`rollback`); steps are counted on, so that other samples follow.
    """

    every: Count = 200
    samples: Annotated[int, Ge(32)] = 500
    on_alarm: Literal["warn", "stop", "rollback"] = "warn"


@section
@dataclass(frozen=True, slots=True)
class Sampling:
    """Every `every` steps, and at the end, samples are made from the same `fixed_noise` numbers of latent vectors."""

    every: Count = 1000
    fixed_noise: Count = 64


@dataclass(frozen=True, slots=True)
class GameConfig:
    """A whole configuration of a GAN, validated. `None` stands for a section that the file does not have.

    `name` names the run and its folder. `plugins` are Python files that register parts of the user's own. `seed` is
    that of all random numbers. `dtype` is the type of all arrays of the networks. `threads` is how many to use at most.
    `input` says the samples' shape where there is no data. `data` says where samples come from. `latent` is what the
    generator reads, `generator` and `discriminator` are lists of layers, as `network` is elsewhere; `blocks` are lists
    of layers that they use by name. `game` says how they play. `optimizer` changes the parameters, `schedule` its step
    size during the run; both may be given for each player. `checkpoint` says when the run is stored, `diagnose` when
    the game is looked at, `sample` when samples are made.
    """

    name: str
    generator: tuple[NodeSpec, ...]
    discriminator: tuple[NodeSpec, ...]
    latent: Latent
    game: Game
    optimizer: Optimizers
    schedule: Schedules
    plugins: tuple[str, ...] = ()
    seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"
    threads: int | None = None
    input: Input | None = None
    data: Data | None = None
    checkpoint: GameCheckpoints = field(default_factory=GameCheckpoints)
    diagnose: GameDiagnose = field(default_factory=GameDiagnose)
    sample: Sampling = field(default_factory=Sampling)


SIDED: dict[str, tuple[type, Any]] = {
    "optimizer": (Optimizers, Annotated[Any, Choice("optimizer")]),
    "schedule": (Schedules, Annotated[Any, Choice("schedule")]),
}

GAME_SECTIONS: dict[str, Any] = {
    **{name: SECTIONS[name] for name in ("name", "plugins", "seed", "dtype", "threads", "input", "data")},
    "latent": Annotated[Latent, Section(), BeforeValidator(_alone("dim"), json_schema_input_type=Count | Latent)],
    "game": Annotated[Game, Section()],
    "optimizer": Annotated[Optimizers, Section()],
    "schedule": Annotated[Schedules, Section()],
    "checkpoint": Annotated[GameCheckpoints, Section()],
    "diagnose": Annotated[GameDiagnose, Section()],
    "sample": Annotated[Sampling, Section()],
}
"""The type of each top-level section but the two networks, whose entries are read one by one."""
GAME_TOP = [*GAME_SECTIONS, "blocks", *PLAYERS]
GAME_ONLY = ("latent", *PLAYERS, "game")
"""Sections that tell a GAN's configuration from others."""


def is_game(plain: Any) -> bool:
    """Whether a document is that of a GAN."""
    return isinstance(plain, dict) and any(name in plain for name in GAME_ONLY)


def sided(name: str, plain: Any) -> bool:
    """Whether a section that may be given for each player is."""
    return isinstance(plain, Mapping) and any(player in plain for player in PLAYERS)


def section_type(name: str, plain: Any) -> Any:
    """The type of what stands in a section: for both players at once or for each."""
    return SIDED[name][1] if name in SIDED and plain is not None and not sided(name, plain) else GAME_SECTIONS[name]


def decode_game(document: Document) -> tuple[GameConfig, list[Fault]]:
    """The configuration and all faults found. Sections that are faulty have their defaults in it; layers are None.

    Raises SpecError where nothing can be read, because the document is no mapping.
    """
    plain = document.plain
    if not isinstance(plain, dict):
        what = "the file is empty" if plain is None else f"expected sections, found {shown(plain)}"
        hint = "the configuration of a GAN begins with sections such as `generator:`"
        raise SpecError(document.fault((), what, hint))
    faults: list[Fault] = []
    known = {name: section_type(name, plain.get(name)) for name in GAME_SECTIONS}
    values = {key: value for key, value in sections_of(document, known, GAME_TOP, faults).items() if value is not None}
    for name, (cls, _) in SIDED.items():
        if isinstance(values.get(name), Optimizer | Schedule):
            values[name] = cls(values[name], values[name])
    game = values.setdefault("game", Game())
    _check(game, values.get("schedule"), document, faults)
    for name in ("augment", "standardize_targets"):
        if getattr(values.get("data"), name, None):
            message = "a game plays with the data as they are"
            faults.append(document.fault(("data", name), message, "leave it out; it is for `nncli train`"))
    for place, step in enumerate(values["data"].preprocess if values.get("data") is not None else ()):
        if type(step).transform is not Step.transform:
            message = f"'{step.type_name}' changes the shape of samples and cannot be undone: a game could not show any"
            faults.append(document.fault(("data", "preprocess", place), message, "play with the data themselves"))
    if plain.get("latent") is None:
        message = "the section 'latent' is required"
        faults.append(document.fault((), message, "write `latent: {dim: 64}`: how many numbers the generator reads"))
    given: dict[str, Any] = {"name": default_name(document.file), "latent": Latent(1)}
    given |= {"optimizer": Optimizers(), "schedule": Schedules()} | values
    given |= {player: network_of(document, faults, player) for player in PLAYERS}
    return GameConfig(**given), in_order(faults)


def _check(game: Game, schedules: Schedules | None, document: Document, faults: list[Fault]) -> None:
    """What fields of `game` may not be together, and schedules that have nothing to watch."""
    loss = game.loss.type_name
    if game.clip is not None and game.loss.clips is None:
        hint = "leave it out, or write `loss: wasserstein`; `spectral_norm` bounds the slope under any loss"
        faults.append(document.fault(("game", "clip"), f"weights are not clipped under the loss '{loss}'", hint))
    if game.clip is not None and game.spectral_norm is not None:
        message = "`clip` and `spectral_norm` both bound the discriminator's weights"
        faults.append(document.fault(("game", "clip"), message, "leave one of them out"))
    if game.label_smoothing and not game.loss.smooths:
        message = f"the loss '{loss}' has no labels that could be smoothed"
        hint = "leave it out; labels have `minimax`, `nonsaturating` and `least_squares`"
        faults.append(document.fault(("game", "label_smoothing"), message, hint))
    if game.batch % game.pack:
        message = f"a batch of {game.batch} cannot be cut into packs of {game.pack}"
        below = game.batch - game.batch % game.pack
        hint = f"`game.batch: {below or game.pack}` can"
        faults.append(document.fault(("game", "pack"), message, hint))
    for player in PLAYERS if schedules is not None else ():
        schedule = getattr(schedules, player)
        if schedule.watches() is not None:
            path = ("schedule", player) if sided("schedule", document.at(("schedule",))) else ("schedule",)
            message = f"the schedule '{schedule.type_name}' watches a figure after each epoch; a game has none"
            faults.append(document.fault(path, message, "use `linear`, `cosine` or `constant`"))
