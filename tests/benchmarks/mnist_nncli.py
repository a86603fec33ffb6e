"""`nncli train` on MNIST, with a line of JSON for each thing that happens: what the command does, and the test split
measured after each epoch (as its validation split), as the script for PyTorch does.

python mnist_nncli.py CONFIG OUT [--set ...]
"""

import json
import sys
import time
from pathlib import Path


def say(**what: object) -> None:
    with open("/proc/self/status") as lines:
        peak = next(line for line in lines if line.startswith("VmHWM")).split()[1]
    print(json.dumps({"at": time.time(), "peak_bytes": int(peak) * 1024, **what}), flush=True)


def main() -> None:
    from nncli.report.console import messages
    from nncli.report.display import display
    from nncli.training import events, supervised

    config, out, *texts = sys.argv[1:]
    with supervised.open_run(Path(config), None, texts, Path(out)) as run, display(messages(True)) as view:
        for event in run.events():
            view.show(event)
            if isinstance(event, events.Stepped) and event.step == 1:
                say(what="first step")
            elif isinstance(event, events.EpochEnded):
                say(what="epoch", epoch=event.epoch, accuracy=event.figures["validation"]["accuracy"])


main()
