"""`nncli init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nncli.cli import options

if TYPE_CHECKING:
    from nncli.data.detect import Sight
    from nncli.starter.compose import Composed

_TASKS = ("classes", "values", "switches")
_EXAMPLE = "digits_cnn"


@click.command(short_help="A configuration for your data.", context_settings=options.SETTINGS)
@click.option("--data", metavar="PATH", type=click.Path(path_type=Path), help="A file or folder of data.")
@click.option(
    "--target",
    metavar="NAME",
    help="What is predicted: a column (or A,B), an array, or a pattern of file names such as '{label}_*'.",
)
@click.option("--task", type=click.Choice(_TASKS), help="What the target holds, where that is not plain.")
@click.option(
    "--test",
    metavar="WHERE",
    help="The test split: a share such as 0.2, a file or folder, or a pattern of file names. [default: what is there, "
    "else 0.2]",
)
@click.option(
    "--example",
    metavar="NAME",
    is_flag=False,
    flag_value="",
    help="A configuration that ships with nncli, instead of --data; without NAME, lists them.",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="The file. [default: NAME.yaml, here]"
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option(
    "--schema/--no-schema",
    "with_schema",
    default=True,
    help="Put the schema for editors beside the file, unless there is one.",
)
@options.output
def init(
    data: Path | None,
    target: str | None,
    task: Any,
    test: str | None,
    example: str | None,
    output: Path | None,
    force: bool,
    with_schema: bool,
    json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Look at data, and write a configuration that trains well on them as it is, with the reason of each choice.

    Data are a folder of images or of WAV files, a table (CSV), a NumPy archive, IDX files or CIFAR's. Without --data,
    on a terminal, it asks. Nothing that is there is overwritten.

    \b
    nncli init --data photos
    nncli init --data houses.csv --target price
    nncli init --example digits_cnn
    """
    if data is not None and example is not None:
        raise click.UsageError("--data and --example exclude each other")
    if example is not None and (target or task or test):
        raise click.UsageError("--target, --task and --test are for --data")
    if example == "":
        _list(json)
        return
    if data is None and example is None:
        if json or quiet or not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.UsageError("give --data PATH, or --example NAME; on a terminal it asks")
        data, target, example = _ask(target)
        output = output or _ask_file(data, example)
    if example is not None:
        _write_example(example, output, force, with_schema, json, quiet)
        return
    assert data is not None
    from nncli.data.detect import Asked, Wanted, examine
    from nncli.starter.compose import compose
    from nncli.starter.files import check_free, write
    from nncli.starter.names import name_of

    file = output if output is not None else Path(f"{name_of(data)}.yaml")
    check_free(file, force)
    sight = examine(data, Asked(target, task, None if test is None else Wanted.of(test)))
    composed = compose(sight, file, place=data, schema=with_schema)
    written = write(file, composed.text, {}, with_schema)
    _say(data, file, sight, composed, written, json, quiet)


def _say(
    data: Path, file: Path, sight: Sight, composed: Composed, written: list[Path], json: bool, quiet: bool
) -> None:
    """What was seen, what was written, and what to type next."""
    from nncli.report.console import duration, messages
    from nncli.report.documents import write
    from nncli.starter.names import command
    from nncli.starter.words import goal_of, samples_of

    if json:
        goal = sight.goal
        write(
            {
                "config": str(file),
                "written": [str(path) for path in written],
                "kind": sight.kind,
                "form": sight.form,
                "shape": sight.shape,
                "samples": sight.samples,
                "target": {"task": goal.task, "outputs": goal.outputs, "classes": goal.names, "what": goal.what},
                "notes": sight.notes,
                "parameters": composed.parameters,
                "epochs": composed.epochs,
                "seconds": round(composed.seconds, 1),
                "next": command(file),
            }
        )
        return
    console = messages(quiet)
    console.print(f"{data}: {samples_of(sight)}", markup=False, soft_wrap=True)
    console.print(f"to be predicted: {goal_of(sight.goal)}", markup=False, soft_wrap=True)
    for name, note in sight.notes.items():
        if name != "target":
            console.print(f"{name}: {note}", markup=False, soft_wrap=True)
    time = duration(max(1.0, composed.seconds))
    console.print(
        f"a network of {composed.parameters:,} parameters, {composed.epochs} epochs: about {time} on two free cores",
        markup=False,
        soft_wrap=True,
    )
    _end(written, command(file), quiet)


def _end(written: list[Path], following: str, quiet: bool) -> None:
    from nncli.report.console import messages, results

    messages(quiet).print(f"wrote {', '.join(map(str, written))}; next:", markup=False, soft_wrap=True)
    if not quiet:
        results().print(following, markup=False, soft_wrap=True)


# -- examples ----------------------------------------------------------------------------------------------------------


def _list(json: bool) -> None:
    from nncli.report.console import results, table
    from nncli.report.documents import write
    from nncli.starter.examples import listing

    found = listing()
    if json:
        write({"examples": [{"name": name, "about": about} for name, about in found.items()]})
        return
    shown = table()
    shown.add_column("example", no_wrap=True)
    shown.add_column("is")
    for name, about in found.items():
        shown.add_row(name, about)
    results().print(shown)


def _write_example(name: str, output: Path | None, force: bool, with_schema: bool, json: bool, quiet: bool) -> None:
    from nncli.report.documents import write as write_document
    from nncli.starter.examples import example
    from nncli.starter.files import check_free, write
    from nncli.starter.names import command

    file = output if output is not None else Path(f"{name}.yaml")
    found = example(name, file)
    check_free(file, force)
    written = write(file, found.with_schema() if with_schema else found.text, found.copies, with_schema)
    following = command(file, found.game)
    if json:
        write_document({"config": str(file), "written": [str(path) for path in written], "next": following})
        return
    _end(written, following, quiet)


# -- questions ---------------------------------------------------------------------------------------------------------


def _ask_file(data: Path | None, example: str | None) -> Path:
    from nncli.starter.names import name_of

    usual = example if data is None else name_of(data)
    return Path(click.prompt("Which file is to be written?", default=f"{usual}.yaml", err=True))


def _ask(target: str | None) -> tuple[Path | None, str | None, str | None]:
    """Data and target, or an example, from someone at a terminal; each question has an answer for just Enter."""
    from nncli.data.detect import DETECTORS, kind_of
    from nncli.starter.names import data_here

    here = data_here(Path())
    place = click.prompt(
        "Where are the data? A file or a folder; - for an example instead",
        default=str(here) if here is not None else "-",
        err=True,
    )
    if place == "-":
        _list(json=False)
        return None, None, click.prompt("Which example?", default=_EXAMPLE, err=True)
    data = Path(place).expanduser()
    kind = kind_of(data)
    names, usual = DETECTORS[kind].targets(data) if kind is not None else ((), "")
    if target is None and names:
        click.echo(f"It has the columns {', '.join(names)}.", err=True)
        target = click.prompt("What is to be predicted?", default=usual, err=True)
    return data, target, None
