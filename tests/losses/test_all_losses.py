"""What every loss must keep, over the table of cases; and that each check finds a planted fault."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nncli import losses, registry
from nncli.losses.least_squares import LeastSquares
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import LossFrame
from tests.losses.cases import CASES, Case, each_case
from tests.losses.harness import (
    BUFFER,
    Alone,
    difference,
    gradient_error,
    grows,
    shard_error,
    shows_nan,
    survives,
)


def missing_from_table(names: list[str]) -> list[str]:
    return sorted(set(names) - {case.loss.type_name for case in CASES})


def test_every_registered_loss_is_in_the_table() -> None:
    assert losses.__name__
    assert missing_from_table(list(registry.loss)) == []


def test_a_loss_missing_from_the_table_is_found() -> None:
    assert missing_from_table([*registry.loss, "made_up"]) == ["made_up"]


@pytest.mark.parametrize("name", list(registry.loss))
def test_every_option_is_set_by_some_case(name: str) -> None:
    table = [case.loss for case in CASES if case.loss.type_name == name]
    for field in dataclasses.fields(registry.loss[name]):
        assert {getattr(loss, field.name) for loss in table} != {field.default}, f"no case of {name} sets {field.name}"


@each_case
def test_the_file_has_the_name_in_yaml(case: Case) -> None:
    assert type(case.loss).__module__ == f"nncli.losses.{case.loss.type_name}"


@each_case
def test_output_of_the_case_is_accepted(case: Case) -> None:
    case.loss.check(case.output)


@each_case
def test_gradient_is_that_of_central_differences(case: Case) -> None:
    assert gradient_error(case) < 1e-8


@each_case
@pytest.mark.parametrize("sizes", [(7,), (4, 3), (1, 5, 1)], ids=str)
def test_shards_sum_to_the_whole(case: Case, sizes: tuple[int, ...]) -> None:
    assert shard_error(case, sizes) < 1e-13


@each_case
def test_float32_is_close_to_float64(case: Case) -> None:
    x, t = case.samples(9)
    value64, dx64 = Alone(case.loss, x, t).run()
    value32, dx32 = Alone(case.loss, x, t, dtype=np.float32).run()
    assert type(value32) is float
    assert value32 == pytest.approx(value64, rel=1e-5)
    assert dx32.dtype == np.float32
    assert difference(dx32, dx64) < 1e-5


@each_case
def test_both_ways_can_be_repeated(case: Case) -> None:
    alone = Alone(case.loss, *case.samples(4))
    value, dx = alone.run()
    assert np.array_equal(alone.backward(), dx)
    again, dx_again = alone.run()
    assert again == value
    assert np.array_equal(dx_again, dx)


@each_case
def test_outputs_and_targets_are_left_as_they_are(case: Case) -> None:
    x, t = case.samples(4)
    alone = Alone(case.loss, x, t)
    alone.run()
    assert np.array_equal(alone.frame.x, x)
    assert np.array_equal(alone.frame.t, t)


@each_case
def test_nan_is_not_hidden(case: Case) -> None:
    assert shows_nan(case)


@each_case
def test_infinite_output_is_not_a_finite_loss(case: Case) -> None:
    alone = Alone(case.loss, *case.samples(3))
    alone.x[..., 1] = np.inf
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(alone.sum())


@each_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_outputs_are_finite_without_a_warning(case: Case, dtype: type) -> None:
    with np.errstate(over="warn", invalid="warn", divide="warn"):
        assert survives(case, 1e4, dtype)


@each_case
def test_without_a_way_back_no_error_array_is_needed(case: Case) -> None:
    x, t = case.samples(4)
    expected = Alone(case.loss, x, t).sum()
    alone = Alone(case.loss, x, t)
    alone.frame.dx = None
    alone.frame.views = case.loss.prepare(alone.frame)
    assert alone.sum() == expected


@each_case
def test_a_steady_step_allocates_nothing_that_grows_with_the_batch(case: Case) -> None:
    assert grows(case) < BUFFER


# -- planted faults ----------------------------------------------------------------------------------------------------


class Scaled(SoftmaxCrossEntropy):
    def backward(self, f: LossFrame) -> None:
        SoftmaxCrossEntropy.backward(self, f)
        f.dx *= 1.001


class Flipped(LeastSquares):
    def backward(self, f: LossFrame) -> None:
        LeastSquares.backward(self, f)
        np.negative(f.dx, out=f.dx)


class WithoutHalf(LeastSquares):
    def forward(self, f: LossFrame) -> float:
        return 2 * LeastSquares.forward(self, f)


class DividedByTheShard(LeastSquares):
    """Averages over the shard instead of the batch."""

    def backward(self, f: LossFrame) -> None:
        np.multiply(f.work["difference"], 1 / f.n, out=f.dx)


class WithoutTheLast(SoftmaxCrossEntropy):
    """Forgets the last sample of a shard."""

    def backward(self, f: LossFrame) -> None:
        SoftmaxCrossEntropy.backward(self, f)
        f.dx[:, -1] = 0


class Hiding(LeastSquares):
    def forward(self, f: LossFrame) -> float:
        return float(np.nan_to_num(LeastSquares.forward(self, f)))


class HidingOnTheWayBack(LeastSquares):
    def backward(self, f: LossFrame) -> None:
        LeastSquares.backward(self, f)
        np.nan_to_num(f.dx, copy=False)


class Unshifted(SoftmaxCrossEntropy):
    """Takes the exponentials of the logits as they stand."""

    def forward(self, f: LossFrame) -> float:
        return float(np.log(np.exp(f.x).sum(axis=0)).sum() - f.x[f.t, np.arange(f.n)].sum())

    def backward(self, f: LossFrame) -> None:
        powers = np.exp(f.x)
        f.dx[...] = powers / powers.sum(axis=0)
        f.dx[f.t, np.arange(f.n)] -= 1
        f.dx /= f.weight


FAULTS = [Scaled(), Flipped(), WithoutHalf(), DividedByTheShard(), WithoutTheLast()]


@pytest.mark.parametrize("loss", FAULTS, ids=lambda loss: type(loss).__name__)
def test_gradient_check_finds_a_planted_fault(loss: LeastSquares | SoftmaxCrossEntropy) -> None:
    assert not gradient_error(Case(loss, (4,))) < 1e-8


@pytest.mark.parametrize("loss", [DividedByTheShard(), WithoutTheLast()], ids=lambda loss: type(loss).__name__)
def test_shard_check_finds_a_planted_fault(loss: LeastSquares | SoftmaxCrossEntropy) -> None:
    assert shard_error(Case(loss, (4,)), (3, 2)) > 0.1


@pytest.mark.parametrize("loss", [Hiding(), HidingOnTheWayBack()], ids=lambda loss: type(loss).__name__)
def test_hidden_nan_is_found(loss: LeastSquares) -> None:
    assert not shows_nan(Case(loss, (4,)))


def test_overflow_is_found() -> None:
    assert gradient_error(Case(Unshifted(), (4,))) < 1e-8, "right for small logits"
    with np.errstate(all="ignore"):
        assert not survives(Case(Unshifted(), (4,)), 1e4, np.float64)
    with np.errstate(all="ignore", over="warn"), pytest.warns(RuntimeWarning, match="overflow"):
        survives(Case(Unshifted(), (4,)), 1e4, np.float64)


def test_growing_allocation_is_found() -> None:
    assert grows(Case(Unshifted(), (2,))) > BUFFER
