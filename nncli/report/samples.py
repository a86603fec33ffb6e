"""Samples of a generator as files: pictures where they can be shown, else their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nncli.checkpoint import replace
from nncli.errors import Fault, OutputError, UsageError
from nncli.parts import Array, Shape
from nncli.report.pictures import files, grids, scatter
from nncli.report.pictures.drawing import KINDS
from nncli.report.pictures.extras import missing, require
from nncli.training.game.events import Event, Finished, Sampled, Started
from nncli.training.game.picturing import Scene, are_points
from nncli.training.game.sampling import Made

MOST_FRAMES = 200
"""Frames of an animation at most: of a longer game every second, third, … picture."""
ANIMATED = 256
"""Pixels of the longer side of an animated image, about."""
LARGEST = 2**26
"""Pixels of a picture at most, about: few programs open larger ones."""
MARGIN = 0.15
"""What is shown around 1-D data, as a share of their extent."""


def extra_for(shape: Shape) -> str:
    """The extra that a picture of samples of this shape needs; empty where there is no picture of them."""
    if are_points(shape):
        return "plot"
    return "images" if len(shape) == 3 else ""


def drawn(scene: Scene, kind: str, title: str, columns: int = 0, best: bool = False) -> bytes:
    """A picture of samples: images as `png`, points as `png`, `svg` or `pdf`; with `best` also what the best
    discriminator would say, where the data's density is known.

    Raises UsageError where a package for it is missing.
    """
    if scene.points:
        assert kind in KINDS
        return scatter.draw(kind, *_figure_of(scene, title, best))
    return files.png(grids.tiled(grids.to_bytes(scene.samples, *scene.limits), columns))


def target_of(made: Made, output: Path | None) -> tuple[Path, str]:
    """Where samples are written to, and as what. Raises UsageError where the file's name asks for what cannot be."""
    extra = extra_for(made.samples.shape[1:])
    if output is None:
        kind = "png" if extra and not missing(extra) else "npz"
        return made.checkpoint.with_name(f"samples.{kind}"), kind
    kinds = {"images": ["png", "gif"] if made.columns else ["png"], "plot": list(KINDS), "": []}[extra] + ["npz"]
    kind = output.suffix[1:].lower()
    if kind not in kinds:
        shape = "×".join(map(str, made.samples.shape[1:]))
        allowed = ", ".join(f".{kind}" for kind in kinds)
        hint = "an animation shows the way between points: --interpolate 8" if kind == "gif" and extra else ""
        message = f"'{output.name}' should end in one of {allowed}, for samples of {shape} numbers"
        raise UsageError(Fault(message, "--output", hint))
    return output, kind


def encoded(made: Made, kind: str) -> bytes:
    """Samples as the bytes of a file. Raises UsageError where the package for it is missing, or a picture too large."""
    if kind == "npz":
        return files.npz(samples=made.samples, latent=made.latent)
    require(extra_for(made.samples.shape[1:]), "a picture of samples", "-o samples.npz writes their numbers")
    if kind == "gif":
        images = grids.to_bytes(made.samples, *made.scene.limits)
        zoom = max(1, round(ANIMATED / max(images.shape[2:])))
        # each way begins where the one before ended
        frames = [image for place, image in enumerate(images) if place % made.columns or not place]
        return files.animation(grids.tiled(image[None], 1, 0, zoom) for image in frames)
    if not made.scene.points:
        pixels = made.samples.size * grids.zoom_for(made.samples.shape[2:]) ** 2
        if pixels > LARGEST:
            message = f"a picture of {pixels / 1e6:,.0f} million pixels is too large"
            raise UsageError(Fault(message, "-n", "fewer samples; or -o samples.npz, which takes any number"))
    return drawn(made.scene, kind, f"{made.name}, step {made.step:,}", made.columns, best=True)


def _figure_of(scene: Scene, title: str, best: bool) -> tuple[Any, ...]:
    """The function that makes the figure of points, and its arguments; with `best` D beside what it should be."""
    samples, judge = scene.samples, scene.judge
    data = scene.data if scene.data is not None else np.empty((0, samples.shape[1]))
    seen = data if len(data) else samples
    best = best and scene.odds and scene.density is not None
    if samples.shape[1] == 2:
        region = scatter.region_of(seen)
        land = None if judge is None else scatter.landscape(judge, region, scene.odds)
        optimal = scatter.best_landscape(scene.best, region) if best else None
        return scatter.scatter_figure, data, samples, title, land, optimal
    answers = None
    if judge is not None and scene.odds:
        low, high = float(seen.min()), float(seen.max())
        margin = (high - low) * MARGIN
        x = np.linspace(low - margin, high + margin, 400)
        learned = scatter.probability(judge(x[:, None]).astype(np.float64))
        answers = scatter.Answers(x, learned, scene.best(x[:, None]) if scene.density is not None else None)
    return scatter.line_figure, data[:, 0], samples[:, 0], title, answers


class Frames:
    """Pictures of a game as it goes on, `samples/step-0001000.png`, and of all of them an animation at its end, with
    `discriminator.png` where its discriminator can be compared with the best one.

    Where there can be none, for samples of another form or without the extra, there are NPZ files instead: `samples`
    (n, …) in the data's units, and `latent` (n, dim). `tell` is told once which extra is missing.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None] = lambda text: None) -> None:
        self.run, self.folder, self.tell = folder, folder / "samples", tell
        self.name = ""
        self.last: Sampled | None = None
        self.animation: Path | None = None
        self.comparison: Path | None = None
        self._extra: str | None = None

    def show(self, event: Event) -> None:
        """Raises OutputError where a file cannot be written."""
        if isinstance(event, Started):
            self.name = event.name
        elif isinstance(event, Sampled):
            self._sampled(event)
        elif isinstance(event, Finished):
            self._animate(event.steps)
            self._compare(event.steps)

    def _sampled(self, event: Sampled) -> None:
        if self._extra is None:
            self._extra = self._decide(event.samples.shape[1:])
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(Fault(f"cannot be made: {error.strerror}", file=str(self.folder))) from None
        path = self.folder / f"step-{event.step:07}.{'png' if self._extra else 'npz'}"
        if self._extra:
            data = drawn(event.scene, "png", f"{self.name}, step {event.step:,}")
        else:
            data = files.npz(samples=event.samples, latent=event.latent)
        replace(path, data, what="the samples")
        self.last = event

    def _decide(self, shape: Shape) -> str:
        """The extra that is used; empty where it is not there."""
        extra = extra_for(shape)
        remedy = missing(extra) if extra else ""
        if remedy:
            self.tell(f"samples are written as NPZ files, without pictures; for those {remedy}")
        return "" if remedy else extra

    def _animate(self, steps: int) -> None:
        """All pictures up to this step, those of before a resume too."""
        if not self._extra:
            return
        paths = [path for path in sorted(self.folder.glob("step-*.png")) if path.stem[5:].isdigit()]
        paths = thinned([path for path in paths if int(path.stem[5:]) <= steps])
        if len(paths) > 1:
            self.animation = self.run / "samples.gif"
            replace(self.animation, files.animation(_alike(paths)), what="the animation")

    def _compare(self, steps: int) -> None:
        """Where the data's density is known, D beside the best answer to the samples, if those are of the last step."""
        last = self.last
        if last is None or last.step != steps:
            return
        if self._extra and last.scene.density is not None and last.scene.odds:
            self.comparison = self.run / "discriminator.png"
            data = drawn(last.scene, "png", f"{self.name}, step {last.step:,}", best=True)
            replace(self.comparison, data, what="the picture")

    def document(self) -> dict[str, Any]:
        """What `--json` says of them."""
        return {"samples": str(self.folder), "animation": self.animation, "comparison": self.comparison}

    def said(self) -> str:
        """One line for people; empty where nothing was written."""
        if not self.folder.exists():
            return ""
        return "samples  " + ", ".join(str(path) for path in (self.folder, self.animation, self.comparison) if path)


def _alike(paths: list[Path]) -> Iterator[Array]:
    """The pictures that are as large as the last one; what was left there or spoiled by others is left out."""
    shape = files.read_png(paths[-1]).shape
    for path in paths:
        try:
            pixels = files.read_png(path)
        except OSError:
            continue
        if pixels.shape == shape:
            yield pixels


def thinned(paths: list[Path], most: int = MOST_FRAMES) -> list[Path]:
    """At most that many, evenly from the first to the last."""
    if len(paths) <= most:
        return paths
    return [paths[int(place)] for place in np.linspace(0, len(paths) - 1, most).round()]
