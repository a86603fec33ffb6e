"""`gradcheck` of a GAN: the gradients of both players through the whole game, as it is played."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nncli.data.batches import Preprocessing
from nncli.errors import DataError
from nncli.gradcheck.check import Options, check_array
from nncli.gradcheck.network import Row, through
from nncli.gradcheck.walk import Walk
from nncli.gradcheck.witness import Witness, disagreements
from nncli.graph import Graph
from nncli.parts import Array
from nncli.randomness import generator
from nncli.spec import LoadedGame
from nncli.spec.game import PLAYERS
from nncli.training.game.play import Play, Player
from nncli.training.game.setup import GameSetup, check_memory, checked_graphs, make_models, make_plans, set_up

MOVED = 0.1
"""Size of the random numbers added to arrays that start constant: zero biases would hide faults."""


class Noise:
    """Stands in for data: normal numbers."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fill(self, out: Array, number: int) -> None:
        out[...] = generator(self.seed, "data", 0, number).normal(size=out.shape)

    held_out = fill

    def passes(self, batch: int) -> int:
        return 1


class Side:
    """A player's arrays, and its loss in one step of the game as the only output."""

    def __init__(self, play: Play, name: str) -> None:
        self.play, self.name = play, name
        self.player: Player = play.players[name]
        self.c: Array = np.ones(())
        spectral = play.spectral if name == "discriminator" else None
        self.spectral = spectral
        self.parameters = self.player.model.parameters if spectral is None else spectral.raw
        self.arrays = {
            f"{node}/{array}": view for node, arrays in self.parameters.views.items() for array, view in arrays.items()
        }

    @property
    def terms(self) -> float:
        return max(1.0, float(np.abs(self.play.logits).max(initial=0.0)))

    @property
    def values(self) -> Mapping[str, Array]:
        return self.arrays

    def axes(self, name: str) -> tuple[str, ...]:
        return self.parameters.entry(*name.rsplit("/", 1)).parameter.axes

    def forward(self) -> Array:
        if self.spectral is not None:
            self.spectral.refresh(0)
        if self.name == "generator":
            return np.asarray(self.play.generator_gradient(0))
        loss = self.play.discriminator_gradient(0, 0)
        self.play.gather("discriminator")
        return np.asarray(loss)

    def gradients(self, c: Array | None = None) -> Mapping[str, Array]:
        if self.spectral is not None:
            self.spectral.refresh(0)
        if self.name == "generator":
            self.play.generator_gradient(0)
        else:
            self.play.discriminator_gradient(0, 0)
        self.play.gather(self.name)
        views = self.parameters.views_of(self.player.model.gradients[0])
        return {f"{node}/{name}": view.copy() for node, arrays in views.items() for name, view in arrays.items()}


def small(loaded: LoadedGame, random: bool, samples: int) -> GameSetup:
    """The game on a few samples, in float64."""
    config = loaded.config
    samples += -samples % config.game.pack
    game = dataclasses.replace(config.game, batch=samples)
    loaded = dataclasses.replace(loaded, config=dataclasses.replace(config, dtype="float64", game=game))
    if not random:
        try:
            return set_up(loaded)
        except DataError as error:
            hint = "--random checks on random numbers, with the shape that `input` or the generator says"
            faults = [dataclasses.replace(f, hint=f"{f.hint}; {hint}" if f.hint else hint) for f in error.faults]
            raise DataError(faults) from None
    config = loaded.config
    graphs = checked_graphs(loaded, None if config.input is None else config.input.shape)
    plans = make_plans(config, graphs)
    check_memory(loaded, graphs, plans)
    models = make_models(config, graphs, plans)
    return GameSetup(config, loaded.base, graphs, plans, models, Preprocessing(), Noise(config.seed), {})


def rows_of(setup: GameSetup, options: Options, against: Witness | None) -> Iterator[Row]:
    """Every array of every node: the node by itself on what it meets in the game, and as what its player's loss depends
    on through the whole game. In the order of the way back: the discriminator first."""
    play = setup.play()
    play.begin()
    for player in play.players.values():
        _move_constants(player, setup.config.seed)
    if play.spectral is not None:
        play.spectral.start()
    with setup.models["generator"].limits(), np.errstate(all="ignore"):
        for name in reversed(PLAYERS):
            side = Side(play, name)
            untouched = _touches(play, name)
            cells = _cells(play, name)
            graph = play.players[name].model.graph
            for index in range(len(graph.nodes) - 1, -1, -1):
                yield from _node(side, graph, index, cells, untouched, options, against)
                untouched = ""


def _node(
    side: Side, graph: Graph, index: int, cells: Walk, touched: str, options: Options, against: Witness | None
) -> Iterator[Row]:
    node, cell = graph.nodes[index], cells.cells[index]
    trespass = cell.trespass()
    gradients = cell.gradients()
    heard = disagreements(against, cell, cells.values[index], gradients) if against is not None else None
    for array in gradients:
        whole = None
        if array in node.declared.parameters and node.shares is None:
            whole = through(side, f"{node.name}/{array}", options.seed)
        found = check_array(cell, array, options)
        memory = trespass or touched
        yield Row(f"{side.name}.{node.name}", node.type, found, whole, memory, (heard or {}).get(array), bool(trespass))


def _cells(play: Play, name: str) -> Walk:
    """A player's nodes, each alone, on what they meet in a step of the game."""
    player = play.players[name]
    play.generator_gradient(0)
    x = play.z
    if name == "discriminator":
        x = np.empty((*player.model.graph.input, play.packs), play.fake.dtype)
        play.packed(play.fake, x, 0)
    model = player.model
    return Walk(model.graph, model.parameters.views, model.plan, (), x.copy(), {}, model.seed)


def _touches(play: Play, name: str) -> str:
    """What a step of one player changes of the other's; empty where nothing is."""
    other = next(player for player in play.players if player != name)
    parameters = play.players[other].model.parameters
    before = [parameters.w.copy(), *_states(parameters)]
    Side(play, name).gradients()
    after = [parameters.w, *_states(parameters)]
    # the generator's running statistics follow all of its samples, those for the discriminator's step too
    both = zip(before[:1] if other == "generator" else before, after, strict=False)
    if all(np.array_equal(old, new) for old, new in both):
        return ""
    return f"a step of the {name} changes the {other}"


def _states(parameters: Any) -> list[Array]:
    return [array.copy() for arrays in parameters.state.values() for array in arrays.values()]


def _move_constants(player: Player, seed: int) -> None:
    parameters = player.model.parameters
    for entry in parameters.entries:
        value = parameters.views[entry.node][entry.name]
        if value.size and np.ptp(value) == 0:
            value += MOVED * generator(seed, f"gradcheck/{entry.node}/{entry.name}").normal(size=value.shape)
