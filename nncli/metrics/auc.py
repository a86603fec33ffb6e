from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric

BINS = 1 << 16


@metric("auc")
@dataclass(frozen=True, slots=True)
class Auc(Metric):
    """Area under the ROC curve: the probability that a positive sample scores higher than a negative one.

    The score is the one output of the network, with targets 0 and 1 (above ½ is positive), or of two outputs for
    classes 0 and 1 the second less the first. Equal scores count one half.

    Totals must add up, so scores are counted in 65,536 bins: by the upper 16 bits of the float32 (sign, exponent, seven
    bits of the fraction) in the order of the numbers. Scores with at most 8 significant bits are told apart exactly;
    others that differ by less than one part in 128 to 256 may share a bin and then count as equal, which errs by half
    of the share of such pairs at most. The totals are 1 MiB.

    It is NaN while one of the two classes has not occurred, and from the first output that is NaN.

    Source: Hanley & McNeil 1982, "The meaning and use of the area under a receiver operating characteristic curve".
    """

    better: ClassVar[Literal["max", "min"]] = "max"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if math.prod(output) != 1 if target == "values" else output != (2,):
            raise ShapeError(
                "auc needs one output with targets 0 and 1, or two outputs for the classes 0 and 1",
                hint="for more classes use `macro_f1` or `accuracy`",
            )

    def size(self, output: Shape) -> int:
        """Counts of negatives by bin, then of positives."""
        return 2 * BINS

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        works = {"difference": Work((n,)), "score": Work((n,), dtype=np.float32), "sign": Work((n,), dtype=np.int32)}
        return works | {"positive": Work((n,), dtype=bool), "bin": Work((n,), dtype=np.intp)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        score, sign, positive, place = (work[name] for name in ("score", "sign", "positive", "bin"))
        if len(y) == 2:
            np.subtract(y[1], y[0], out=work["difference"])
        else:
            np.copyto(work["difference"], y.reshape(-1))
        np.add(work["difference"], 0.0, out=score, casting="same_kind")  # −0 becomes 0
        bits = score.view(np.int32)
        np.right_shift(bits, 31, out=sign)
        np.bitwise_and(sign, 0x7FFFFFFF, out=sign)
        np.bitwise_xor(bits, sign, out=sign)  # now in the order of the scores, as signed numbers
        np.right_shift(sign, 16, out=sign)
        np.add(sign, BINS // 2, out=place, casting="same_kind")
        np.greater(t.reshape(-1), 0.5, out=positive)
        np.add(place, BINS, out=place, where=positive)
        np.add.at(totals, place, 1.0)
        if math.isnan(np.maximum.reduce(score)):
            totals[0] += math.nan

    def value(self, totals: Array) -> float:
        negatives, positives = totals.reshape(2, -1)
        pairs = negatives.sum() * positives.sum()
        below = np.cumsum(negatives) - 0.5 * negatives
        return float(positives @ below / pairs) if pairs else float("nan")
