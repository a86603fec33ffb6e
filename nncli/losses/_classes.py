"""What losses with class numbers as targets share: where the true class lies, and the weights of classes."""

from __future__ import annotations

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, LossFrame, Shape, Work

Classes = tuple[float, ...] | None


def check_not_all_zero(class_weights: Classes) -> None:
    if class_weights is not None and not any(class_weights):
        raise ValueError("`class_weights` are all 0: no sample would count")


def check_classes(output: Shape, class_weights: Classes, takes: str) -> None:
    """Raise ShapeError unless the output is a vector of at least two, and there are as many weights, if any."""
    if len(output) != 1 or output[0] < 2:
        hint = "end the network with `flatten` and `dense: <number of classes>`"
        if output == (1,):
            hint += "; for one output choose `binary_cross_entropy`"
        raise ShapeError(f"{takes}, not {list(output)}", hint=hint)
    if class_weights is not None and len(class_weights) != output[0]:
        message = f"there are {len(class_weights)} class_weights for {output[0]} classes"
        raise ShapeError(message, hint="give one weight for each class, in their order")


def place_works(n: int) -> dict[str, Work]:
    return {"true": Work((n,)), "place": Work((n,), dtype=np.intp), "columns": Work((n,), dtype=np.intp, zero=True)}


def weight_works(output: Shape, n: int) -> dict[str, Work]:
    return {"class_weights": Work(output, zero=True), "sample_weights": Work((n,))}


def mix_true(f: LossFrame, flat: Array) -> None:
    """Replace `true`, what the flat (K, n) holds for the class of each sample, by the mean over its two classes."""
    assert f.mixed is not None
    true, second, place = f.work["true"], f.mixed.spare, f.mixed.place
    np.multiply(f.mixed.second, f.n, out=place)
    np.add(place, f.work["columns"], out=place)
    flat.take(place, out=second, mode="clip")
    np.subtract(true, second, out=true)
    np.multiply(true, f.mixed.share, out=true)
    np.add(true, second, out=true)


def add_at(flat: Array, place: Array, numbers: Array, spare: Array) -> None:
    """Add one number for each sample to the flat (K, n), at places of which no two are the same."""
    flat.take(place, out=spare, mode="clip")
    np.add(spare, numbers, out=spare)
    flat[place] = spare


def find_places(f: LossFrame) -> None:
    """Write to `place` where the true class of each sample lies in the flat (K, n)."""
    place = f.work["place"]
    np.multiply(f.t, f.n, out=place)
    np.add(place, f.work["columns"], out=place)


def weigh(f: LossFrame) -> float:
    """Write each sample's weight, that of its class, to `sample_weights`; returns their sum."""
    weights = f.work["sample_weights"]
    f.work["class_weights"].take(f.t, out=weights, mode="clip")
    return float(np.add.reduce(weights, dtype=np.float64))
