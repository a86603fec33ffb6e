"""nncli's side of `gan`: steps of both players on random images, for as many seconds as standard input says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from nncli.spec import load_game
from nncli.training.game.setup import set_up

CONFIG = Path(__file__).parents[2] / "configs" / "mnist_gan_dense.yaml"


def main(threads: str) -> None:
    data = "data={train: {random: {samples: 1000, shape: [1, 28, 28]}}}"
    setup = set_up(load_game(CONFIG, [data, f"threads={threads}", "game.ema=null"]))
    play, step = setup.play(), 0
    play.begin()
    with setup.models["generator"].limits(), np.errstate(all="ignore"):
        for line in sys.stdin:
            found: list[float] = []
            begun = perf_counter()
            while not found or perf_counter() - begun < float(line):
                start = perf_counter()
                play.step_discriminator(step, 0)
                play.step_generator(step)
                step += 1
                found.append(perf_counter() - start)
            print(json.dumps(found), flush=True)
    setup.close()


main(sys.argv[1])
