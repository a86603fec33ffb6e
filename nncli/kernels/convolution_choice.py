"""Which algorithm makes which pass of a convolution: what each can do, how it rounds, and what it costs.

A cost is a sum of counts that follow from the shapes (operations, numbers copied, calls), each times what one of them
took when measured: see `COSTS`. So the choice depends on nothing but shapes and constants, and is the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nncli.kernels import fft_convolution, gemm_blocking, winograd
from nncli.kernels.gemm_blocking import PASSES
from nncli.kernels.gemm_convolution import buffer_size, is_plain, shares_rows
from nncli.kernels.window import Window
from nncli.parts import Shape, with_algorithm

ALGORITHMS = "direct", "gemm", "winograd", "fft", "oaconvolve"
ERRORS = {"winograd4": 1.5e-6, "winograd2": 5e-7, "fft": 5e-7, "oaconvolve": 5e-7}
"""Largest error of a pass in float32 over the norm of its result, measured by `tests/benchmarks/convolution_errors.py`
up to 128 channels and 31×31 kernels, normal and rectified numbers. Float64 errs 2²⁹ times less. `direct` and `gemm` are
what the others are compared with: they err by up to 6e-7 there, and are always allowed."""
DOUBLE = 2.0**-29
"""Rounding of float64 over that of float32."""
WINOGRAD_BUDGET = 5 << 18
"""Bytes of the tiles of a block and their transforms, one second-level cache and a little; twice as much for the
weights' gradient, which sums over a block. Best or within 6 % of it of 0.3 to 5 MB, for 32 to 128 channels."""
FFT_BUDGET = 1 << 18
"""Bytes of the spectra of a chunk of samples."""
FFT_SAMPLES = 2
"""Samples of a chunk at least: the product at a frequency reads the kernels' spectrum once for all of them."""


class Convolution(NamedTuple):
    """Images x and outputs y (channels, height, width) of n samples, and how one reads the other."""

    x: Shape
    y: Shape
    window: Window
    groups: int
    n: int
    itemsize: int = 4

    @property
    def adjoint(self) -> Convolution | None:
        """The convolution of the errors that gives the input's gradient; None where the stride is above 1."""
        back = gemm_blocking.full_window(self.window)
        return None if back is None else self._replace(x=self.y, y=self.x, window=back)

    @property
    def pairs(self) -> int:
        """Of channels and filters that see each other: kernels."""
        return self.y[0] * self.x[0] // self.groups

    @property
    def weights(self) -> int:
        return self.pairs * math.prod(self.window.kernel)


# -- what an algorithm can do ------------------------------------------------------------------------------------------


def declines(algorithm: str, c: Convolution) -> str | None:
    """Why an algorithm cannot do it; None where it can."""
    kh, kw = c.window.kernel
    if algorithm == "winograd":
        if (kh, kw) != (3, 3):
            return f"winograd takes kernels of 3×3, not {kh}×{kw}"
        if c.window.stride != (1, 1) or c.window.dilation != (1, 1):
            return "winograd takes neither a stride nor a dilation above 1"
    if algorithm == "oaconvolve" and c.x[0] != c.groups:
        return f"oaconvolve takes one channel in each group, not {c.x[0] // c.groups}"
    return None


def allowed(algorithm: str, tolerance: float, itemsize: int = 4) -> bool:
    """Whether an algorithm's rounding stays within a relative error; winograd with tiles of 2×2 or 4×4 outputs."""
    return ERRORS.get(algorithm, 0.0) * (DOUBLE if itemsize == 8 else 1.0) <= tolerance


# -- choice ------------------------------------------------------------------------------------------------------------


def choose(c: Convolution, algorithm: str = "auto", tolerance: float = math.inf) -> dict[str, Any]:
    """The plan of a convolution: `algorithm` for people, the algorithm of each pass, and what it needs to know.

    `auto` takes the cheapest that is able and allowed for each pass; `direct` is never that.
    """
    blocks = gemm_blocking.choose(c.x, c.y, c.window, c.groups, c.n, c.itemsize)
    if algorithm == "gemm":
        return {"algorithm": "gemm", **blocks}
    if algorithm == "direct":
        return {"algorithm": "direct"}
    names = ALGORITHMS[1:] if algorithm == "auto" else (algorithm,)
    plan: dict[str, Any] = {}
    for which in PASSES:
        options = [option for name in names for option in _options(name, c, which, blocks, tolerance)]
        name, _, own = min(options, key=lambda option: option[1])
        plan |= {f"{which}_algorithm": name, **own}
    if "gemm" in (plan[f"{which}_algorithm"] for which in PASSES):
        plan = {"input": blocks["input"], **plan}
    return with_algorithm(plan)


def alternatives(c: Convolution, algorithm: str, tolerance: float) -> dict[str, tuple[dict[str, Any], ...]]:
    """For each pass what its part of the plan could be: every algorithm that is able and allowed, gemm and winograd
    also with blocks of half and twice the height."""
    if algorithm == "direct":
        return {}
    blocks = gemm_blocking.choose(c.x, c.y, c.window, c.groups, c.n, c.itemsize)
    names = ALGORITHMS[1:] if algorithm == "auto" else (algorithm,)
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    for which in PASSES:
        made: list[dict[str, Any]] = []
        for name in names:
            for option in _options(name, c, which, blocks, tolerance):
                own = {f"{which}_algorithm": name, **option[2]}
                if name == "gemm":
                    own["input"] = blocks["input"]
                made += [own, *_other_blocks(own, which, (c.x if which == "input" else c.y)[1])]
        found[which] = tuple(made)
    return found


def _other_blocks(own: Mapping[str, Any], which: str, most: int) -> list[dict[str, Any]]:
    """The same with half as many and twice as many rows in a block; with as many there are rows to halve or double."""
    key = f"{which}_rows"
    if key not in own:
        return []
    rows = own[key]
    return [{**own, key: other} for other in (rows // 2, 2 * rows) if 1 <= other <= most]


def algorithm_of(plan: Mapping[str, Any], which: str) -> str:
    """The algorithm of a pass."""
    return str(plan.get(f"{which}_algorithm", plan["algorithm"]))


def _options(
    name: str, c: Convolution, which: str, blocks: Mapping[str, Any], tolerance: float
) -> list[tuple[str, float, dict[str, Any]]]:
    """(algorithm, cost in ns, what the plan holds of the pass) for each way to do it."""
    if declines(name, c) is not None:
        return []
    if name == "gemm":
        own = {key: blocks[key] for key in (f"{which}_rows", f"{which}_columns")}
        return [(name, cost("gemm", c, which, blocks), own)]
    if name == "winograd":
        made = []
        for m in (4, 2):
            if allowed(f"winograd{m}", tolerance, c.itemsize):
                rows, columns = winograd_block(c, which, m)
                own = {f"{which}_tile": m, f"{which}_rows": rows, f"{which}_columns": columns}
                made.append((name, cost(name, c, which, own), own))
        return made
    if not allowed(name, tolerance, c.itemsize):
        return []
    own = {f"{which}_samples": fft_samples(c, which)} if name == "fft" else {}
    return [(name, cost(name, c, which, own), own)]


def winograd_block(c: Convolution, which: str, m: int) -> tuple[int, int]:
    """(rows, columns) of the tiles of a block."""
    rows, columns = winograd.grid(m, (c.x if which == "input" else c.y)[1:])
    budget = WINOGRAD_BUDGET * (2 if which == "weight" else 1)
    tiles = max(1, budget // (winograd.points(m) * (c.x[0] + c.y[0]) * c.n * c.itemsize))
    if tiles < columns:
        return 1, -(-columns // -(-columns // tiles))
    return -(-rows // -(-rows // (tiles // columns))), columns


def fft_samples(c: Convolution, which: str) -> int:
    """Samples whose spectra are made together; for the weights' gradient as many as fill what it takes anyway."""
    rows, columns = fft_convolution.axes(c.x, c.y, c.window, which)
    size = rows.length * (columns.length // 2 + 1) * 2 * c.itemsize
    budget = max(FFT_BUDGET, size * c.pairs) if which == "weight" else FFT_BUDGET
    return min(c.n, max(FFT_SAMPLES, budget // (size * (c.x[0] + c.y[0]))))


# -- memory ------------------------------------------------------------------------------------------------------------


def buffers(c: Convolution, plan: Mapping[str, Any]) -> dict[str, int]:
    """Elements of each scratch array that the passes need; they share them."""
    needs: list[dict[str, int]] = []
    gemm = [which for which in PASSES if algorithm_of(plan, which) == "gemm"]
    if gemm:
        needs.append(gemm_blocking.buffers(c.x, c.y, c.window, c.groups, c.n, plan, gemm))
    needs += [_winograd_buffers(c, which, plan) for which in PASSES if algorithm_of(plan, which) == "winograd"]
    for which in PASSES:
        if algorithm_of(plan, which) == "fft":
            rows, columns = fft_convolution.axes(c.x, c.y, c.window, which)
            needs.append({"kernels": 2 * c.pairs * rows.length * (columns.length // 2 + 1)})
    names = {name for need in needs for name in need}
    return {name: max(need.get(name, 0) for need in needs) for name in sorted(names)}


def _winograd_buffers(c: Convolution, which: str, plan: Mapping[str, Any]) -> dict[str, int]:
    m = plan[f"{which}_tile"]
    rows, columns = winograd.grid(m, (c.x if which == "input" else c.y)[1:])
    tiles = min(plan[f"{which}_rows"], rows) * min(plan[f"{which}_columns"], columns) * c.n
    numbers, weights = winograd.points(m) * tiles, winograd.points(m) * c.weights // winograd.KERNEL**2
    most = numbers * max(c.x[0], c.y[0])
    if which != "weight":
        return {"tiles": most, "spectrum": most, "points": weights, "turned": c.weights if which == "input" else 0}
    tile = gemm_blocking.gradient_tile(c.y[0] // c.groups, c.x[0] // c.groups)
    partial = weights * -(-tiles // tile[2])
    return {
        "tiles": most,
        "spectrum": numbers * c.x[0],
        "errors": numbers * c.y[0],
        "points": weights,
        "partial": partial,
        "sums": weights,
    }


# -- cost --------------------------------------------------------------------------------------------------------------

Counts = tuple[float, ...]


def gemm_counts(c: Convolution, which: str, plan: Mapping[str, Any]) -> Counts:
    """Multiplications, numbers copied into (or added from) columns, runs of such copies, results, blocks."""
    block = plan[f"{which}_rows"], plan[f"{which}_columns"]
    scatter = which == "input" and (plan["input"] == "scatter" or c.adjoint is None)
    if which == "input" and not scatter and c.adjoint is not None:
        c = c.adjoint
    rows, columns = min(block[0], c.y[1]), min(block[1], c.y[2])
    blocks = -(-c.y[1] // rows) * -(-c.y[2] // columns)
    multiplications = c.weights * c.y[1] * c.y[2] * c.n
    copied = 0
    if scatter or not is_plain(c.window, c.x, c.y):
        shared = shares_rows(c.window) and not scatter
        copied = buffer_size(c.x[0], c.window, (rows, columns), c.n, shared) * blocks
    return multiplications, copied, copied / (columns * c.n), math.prod(c.y) * c.n, blocks


def winograd_counts(c: Convolution, which: str, plan: Mapping[str, Any]) -> Counts:
    """Multiplications of the transforms, those of the middle, numbers gathered and scattered, runs of such copies,
    transformed weights, products, blocks."""
    if which == "input":
        assert c.adjoint is not None
        c = c.adjoint
    m, block = plan[f"{which}_tile"], (plan[f"{which}_rows"], plan[f"{which}_columns"])
    points, (rows, columns) = winograd.points(m), winograd.grid(m, c.y[1:])
    tiles = rows * columns * c.n
    transforms = points // 2 * (points * c.x[0] + m * m * c.y[0]) * tiles
    middle = points * c.pairs * tiles
    moved = (points * c.x[0] + m * m * c.y[0]) * tiles
    blocks = -(-rows // block[0]) * -(-columns // block[1])
    run = c.n if c.n > 1 else min(block[1], columns)
    return transforms, middle, moved, moved / run, points * c.weights / 9, blocks * points * c.groups, blocks


def fft_counts(c: Convolution, which: str, plan: Mapping[str, Any]) -> Counts:
    """Numbers of the samples' spectra times the logarithm of a map's, those of the weights', multiplications, products,
    numbers of the weights' spectra read, passes."""
    rows, columns = fft_convolution.axes(c.x, c.y, c.window, which)
    size = rows.length * (columns.length // 2 + 1)
    maps = (c.x[0] + c.y[0]) * c.n
    chunks = -(-c.n // plan[f"{which}_samples"])
    log = math.log2(rows.length * columns.length)
    kernels = c.pairs * size
    return maps * size * log, kernels * log, kernels * c.n, size * c.groups * chunks, kernels * chunks, 1


def oaconvolve_counts(c: Convolution, which: str, plan: Mapping[str, Any]) -> Counts:
    """Convolutions of single maps, their numbers times the logarithm of what is laid over them."""
    maps = c.y[0] * c.n
    other = c.y[1:] if which == "weight" else c.window.kernel
    return maps, maps * (c.x[1] + other[0]) * (c.x[2] + other[1]) * math.log2(2 + other[0] * other[1])


COUNTS: dict[str, Callable[[Convolution, str, Mapping[str, Any]], Counts]] = {
    "gemm": gemm_counts,
    "winograd": winograd_counts,
    "fft": fft_counts,
    "oaconvolve": oaconvolve_counts,
}
COSTS: dict[str, Counts] = {
    "gemm": (0.0197, 0.125, 22.8, 0.0, 6650.0),  # 87 measurements, median error 12%
    "gemm weight": (0.0234, 0.0781, 60.2, 0.0, 6410.0),  # 49 measurements, median error 15%
    "gemm scatter": (0.02, 0.328, 142.0, 0.0, 12600.0),  # 11 measurements, median error 22%
    "winograd": (0.0138, 0.0224, 0.498, 4.44, 0.823, 490.0, 0.0),  # 88 measurements, median error 11%
    "winograd weight": (0.0341, 0.0241, 0.315, 5.06, 1.18, 0.0, 15000.0),  # 44 measurements, median error 12%
    "fft": (0.55, 0.266, 0.397, 0.0, 1.54, 135000.0),  # 98 measurements, median error 24%
    "fft weight": (0.445, 0.0733, 0.105, 0.0, 7.14, 156000.0),  # 49 measurements, median error 18%
    "oaconvolve": (119000.0, 1.9),  # 24 measurements, median error 31%
    "oaconvolve weight": (87900.0, 0.742),  # 12 measurements, median error 13%
}
"""Nanoseconds for each count, by algorithm and pass: `tests/benchmarks/fit_convolutions.py` measures and prints them.

These are of one core of an AMD EPYC (Zen 4, 1 MiB L2) with OpenBLAS 0.3.31 and SciPy 1.17, float32. Over the
147 passes measured, `auto` takes 1 % longer than the fastest of each. `oaconvolve` never was that: `fft` needs half its
time on one large image too."""


def family(name: str, which: str, plan: Mapping[str, Any]) -> str:
    """What passes have a line in `COSTS` of their own: `correlate`, `weight`, and gemm's `scatter`."""
    if which == "weight":
        return f"{name} weight"
    return f"{name} scatter" if name == "gemm" and which == "input" and plan["input"] == "scatter" else name


def cost(name: str, c: Convolution, which: str, plan: Mapping[str, Any]) -> float:
    """Nanoseconds that a pass takes on one thread."""
    counts = COUNTS[name](c, which, plan)
    return sum(count * each for count, each in zip(counts, COSTS[family(name, which, plan)], strict=True))
