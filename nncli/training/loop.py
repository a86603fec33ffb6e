"""The supervised loop. It yields events and prints nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import dropwhile
from pathlib import Path
from time import perf_counter

import numpy as np

from nncli.data.batches import Loader
from nncli.engine import Updater
from nncli.engine.update import Settings
from nncli.errors import DivergenceError, Fault
from nncli.parts import Array, Moment
from nncli.training import events as ev
from nncli.training.average import Average
from nncli.training.diverging import Rollbacks
from nncli.training.feeding import Feed, Wanted
from nncli.training.measure import Meter, measure_split
from nncli.training.probing import Probing
from nncli.training.progress import History, Progress, Running, Watch
from nncli.training.rhythm import Rhythm
from nncli.training.saving import Saving, left
from nncli.training.setup import Setup

Stop = Callable[[], bool]


class Run:
    """One training run in a folder, from its start or from where a checkpoint left it.

    The object holds everything that a checkpoint stores, so that a run that goes on cannot be told from one that
    was never interrupted.
    """

    def __init__(self, setup: Setup, folder: Path) -> None:
        config = setup.config
        self.setup, self.folder = setup, folder
        self.model = setup.model
        self.feed = Feed(setup.train, setup.model, setup.augmenter)
        self.batch = min(config.train.batch, len(setup.train))
        self.model.program(self.batch, training=True)
        clip = config.train.clip
        self.updater = Updater(
            self.model.parameters,
            self.model.gradients,
            config.optimizer,
            clip.value if clip else None,
            clip.norm if clip else None,
            [
                Settings(1.0 if group.lr is None else group.lr / config.optimizer.lr, group.weight_decay)
                for group in config.groups
            ],
        )
        ema = config.train.ema
        self.average = None if ema is None else Average(self.model.parameters, ema.decay, ema.warmup)
        self.progress = Progress()
        self.history = History()
        self.running = Running(setup.metrics, setup.model.objective)
        self.best = _best_watch(setup)
        self.early = _early_watch(setup)
        self.meter = Meter(setup.metrics, setup.preprocessing.scales)
        self.probing = Probing(self)
        self.rollbacks = Rollbacks(config.train.on_divergence)
        self.saving = Saving(self)
        self.numbered = Rhythm(config.checkpoint.every, "epochs")
        self.kept = Rhythm(config.checkpoint.last, "epochs")
        self.notes: list[str] = []

    def begin(self) -> None:
        """Draw the initial weights, or take them from where the configuration says."""
        parameters, config = self.model.parameters, self.setup.config
        parameters.initialize(self.setup.graph, config.seed)
        if self.setup.initial is not None:
            self.setup.initial.apply(parameters)
        if self.average is not None:
            self.average.start()

    def close(self) -> None:
        """End the thread that prepares batches."""
        self.feed.close()

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.setup.train) // (self.batch * self.setup.config.train.accumulate))

    def events(self, stop: Stop = lambda: False, late: Stop = lambda: False) -> Iterator[ev.Event]:
        """Train to the end, or until `stop()` says so after a step or while a split is measured, or `late()` after a
        step; then a checkpoint is written first. A run that is `late` has taken one step at least.

        One is written before the first step too: whatever ends the process, `last.h5` is there to go on from.

        Raises DivergenceError at a loss or gradient that is not finite (the step is not applied, no checkpoint is
        written), unless the run is one that then goes back, and OutputError where a checkpoint cannot be written.
        """
        setup, progress = self.setup, self.progress
        epochs = setup.config.train.epochs
        yield self._started(epochs)
        if not self.saving.last.exists():
            yield self.saving.write("begun")
        if self.rollbacks.wanted and not self.saving.healthy():
            yield self.saving.write("healthy")
        figures: dict[str, ev.Figures] = {}
        while progress.epoch < epochs and not progress.stopped_early:
            begun = perf_counter()
            speed_from = self.running.samples
            spent = progress.epoch_seconds
            try:
                for event in self.epoch():
                    progress.epoch_seconds = spent + perf_counter() - begun
                    yield event
                    stepped = isinstance(event, ev.Stepped)
                    if stepped:
                        yield from self._save_step()
                    if reason := "stopped" if stop() else "time" if stepped and late() else "":
                        yield from self._stopped(reason)
                        return
            except DivergenceError as error:
                yield self._rolled_back(error)
                yield self.saving.write("last")
                continue
            speed = (self.running.samples - speed_from) / max(perf_counter() - begun, 1e-9)
            figures = {"train": self.running.figures()}
            progress.epoch_seconds = spent + perf_counter() - begun
            if setup.validation is not None:
                measured = self._measure(setup.validation, stop)
                if measured is None:
                    yield from self._stopped("stopped")
                    return
                figures["validation"] = measured
            yield self._close_epoch(figures, speed, spent + perf_counter() - begun)
            yield from self._save(epochs)
        yield self._finished("early" if progress.stopped_early else "done", figures or self._last_figures(), stop)

    def _measure(self, loader: Loader, stop: Stop) -> ev.Figures | None:
        """Figures of a whole split, with the averaged weights where there is an average; None where it was stopped."""
        with self.average.in_use() if self.average is not None else nullcontext():
            measured = measure_split(self.setup, loader, stop)
        return None if measured is None else measured.figures()

    # -- an epoch ----------------------------------------------------------------------------------------------------

    def epoch(self) -> Iterator[ev.Stepped | ev.Probed]:
        """The steps of the epoch that `progress` says, from where its cursor stands."""
        setup, progress = self.setup, self.progress
        config, n = setup.config, len(setup.train)
        assert config.data is not None
        indices = setup.train.order(config.seed, progress.epoch) if config.data.shuffle else setup.in_order(n)
        if progress.cursor == 0:
            self.running.reset()
        for cursor in range(progress.cursor, self.steps_per_epoch):
            lr = self.rate(config.train.epochs)
            if self.probing.due():
                yield self.probing.look(self._batch(indices, cursor * config.train.accumulate))
            loss, norm = self._step(indices, cursor, lr)
            progress.step += 1
            progress.cursor = cursor + 1
            self.history.add_step(loss, lr, norm)
            yield ev.Stepped(progress.epoch + 1, cursor + 1, progress.step, self.running.loss, lr, norm)

    def rate(self, epochs: int) -> float:
        """The step size of the next step in a run of so many epochs, by the schedule."""
        config, progress, per_epoch = self.setup.config, self.progress, self.steps_per_epoch
        at = Moment(progress.epoch * per_epoch + progress.cursor, epochs * per_epoch, per_epoch, self._seen())
        return float(self.rollbacks.scale * config.optimizer.lr * config.schedule.factor(at))

    def _batch(self, indices: Array, number: int) -> Wanted:
        """A batch of this epoch, of which `indices` is the order; empty beyond its end."""
        return Wanted(self.progress.epoch, number, indices[number * self.batch : (number + 1) * self.batch])

    def _step(self, indices: Array, cursor: int, lr: float) -> tuple[float, float]:
        """Forward, backward and update on the batches of a step; returns the mean loss and the gradient's norm.

        The loss is in the targets' own units, the norm that of the gradient of what is made small.
        """
        first, count = cursor * self.setup.config.train.accumulate, self.setup.config.train.accumulate
        batches = [batch for number in range(first, first + count) if len((batch := self._batch(indices, number)).rows)]
        total = weight = 0.0
        norm = math.nan
        for batch in batches:
            program = self.model.program(len(batch.rows), training=True)
            load = self.feed.load(batch)
            if len((following := self._batch(indices, batch.number + 1)).rows):
                self.feed.ahead(following)
            loss = program.run(load, batch.epoch, batch.number, self.meter)
            own = self.meter.loss(program) if self.meter.scales else loss
            total, weight = total + own * program.weight, weight + program.weight
            if math.isfinite(loss) and len(batches) > 1:
                self.updater.keep(len(program.shards), program.weight)
            elif math.isfinite(loss):
                norm = self.updater.gather(len(program.shards))
            else:
                raise self._diverged([batch], loss, cursor)
            self.running.add(self.meter.losses(program), program.weights, len(batch.rows), self.meter.take(program))
        if len(batches) > 1:
            norm = self.updater.gather_kept()
        if not math.isfinite(norm):
            raise self._diverged(batches, total / weight, cursor)
        self.updater.apply(norm, lr, self.progress.step + 1)
        if self.average is not None:
            self.average.add(self.progress.step + 1)
        return total / weight, norm

    def _nonfinite(self, batches: list[Wanted]) -> tuple[str, str]:
        """The first node, and what of it, that is not finite in these batches."""
        for batch in batches:
            program = self.model.program(len(batch.rows), training=True)
            found = program.first_nonfinite(self.feed.load(batch), batch.epoch, batch.number)
            if found is not None:
                return found
        return "", "gradient"

    def _seen(self) -> list[float]:
        """What the schedule watches, after each epoch; less is better."""
        figure = self.setup.config.schedule.watches()
        if figure is None:
            return []
        measured = self.history.epochs.get(f"{self.setup.watched_split}_{figure}", [])
        values = list(dropwhile(math.isnan, measured))
        return [-value for value in values] if self.setup.better(figure) == "max" else values

    def _diverged(self, batches: list[Wanted], loss: float, cursor: int) -> DivergenceError:
        node, what = self._nonfinite(batches)
        at = f"epoch {self.progress.epoch + 1}, step {cursor + 1} of {self.steps_per_epoch}"
        lr = self.setup.config.optimizer.lr
        message = f"training diverged: the first thing that is not finite is the {what} of '{node}' (loss {loss})"
        hint = (
            f"a smaller step size ({self.setup.config.optimizer.type_name}.lr is {lr:g}), or `train.clip: {{norm: 1}}`"
        )
        return DivergenceError(Fault(message, at, hint))

    def _rolled_back(self, error: DivergenceError) -> ev.RolledBack:
        """Go back to where all was well. Raises the error where that is not wanted, or not any more."""
        self.rollbacks.refuse(error, lambda: left(self.saving))
        step = self.progress.step
        to = self.saving.roll_back()
        self.rollbacks.add(step + 1, to)
        return ev.RolledBack(step, to, str(error), self.rollbacks.scale)

    def _is_healthy(self) -> bool:
        """Whether the losses of the last epoch and the weights are finite."""
        losses = [values[-1] for name, values in self.history.epochs.items() if name.endswith("_loss")]
        return all(map(math.isfinite, losses)) and bool(np.isfinite(self.model.parameters.w).all())

    # -- its end -----------------------------------------------------------------------------------------------------

    def _close_epoch(self, figures: dict[str, ev.Figures], speed: float, seconds: float) -> ev.EpochEnded:
        progress, config = self.progress, self.setup.config
        progress.epoch += 1
        progress.cursor = 0
        progress.seconds += seconds
        progress.epoch_seconds = 0.0
        lr = self.history.steps["lr"][-1]
        self.history.add_epoch(figures, lr, seconds)
        best = self.best.see(figures, progress.epoch)
        stopping = config.train.early_stopping
        if self.early is not None and stopping is not None:
            self.early.see(figures, progress.epoch)
            progress.stopped_early = self.early.waited >= stopping.patience
        self.running.reset()
        return ev.EpochEnded(progress.epoch, config.train.epochs, figures, lr, seconds, speed, best)

    def _save_step(self) -> Iterator[ev.Saved]:
        """The checkpoints that are due after a step."""
        step = self.progress.step
        if self.numbered.after_step(step):
            yield self.saving.write("numbered")
        if self.kept.after_step(step):
            yield self.saving.write("last")

    def _save(self, epochs: int) -> Iterator[ev.Saved]:
        epoch = self.progress.epoch
        if self.best.epoch == epoch:
            yield self.saving.write("best")
        if self.rollbacks.wanted and self._is_healthy():
            yield self.saving.write("healthy")
        if self.numbered.after_epoch(epoch):
            yield self.saving.write("numbered")
        if self.kept.after_epoch(epoch) or epoch == epochs or self.progress.stopped_early:
            yield self.saving.write("last")

    def _stopped(self, reason: str) -> Iterator[ev.Event]:
        yield self.saving.write("stopped")
        yield self._finished(reason, self._last_figures())

    def _last_figures(self) -> dict[str, ev.Figures]:
        """Figures of the last whole epoch, from the history."""
        figures: dict[str, ev.Figures] = {}
        for key, values in self.history.epochs.items():
            split, _, name = key.partition("_")
            if name and values:
                figures.setdefault(split, {})[name] = values[-1]
        return figures

    def _started(self, epochs: int) -> ev.Started:
        setup, progress = self.setup, self.progress
        return ev.Started(
            name=setup.config.name,
            folder=self.folder,
            plan=setup.plan.describe(),
            parameters=setup.graph.parameter_count,
            samples=setup.samples,
            epochs=epochs,
            first_epoch=progress.epoch + 1,
            steps_per_epoch=self.steps_per_epoch,
            batch=self.batch,
            cursor=progress.cursor,
            accumulate=setup.config.train.accumulate,
            initial=setup.initial.describe() if setup.initial is not None and not progress.step else "",
            notes=tuple(self.notes),
        )

    def _finished(self, reason: str, figures: dict[str, ev.Figures], stop: Stop = lambda: False) -> ev.Finished:
        setup, progress = self.setup, self.progress
        figures = dict(figures)
        if setup.test is not None and reason not in ("stopped", "time"):
            measured = self._measure(setup.test, stop)
            if measured is None:
                reason = "stopped"
            else:
                figures["test"] = measured
        best = self.saving.best if self.best.epoch else None
        return ev.Finished(
            reason=reason,
            folder=self.folder,
            checkpoint=self.saving.last,
            best=best,
            best_epoch=self.best.epoch or None,
            best_figure=self.best.describe(),
            epochs=progress.epoch,
            steps=progress.step,
            seconds=progress.seconds + progress.epoch_seconds,
            figures=figures,
            rollbacks=len(self.rollbacks.steps),
            notes=tuple(self.notes),
        )


def _best_watch(setup: Setup) -> Watch:
    """What decides on `best.h5`: as configured, else the first metric on validation data, else the loss.

    Of equal epochs the latest is kept: accuracies of a small split are often equal, and training goes on between them.
    """
    wanted = setup.config.checkpoint.best
    split = setup.watched_split
    if wanted is not None:
        return Watch(split, wanted.metric, wanted.mode or setup.better(wanted.metric), latest=True)
    metric = next(iter(setup.metrics), "loss") if split == "validation" else "loss"
    return Watch(split, metric, setup.better(metric), latest=True)


def _early_watch(setup: Setup) -> Watch | None:
    wanted = setup.config.train.early_stopping
    if wanted is None:
        return None
    split = setup.watched_split
    metric = wanted.metric or "loss"
    return Watch(split, metric, wanted.mode or setup.better(metric), wanted.min_delta)
