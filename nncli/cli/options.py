"""Options that several commands share, and what they mean."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from nncli.engine.plan import Planner

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """One decorator from several, in the order in which they stand in the help."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


overrides = _together(
    click.option(
        "--set",
        multiple=True,
        metavar="PATH=VALUE",
        help="Change one field of the file: optimizer.adam.lr=0.01, network[3].filters=8. Repeatable; VALUE is YAML.",
    ),
    click.option("--seed", type=click.IntRange(0), help="Seed of all random numbers, instead of the file's."),
    click.option("--threads", type=click.IntRange(1), help="Threads to use at most. [default: all processors]"),
)

epochs = click.option("--epochs", type=click.IntRange(1), help="Passes over the training split, instead of the file's.")

steps = click.option(
    "--steps",
    "game_steps",
    type=click.IntRange(1),
    envvar="NNCLI_GAN_STEPS",
    help="Steps of the game, instead of the file's.",
)


def _seconds(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Of a time such as `30s`, `10m` or `1h30m`."""
    from nncli.periods import seconds

    try:
        return None if value is None else seconds(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no time: {error}", context, option) from None


max_time = click.option(
    "--max-time",
    metavar="TIME",
    callback=_seconds,
    help="Stop after so long, such as 90s, 45m or 2h30m, with a checkpoint from which --resume goes on.",
)

resume = click.option("--resume", type=click.Path(path_type=Path), help="Go on with a run: its folder or its last.h5.")

allow_change = click.option(
    "--allow-change",
    is_flag=True,
    help="With --resume: go on although the configuration or the data are others than when the run began.",
)

output = _together(
    click.option("--json", is_flag=True, help="One JSON document on standard output."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no messages; errors only."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
)


def _allow(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Allow plugins until the command ends."""
    if value:
        from nncli.spec import plugins as room

        context.with_resource(room.allowed(changed=option.name == "changed_plugins"))


plugins = click.option(
    "--plugins",
    is_flag=True,
    expose_value=False,
    callback=_allow,
    help="Run the Python files that the configuration names in `plugins`: they may do whatever you may.",
)

changed_plugins = click.option(
    "--changed-plugins",
    is_flag=True,
    expose_value=False,
    callback=_allow,
    help="As --plugins, also where a file is no longer what the checkpoint was written with.",
)

plugin_files = click.option(
    "--plugin",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Run this Python file and include what it registers. Repeatable.",
)

plan = click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="Use the threads and algorithms of a file that `nncli bench --tune` made.",
)

verbose = click.option("-v", "--verbose", count=True, help="Say more, such as each checkpoint that is written.")

NAMED = {"epochs": "train.epochs", "game_steps": "game.steps", "seed": "seed", "threads": "threads"}
"""Options that are a field of the file."""


def planner(plan: Path | None) -> Planner:
    """What makes the plan: that of a file, or what follows from the shapes."""
    from nncli.engine import make_plan
    from nncli.training import plan_files

    return make_plan if plan is None else plan_files.planner(plan)


def given(context: click.Context, option: str) -> bool:
    """Whether an option was given, in words or by its variable."""
    return context.get_parameter_source(option) is not ParameterSource.DEFAULT


def override_texts(context: click.Context) -> list[str]:
    """The overrides of a command as `path=value`, the stronger later: environment, then command line."""
    weak: list[str] = []
    strong: list[str] = []
    sets = context.params.get("set", ())
    (weak if context.get_parameter_source("set") is ParameterSource.ENVIRONMENT else strong).extend(sets)
    for option, path in NAMED.items():
        value = context.params.get(option)
        if value is not None:
            source = context.get_parameter_source(option)
            (weak if source is ParameterSource.ENVIRONMENT else strong).append(f"{path}={value}")
    return weak + strong


def resuming(command: str, config: Path | None, folder: Path, plugins: bool) -> str:
    """The command line that goes on with the run in a folder."""
    words = ["nncli", command, *([] if config is None else [str(config)]), "--resume", str(folder)]
    return shlex.join([*words, "--plugins"] if plugins else words)
