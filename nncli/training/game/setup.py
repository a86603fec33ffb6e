"""A GAN's parts, from its configuration: graphs that fit each other, plans, models, data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nncli.checkpoint import Snapshot
from nncli.data.batches import Loader, Preprocessing
from nncli.data.dataset import Dataset
from nncli.data.fingerprint import Fingerprint, fingerprint
from nncli.data.splits import Splits, open_splits
from nncli.engine import Model, Plan, make_plan
from nncli.engine.model import parameter_bytes, program_bytes
from nncli.engine.plan import plan_with
from nncli.errors import DataError, Fault, SpecError
from nncli.graph import Graph, build
from nncli.parts import Shape
from nncli.randomness import generator
from nncli.spec import LoadedGame
from nncli.spec.config import Input, NodeSpec
from nncli.spec.game import PLAYERS, GameConfig
from nncli.spec.yaml12 import Path as Place
from nncli.training.game.play import Play
from nncli.training.game.reals import Endless, Finite, Reals
from nncli.training.game.spectral import SpectralNorm
from nncli.training.needs import PARAMETERS, WRITING, WRITTEN, Needs, refuse


@dataclass
class GameSetup:
    """A game's parts. `config` is resolved: its `input` says the shape that the data have.

    `density` is what endless data are drawn from, None where there is a finite number of samples.
    """

    config: GameConfig
    base: Path
    graphs: dict[str, Graph]
    plans: dict[str, Plan]
    models: dict[str, Model]
    preprocessing: Preprocessing
    reals: Reals
    samples: dict[str, int]
    density: Any = None
    sources: Mapping[str, Dataset] = field(default_factory=dict)

    @cached_property
    def data(self) -> Fingerprint:
        """What is known of the data that were read."""
        return fingerprint(self.sources)

    def play(self) -> Play:
        norm = self.config.game.spectral_norm
        model = self.models["discriminator"]
        spectral = None
        if norm is not None:
            spectral = SpectralNorm(model.parameters, norm.coefficient, norm.iterations, model.seed)
        return Play(self.config, self.models, self.reals, spectral)

    @property
    def shape(self) -> Shape:
        """Of a sample."""
        return self.graphs["generator"].output

    def close(self) -> None:
        for model in self.models.values():
            model.close()


# -- graphs ------------------------------------------------------------------------------------------------------------


def judged(shape: Shape, pack: int) -> Shape:
    """The shape of what the discriminator sees: the channels of a pack of samples one after the other."""
    return (shape[0] * pack, *shape[1:])


def checked_graphs(loaded: LoadedGame, shape: Shape | None) -> dict[str, Graph]:
    """Both graphs, for samples of this shape, or where it is not known of the generator's.

    Raises SpecError with all faults of the file.
    """
    config, document, faults = loaded.config, loaded.document, list(loaded.faults)
    graphs = {"generator": build(config.generator, (config.latent.dim,), document, faults)}
    g = graphs["generator"]
    made = None if g is None else g.output
    if shape is not None and made is not None and made != shape:
        message = f"the generator makes samples of the shape {list(made)}, the data have {list(shape)}"
        hint = f"let it end in {math.prod(shape)} numbers of the shape {list(shape)}"
        if len(shape) > 1 and made == (math.prod(shape),):
            hint = f"add `- reshape: {list(shape)}` at its end"
        faults.append(document.fault(_end(config.generator, g), message, hint))
    seen = shape or made
    if seen is not None:
        d = graphs["discriminator"] = build(config.discriminator, judged(seen, config.game.pack), document, faults)
        if d is not None:
            faults += _verdict(loaded, d)
    if faults:
        raise SpecError(faults)
    assert all(graph is not None for graph in graphs.values())
    return {name: graph for name, graph in graphs.items() if graph is not None}


def _verdict(loaded: LoadedGame, graph: Graph) -> list[Fault]:
    """What is wrong with the discriminator's end: it is one number, a logit."""
    node, place = graph.nodes[-1], _end(loaded.config.discriminator, graph)
    bounds = node.layer.flat()
    squashes = bounds is not None and all(map(math.isfinite, bounds))
    if squashes or node.type in ("softmax", "log_softmax", "softplus"):
        message = f"the discriminator ends in '{node.type}', but its output is taken for a logit: log D and log(1 − D)"
        message += " are computed from that, without rounding to 0"
        return [loaded.document.fault(place, message, f"remove `{node.type}`, so that it ends in `- dense: 1`")]
    if graph.output != (1,):
        message = f"the discriminator gives {list(graph.output)}, not one number"
        return [loaded.document.fault(place, message, "let it end in `- dense: 1`, after `- flatten` for images")]
    if graph.indices is not None:
        message = "the discriminator reads whole numbers as indices: the generator can learn nothing from it"
        return [loaded.document.fault(("discriminator",), message, "begin it with another layer")]
    return []


def _end(specs: tuple[NodeSpec, ...], graph: Graph | None) -> Place:
    """The place of a graph's last node."""
    assert graph is not None
    return next(spec.place for spec in specs if spec.name == graph.nodes[-1].name)


# -- plans -------------------------------------------------------------------------------------------------------------


def make_plans(config: GameConfig, graphs: Mapping[str, Graph]) -> dict[str, Plan]:
    """One way to share the work for both players, as they take turns in one process.

    Where either is faster with a shard for each thread, both have that; else BLAS's own threads where either wants
    them.
    """
    itemsize = 8 if config.dtype == "float64" else 4
    game = config.game
    sizes = {"generator": game.batch, "discriminator": 2 * game.batch // game.pack}
    alone = [make_plan(graphs[player], sizes[player], itemsize, config.threads) for player in PLAYERS]
    shards = min(max(plan.shards for plan in alone), game.batch // game.pack)
    blas = 1 if shards > 1 else max(plan.blas for plan in alone)
    return {player: plan_with(graphs[player], sizes[player], itemsize, shards, blas) for player in PLAYERS}


def plans_of(snapshot: Snapshot) -> dict[str, Plan]:
    """Those of a checkpoint."""
    return {
        name: Plan(int(plan["shards"]), int(plan["blas"]), plan.get("nodes", {}))
        for name, plan in snapshot.plan.items()
    }


def memory_of(config: GameConfig, graphs: Mapping[str, Graph], plans: Mapping[str, Plan]) -> int:
    """Bytes that the game will take, about, without what writing a checkpoint takes."""
    return sum(size for name, size in needs_of(config, graphs, plans).items() if name != WRITING)


def needs_of(config: GameConfig, graphs: Mapping[str, Graph], plans: Mapping[str, Plan]) -> Needs:
    """What takes how much of it. Each player's programs use one block in turn."""
    game, dtype = config.game, config.dtype
    packs = game.batch // game.pack
    sizes = {"generator": game.batch, "discriminator": 2 * packs}
    needs = {PARAMETERS: 0, f"a batch of {game.batch}": 0, WRITING: 0}
    for player in PLAYERS:
        graph, plan = graphs[player], plans[player]
        kept = len(getattr(config.optimizer, player).slots())
        kept += game.ema is not None if player == "generator" else game.spectral_norm is not None
        needs[PARAMETERS] += parameter_bytes(graph, dtype, 1 + plan.shards + kept)
        needs[f"a batch of {game.batch}"] += program_bytes(graph, plan, dtype, sizes[player], None)
        needs[WRITING] += WRITTEN * parameter_bytes(graph, dtype, 1 + kept)
    sample = math.prod(graphs["generator"].output) * (8 if dtype == "float64" else 4)
    needs[f"a batch of {game.batch}"] += 4 * sample * game.batch
    return needs


def check_memory(loaded: LoadedGame, graphs: Mapping[str, Graph], plans: Mapping[str, Plan]) -> None:
    """Raises UsageError where this machine has less than the game takes."""
    needs = needs_of(loaded.config, graphs, plans)
    refuse("the game", needs, list(graphs.values()), loaded.document.fault, ("game", "batch"))


def player_seed(seed: int, player: str) -> int:
    """A seed of its own for each player: nodes of both may have one name, and must not draw the same numbers."""
    return int(generator(seed, f"player/{player}").integers(2**62))


def make_models(config: GameConfig, graphs: Mapping[str, Graph], plans: Mapping[str, Plan]) -> dict[str, Model]:
    return {
        player: Model(graphs[player], plans[player], config.dtype, seed=player_seed(config.seed, player))
        for player in PLAYERS
    }


# -- all of it ---------------------------------------------------------------------------------------------------------


def open_data(loaded: LoadedGame, only: str | None = None) -> tuple[Splits, dict[str, Graph]]:
    """The data and the graphs for their shape; faults of the file first. Raises SpecError, DataError."""
    config = loaded.config
    if config.data is None:
        loaded.require_data()
    if config.input is not None:
        checked_graphs(loaded, config.input.shape)
    elif loaded.faults:
        checked_graphs(loaded, None)
    assert config.data is not None
    base = loaded.base.resolve()
    splits = open_splits(config.data, base=base, seed=config.seed, kinds={}, given=config.input, only=only)
    return splits, checked_graphs(loaded, splits.shape)


def set_up(
    loaded: LoadedGame, plans: dict[str, Plan] | None = None, fitted: Mapping[str, Mapping[str, Any]] | None = None
) -> GameSetup:
    """All parts of a game; `plans` and what preprocessing has learned, `fitted`, are those of a checkpoint."""
    splits, graphs = open_data(loaded)
    config, base = dataclasses.replace(loaded.config, input=Input(splits.shape)), loaded.base.resolve()
    assert config.data is not None
    plans = plans or make_plans(config, graphs)
    check_memory(loaded, graphs, plans)
    steps = config.data.preprocess
    preprocessing = Preprocessing.fit(steps, splits.train) if fitted is None else Preprocessing.restore(steps, fitted)
    density = density_of(config)
    reals: Reals
    samples: dict[str, int] = {}
    if density is not None:
        reals = Endless(density, preprocessing, config.dtype, config.seed)
    else:
        reals, samples = _finite(config, splits, preprocessing)
    models = make_models(config, graphs, plans)
    return GameSetup(config, base, graphs, plans, models, preprocessing, reals, samples, density, splits.sources)


def density_of(config: GameConfig) -> Any:
    """The density that the data are drawn from; None for samples that are what they are."""
    source: Any = config.data.train if config.data is not None else None
    return source.density() if hasattr(source, "density") else None


def _finite(config: GameConfig, splits: Splits, preprocessing: Preprocessing) -> tuple[Reals, dict[str, int]]:
    assert config.data is not None
    n = len(splits.train)
    if n < config.game.batch:
        message = f"{n} samples to train on, fewer than a batch of {config.game.batch}"
        raise DataError(
            Fault(message, splits.train.x_origin.array, "make `game.batch` smaller", splits.train.x_origin.file)
        )
    held = splits.validation or splits.test or splits.train
    train, held_out = (Loader(split, preprocessing, config.dtype) for split in (splits.train, held))
    samples = {"train": n} | ({"held out": len(held)} if held is not splits.train else {})
    return Finite(train, held_out, config.seed, config.data.shuffle), samples
