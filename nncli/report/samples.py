"""Samples of a game into its run folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nncli.errors import Fault, OutputError
from nncli.training.game.events import Event, Sampled


class Frames:
    """Writes `samples/step-0001000.npz`: `samples` (n, …) in the data's units, and `latent` (n, dim)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "samples"

    def show(self, event: Event) -> None:
        """Raises OutputError where a file cannot be written."""
        if not isinstance(event, Sampled):
            return
        path = self.folder / f"step-{event.step:07}.npz"
        try:
            self.folder.mkdir(exist_ok=True)
            np.savez(path, samples=event.samples, latent=event.latent)
        except OSError as error:
            message = f"the samples cannot be written: {error.strerror or error}"
            raise OutputError(Fault(message, file=str(path), hint="free some space")) from None
