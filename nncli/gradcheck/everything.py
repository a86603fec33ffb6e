"""Checks everything that is registered, case by case of the table."""

from __future__ import annotations

from collections.abc import Iterator

from nncli.gradcheck.alone import Alone, AloneLoss
from nncli.gradcheck.cases import LAYERS, LOSSES, Case
from nncli.gradcheck.check import Options
from nncli.gradcheck.network import Row, check_part
from nncli.gradcheck.witness import Witness


def count_cases() -> int:
    return len(_layers()) + len(LOSSES)


def check_everything(options: Options, against: Witness | None = None) -> Iterator[list[Row]]:
    """The rows of each case: every layer with all its options and each convolution algorithm, then every loss."""
    for case in _layers():
        yield check_part(Alone(case.layer, *case.shapes), case.id, case.layer.type_name, options, against)
    for loss in LOSSES:
        yield check_part(AloneLoss(loss.loss, *loss.samples(3)), loss.id, loss.loss.type_name, options, against)


def _layers() -> list[Case]:
    return [variant for case in LAYERS for variant in case.algorithms()]
