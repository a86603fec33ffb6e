"""The configuration of a GAN: its sections, its refusals with place and reason, overrides, text and schema."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nncli.errors import SpecError
from nncli.parts import Step
from nncli.spec import LoadedGame, dump, load, load_any, load_game, read_game
from nncli.spec.config import NodeSpec
from nncli.spec.game import GAME_ONLY, GAME_SECTIONS, GAME_TOP, PLAYERS, Game, GameConfig, Optimizers, Schedules
from nncli.spec.schema import json_schema
from nncli.spec.yaml12 import parse
from nncli.training.game.setup import checked_graphs
from tests.spec.strategies import NAMES, accepts, chosen, of
from tests.spec.test_schema import lists

TEXT = """
name: pair
input: {shape: [2]}
latent: 3
generator: [{dense: 4}, relu, {dense: 2}]
discriminator: [{dense: 4}, relu, {dense: 1}]
game: {loss: minimax, steps: 9, batch: 6, ema: 0.9}
"""


def read(more: str = "", *overrides: str) -> LoadedGame:
    return read_game(TEXT + more, "pair.yaml", overrides)


def messages(more: str = "", *overrides: str) -> list[str]:
    """All faults, those that need the graphs among them."""
    loaded = read(more, *overrides)
    try:
        checked_graphs(loaded, (2,))
    except SpecError as error:
        return [str(fault) for fault in error.faults]
    return []


def test_defaults() -> None:
    config = read().config
    assert read().faults == []
    assert config.game == replace(Game(), loss=config.game.loss, steps=9, batch=6, ema=config.game.ema)
    assert config.game.ema is not None
    assert (config.game.ema.decay, config.game.ema.warmup) == (0.9, 10)
    assert config.optimizer.generator.lr == 2e-4
    assert config.optimizer.discriminator.beta1 == 0.5
    assert config.schedule.generator.type_name == "constant"
    assert (config.latent.dim, config.latent.distribution) == (3, "normal")
    assert (config.diagnose.every, config.diagnose.on_alarm) == (200, "warn")


def test_one_optimizer_for_both_players_or_one_for_each() -> None:
    both = read("optimizer: {sgd: 0.1}\nschedule: linear\n").config
    assert both.optimizer.generator == both.optimizer.discriminator
    assert both.optimizer.generator.type_name == "sgd"
    each = read("optimizer: {generator: {sgd: 0.1}}\nschedule: {discriminator: linear}\n").config
    assert each.optimizer == Optimizers(generator=both.optimizer.generator)
    assert each.schedule == Schedules(discriminator=both.schedule.discriminator)


FAULTS: dict[str, tuple[str, str, str]] = {
    "clip without wasserstein": (
        "", "game.clip=0.1", "game.clip: weights are not clipped under the loss 'minimax'",
    ),
    "smoothing with hinge": (
        "", "game={loss: hinge, label_smoothing: 0.1, batch: 6}",
        "game.label_smoothing: the loss 'hinge' has no labels that could be smoothed",
    ),
    "smoothing with wasserstein": (
        "", "game={loss: wasserstein, label_smoothing: 0.1, batch: 6}",
        "game.label_smoothing: the loss 'wasserstein' has no labels that could be smoothed",
    ),
    "clip and spectral norm": (
        "", "game={loss: wasserstein, clip: 0.1, spectral_norm: 1}",
        "game.clip: `clip` and `spectral_norm` both bound the discriminator's weights",
    ),
    "a batch that pack does not divide": ("", "game.pack=4", "game.pack: a batch of 6 cannot be cut into packs of 4"),
    "augmentation": (
        "", "data={train: ring, augment: [{shift: 1}]}", "data.augment: a game plays with the data as they are",
    ),
    "a step that changes the shape": (
        "", "data={train: ring, preprocess: [spectrogram]}", "data.preprocess[0]: 'spectrogram' changes the shape",
    ),
    "a sigmoid at the end": (
        "", "discriminator=[{dense: 1}, sigmoid]", "discriminator[1]: the discriminator ends in 'sigmoid'",
    ),
    "a tanh at the end": (
        "", "discriminator=[{dense: 1}, tanh]", "discriminator[1]: the discriminator ends in 'tanh'",
    ),
    "two numbers at the end": ("", "discriminator[2].units=2", "discriminator[2]: the discriminator gives [2]"),
    "shapes that differ": (
        "", "generator[2].units=5", "generator[2]: the generator makes samples of the shape [5], the data have [2]",
    ),
    "a schedule that watches": (
        "schedule: plateau\n", "seed=1", "schedule: the schedule 'plateau' watches a figure after each epoch",
    ),
    "a network beside": ("network: [relu]\n", "seed=1", "network: unknown section"),
    "an unknown field": ("", "game={bach: 3}", "game.bach: unknown field"),
    "an unknown loss": ("", "game.loss=hnge", "game.loss: unknown loss of a game 'hnge'"),
    "an optimizer's field": ("optimizer: {adam: {lr: -1}}\n", "seed=1", "optimizer.adam.lr: must be greater than 0"),
    "a player's optimizer's field": (
        "optimizer: {generator: {adam: {lr: -1}}}\n", "seed=1", "optimizer.generator.adam.lr: must be greater than 0",
    ),
    "noise without end": ("", "game.instance_noise={std: 1, until: 0}", "game.instance_noise.until: must be greater"),
    "an alarm of another kind": ("diagnose: {on_alarm: panic}\n", "seed=1", "diagnose.on_alarm: "),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_refused_with_place_and_reason(name: str) -> None:
    more, override, expected = FAULTS[name]
    found = messages(more, override)
    assert any(expected in message for message in found), found
    assert all(message.startswith(("pair.yaml:", "--set ")) for message in found)


def test_all_faults_at_once() -> None:
    found = messages("seed: -1\n", "game.pack=4", "game.clip=0.1", "discriminator=[sigmoid]")
    assert len(found) == 4


def test_what_is_missing() -> None:
    text = TEXT.replace("latent: 3\n", "").replace("discriminator: [{dense: 4}, relu, {dense: 1}]\n", "")
    found = [str(fault) for fault in read_game(text, "pair.yaml").faults]
    assert any("the section 'latent' is required" in message for message in found)
    assert any("there is no discriminator" in message for message in found)


@pytest.mark.parametrize("pack", [1, 2, 3])
def test_packs_are_channels(pack: int) -> None:
    graphs = checked_graphs(read("", f"game.pack={pack}"), (2,))
    assert graphs["discriminator"].input == (2 * pack,)


def test_each_kind_of_command_names_the_other(tmp_path: Path) -> None:
    game, alone = tmp_path / "pair.yaml", tmp_path / "alone.yaml"
    game.write_text(TEXT)
    alone.write_text("network: [relu]\n")
    with pytest.raises(SpecError, match="this is the configuration of a GAN"):
        load(game)
    with pytest.raises(SpecError, match="this is not the configuration of a GAN"):
        load_game(alone)
    assert isinstance(load_any(game), LoadedGame)
    assert not isinstance(load_any(alone), LoadedGame)


OVERRIDES = {
    "optimizer.adam.lr=0.5": lambda c: (c.optimizer.generator.lr, c.optimizer.discriminator.lr) == (0.5, 0.5),
    "optimizer.lr=0.5": lambda c: (c.optimizer.generator.lr, c.optimizer.discriminator.lr) == (0.5, 0.5),
    "optimizer.generator.adam.lr=0.5": lambda c: (
        (c.optimizer.generator.lr, c.optimizer.discriminator.lr) == (0.5, 2e-4)
    ),
    "schedule=linear": lambda c: c.schedule.generator.type_name == "linear",
    "generator.dense_2.units=7": lambda c: c.generator[2].layer.units == 7,
    "discriminator[0]=relu": lambda c: c.discriminator[0].layer.type_name == "relu",
    "game.ema.decay=0.5": lambda c: c.game.ema.decay == 0.5,
    "game.loss=hinge": lambda c: c.game.loss.type_name == "hinge",
    "latent.distribution=uniform": lambda c: (c.latent.distribution, c.latent.dim) == ("uniform", 3),
    "game.instance_noise=0.5": lambda c: (c.game.instance_noise.std, c.game.instance_noise.until) == (0.5, 1.0),
}


@pytest.mark.parametrize("text", OVERRIDES)
def test_overrides(text: str) -> None:
    loaded = read("", text)
    assert loaded.faults == []
    assert OVERRIDES[text](loaded.config)


def test_an_override_of_one_optimizer_for_both_keeps_the_rest() -> None:
    config = read("optimizer: {adam: {lr: 0.1, beta1: 0.25}}\n", "optimizer.lr=0.5").config
    assert (config.optimizer.generator.lr, config.optimizer.generator.beta1) == (0.5, 0.25)


def test_overrides_that_lead_nowhere() -> None:
    (fault,) = read("", "generatr=3").faults
    assert fault.hint == "did you mean 'generator'?"
    (fault,) = read("", "generator.dense_9.units=3").faults
    assert "no node is called 'dense_9'" in str(fault)


# -- any configuration -------------------------------------------------------------------------------------------------


@st.composite
def games(draw: st.DrawFn) -> GameConfig:
    values: dict[str, Any] = {
        name: draw(of(annotation)) for name, annotation in GAME_SECTIONS.items() if name not in ("name", "plugins")
    }
    if values["data"] is not None:
        kept = tuple(step for step in values["data"].preprocess if type(step).transform is Step.transform)
        values["data"] = replace(values["data"], preprocess=kept, augment=(), standardize_targets=False)
    game = values["game"]
    pack = game.pack % 8 + 1
    game = replace(game, batch=(game.batch % 1000 + 1) * pack, pack=pack, label_smoothing=0.0, clip=None)
    for name, cls in (("schedule", Schedules),):
        sides = {player: draw(chosen(name).filter(lambda s: s.watches() is None)) for player in PLAYERS}
        values[name] = cls(**sides)
    networks = {}
    for player in PLAYERS:
        names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
        networks[player] = tuple(NodeSpec(draw(chosen("layer")), name, None, ()) for name in names)
    name = draw(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True))
    return GameConfig(**{**values, **networks, "game": game, "name": name})


QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)


@QUICK
@given(games())
def test_reading_the_text_gives_an_equal_configuration(config: GameConfig) -> None:
    again = read_game(dump(config), "f")
    assert again.faults == []
    assert again.config == config


@QUICK
@given(games())
def test_the_schema_accepts_it(config: GameConfig) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema, of the extra `test`, is not installed")
    validator = jsonschema.Draft7Validator(json_schema())
    found = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(lists(parse(dump(config), "f").plain))]
    assert found == []


@pytest.mark.parametrize(
    "more",
    ["bach: 3", "network: [relu]", "loss: least_squares", "optimizer: {adam: {lr: fast}}", "schedule: {generator: 3}",
     "diagnose: {on_alarm: panic}", "sample: {every: 0}", "latent: {dim: 0}", "metrics: [accuracy]"],
)  # fmt: skip
def test_the_schema_refuses_what_is_wrong(more: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema, of the extra `test`, is not installed")
    validator = jsonschema.Draft7Validator(json_schema())
    whole = parse(TEXT, "f").plain
    assert list(validator.iter_errors(lists(whole))) == []
    assert list(validator.iter_errors(lists({**whole, **parse(more, "f").plain}))) != []


def test_what_tells_the_kinds_apart_stands_in_one_kind_only() -> None:
    assert set(GAME_ONLY) <= set(GAME_TOP)
    assert accepts(Game, {"steps": 3})
