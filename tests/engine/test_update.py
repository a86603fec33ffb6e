"""Into how many runs the parameter vector is cut; what an update does to each is tested with the optimizers."""

from __future__ import annotations

import pytest

from nncli.engine import Updater
from nncli.engine.parameters import Parameters
from nncli.engine.update import Settings
from nncli.graph import build
from nncli.parts import Optimizer, UpdateFrame
from nncli.spec import read_text

NETWORK = "network: [{dense: 4, name: a}, {dense: 3, name: b}, {dense: 2, name: c, trainable: false}]\n"
GROUP = "groups: [{nodes: b, parameters: W, lr: 0.5}]\n"


class Counting(Optimizer):
    """Remembers the step size, decay and length of each piece."""

    lr, decay_all = 1.0, False

    def __init__(self, weight_decay: float) -> None:
        self.weight_decay = weight_decay
        self.seen: list[tuple[float, float, int]] = []

    def update(self, f: UpdateFrame) -> None:
        self.seen.append((f.lr, f.weight_decay, len(f.w)))


# weights a 5·4, b 4·3 and biases 4 + 3, each array rounded up to cache lines of 16 float32 numbers
@pytest.mark.parametrize(
    ("decay", "groups", "expected"),
    [
        (0.0, "", [(1.0, 0.0, 32 + 16 + 16 + 16)]),
        (0.1, "", [(1.0, 0.1, 32 + 16), (1.0, 0.0, 16 + 16)]),
        (0.0, GROUP, [(1.0, 0.0, 32 + 16 + 16), (0.5, 0.0, 16)]),
        (0.1, GROUP, [(1.0, 0.1, 32), (1.0, 0.0, 16 + 16), (0.5, 0.1, 16)]),
    ],
)
def test_neighbours_of_equal_settings_are_updated_together(
    decay: float, groups: str, expected: list[tuple[float, float, int]]
) -> None:
    loaded = read_text(NETWORK + groups + "loss: least_squares\noptimizer: {sgd: 1.0}\ninput: {shape: [5]}")
    config = loaded.check()
    graph = build(config.network, (5,), loaded.document, loaded.faults, config.groups)
    assert graph is not None
    parameters, optimizer = Parameters(graph, "float32"), Counting(decay)
    settings = [Settings(group.lr or 1.0, group.weight_decay) for group in config.groups]
    updater = Updater(parameters, [parameters.vector()], optimizer, groups=settings)
    updater.apply(updater.gather(1), 1.0, 1)
    assert optimizer.seen == expected
