"""A recipe and its data as the text of a configuration."""

from __future__ import annotations

import dataclasses
import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nncli.data.detect import FilePath, Sight
from nncli.spec.dump import inline, plain
from nncli.spec.examples import block
from nncli.spec.words import visible
from nncli.starter.recipe import Recipe, Said

_WIDTH = 110
_PARAMETER = re.compile(r'"(\$\w+)"')
SCHEMA = "nncli.schema.json"
"""The file of the schema, beside the configuration."""
LEAST_VALIDATED = 100
"""Fewer samples than this are all learned from: a tenth of them says nothing."""
TEST, VALIDATION = 0.2, 0.1


def first_line() -> str:
    """What tells an editor where the schema is."""
    return f"# yaml-language-server: $schema={SCHEMA}"


def held_out(sight: Sight) -> tuple[Any, Any]:
    """What the sections `test` and `validation` hold where the data have no such splits: shares, or None."""
    test = None if "test" in sight.within else TEST if sight.test is None else sight.test
    if sight.validation is not None or "validation" in sight.within:
        return test, sight.validation
    return test, VALIDATION if sight.samples["train"] >= LEAST_VALIDATED else None


def trained_on(sight: Sight) -> int:
    """Samples of the training split, once others are held out."""
    n = sight.samples["train"]
    for part in held_out(sight):
        if isinstance(part, int | float):
            n -= part if isinstance(part, int) else max(1, round(part * n))
    return max(1, n)


def text_of(
    sight: Sight, recipe: Recipe, epochs: Said, *, name: str, folder: Path, head: Sequence[str], schema: bool
) -> str:
    """The YAML text of a file in `folder`; `head` are lines of the comment that it begins with."""
    lines = [first_line()] if schema else []
    lines += [part for line in head for part in _comment(line, "")]
    lines += [f"name: {inline(name)}", *_line("", "seed", 0, "of all random numbers: the same seed, the same run")]
    lines += _data(sight, recipe, folder)
    if sight.shape != sight.stored:
        shape: dict[str, Any] = {"shape": sight.shape}
        lines += _line("", "input", shape, f"{list(sight.stored)} in the file")
    if recipe.block and recipe.parameters is not None:
        lines += ["blocks:", "  stage:", f"    parameters: {inline(recipe.parameters.value)}"]
        lines += ["    network:", *_entries("      ", recipe.block)]
    lines += ["network:", *_entries("  ", recipe.network)]
    for section in ("loss", "metrics", "optimizer", "schedule"):
        said: Said = getattr(recipe, section)
        lines += _line("", section, said.value, said.why)
    lines += ["train:", *_line("  ", "epochs", epochs.value, epochs.why)]
    lines += _line("  ", "batch", recipe.batch.value, recipe.batch.why)
    if recipe.ema is not None:
        lines += _line("  ", "ema", recipe.ema.value, recipe.ema.why)
    return "\n".join(lines) + "\n"


def _data(sight: Sight, recipe: Recipe, folder: Path) -> list[str]:
    test, validation = held_out(sight)
    lines = ["data:", *_source("train", sight.train, folder, sight.notes)]
    drawn = False
    for split, part in (("test", test), ("validation", validation)):
        if part is None:
            continue
        if not isinstance(part, int | float):
            lines += _source(split, part, folder, {})
            continue
        drawn = True
        lines += _line("  ", split, part, _held(split, part))
    if drawn and sight.goal.task == "classes":
        lines += _line("  ", "stratified", True, "what is held out has all classes in proportion")
    lines += ["  preprocess:", *_entries("    ", recipe.preprocess)]
    if recipe.augment:
        why = f"{trained_on(sight):,} images are few: they are changed at random each time they are seen"
        lines += [*_comment(why, "  "), "  augment:", *_entries("    ", recipe.augment)]
    if recipe.standardize_targets:
        why = "the network learns numbers of mean 0 and deviation 1, figures are in the target's own units"
        lines += _line("  ", "standardize_targets", True, why)
    return lines


def _held(split: str, part: float) -> str:
    much = f"{part:,}" if isinstance(part, int) else f"{part:.0%}"
    if split == "test":
        return f"{much} of the samples are held out, to measure the finished network with"
    return f"{much} of the training samples are held out, to watch: they decide which epoch best.h5 is of"


def _source(split: str, source: Any, folder: Path, notes: Mapping[str, str]) -> list[str]:
    """A source in block style, with a note beside each field that has one."""
    lines = [f"  {split}:", f"    {source.type_name}:"]
    for name, value in fields_of(source, folder).items():
        lines += _line("      ", name, value, notes.get(name, ""))
    return lines


def fields_of(source: Any, folder: Path) -> dict[str, Any]:
    """The fields of a source that are not as they are by default; paths as seen from `folder`."""
    found = {}
    for field in dataclasses.fields(source):
        value = getattr(source, field.name)
        if value != field.default:
            found[field.name] = _written(value, folder)
    return found


def _written(value: Any, folder: Path) -> Any:
    """A value as YAML has it: paths from the folder, one text in place of a list of it."""
    if isinstance(value, FilePath):
        return relative(Path(value), folder)
    if isinstance(value, tuple):
        several = tuple(_written(item, folder) for item in value)
        return several[0] if len(several) == 1 else several
    return plain(value)


def relative(path: Path, folder: Path) -> str:
    """A path as seen from a folder, where there is a way; with slashes, and never with a ~ that means a home."""
    try:
        text = Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:
        return path.as_posix()
    return f"./{text}" if text.startswith("~") else text


def _entries(indent: str, entries: Sequence[Said]) -> list[str]:
    """A list in block style, each entry on a line with its reason."""
    return [line for entry in entries for line in _with(indent, f"{indent}- {_entry(entry.value)}", entry.why)]


def _entry(value: Any) -> str:
    """A layer or step as people write it: `dense: 10`, and a block's parameters without quotes."""
    text = inline(value)
    if isinstance(value, dict) and len(value) == 1:
        ((name, fields),) = value.items()
        text = f"{name}: {inline(fields)}"
    return _PARAMETER.sub(r"\1", text)


def _line(indent: str, key: str, value: Any, why: str) -> list[str]:
    if isinstance(value, tuple | dict) and len(f"{indent}{key}: {inline(value)}") > _WIDTH:
        return [*_comment(why, indent), *block({key: value}, indent).splitlines()]
    return _with(indent, f"{indent}{key}: {inline(value)}", why)


def _with(indent: str, line: str, why: str) -> list[str]:
    """A line with its comment beside it, or above it where both are too long."""
    why = visible(why)
    if not why:
        return [line]
    if len(line) + len(why) + 3 <= _WIDTH:
        return [f"{line} # {why}"]
    return [*_comment(why, indent), line]


def _comment(text: str, indent: str) -> list[str]:
    if not text:
        return []
    lines = textwrap.wrap(visible(text), _WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False)
    lead = text[: len(text) - len(text.lstrip())]
    return [f"{indent}# {lead if place else ''}{line}" for place, line in enumerate(lines)]
