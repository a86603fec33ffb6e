"""The forecast of memory: beside what is really taken, and what is said where it is more than there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nncli import memory
from nncli.benchmark.memory import taken
from nncli.errors import UsageError
from nncli.training import needs
from nncli.training.supervised import open_run, plan_only
from tests.training.runs import ROOT

NETWORKS = {
    "wide": (
        "data: {train: {random: {samples: 40, shape: [1000]}}}\n"
        "network: [dense: 3000, relu, dense: 2000, relu, dense: 10]\n"
    ),
    "images": (
        "data: {train: {random: {samples: 40, shape: [3, 48, 48]}}}\n"
        "network:\n  - conv2d: {filters: 16, kernel: 3, padding: same}\n  - batch_norm\n  - relu\n"
        "  - conv2d: {filters: 16, kernel: 3, padding: same}\n  - relu\n  - max_pool2d: 2\n  - flatten\n  - dense: 10\n"
    ),
    "measured": (
        "data: {train: {random: {samples: 150, shape: [1, 32, 32]}}, validation: 130}\ndtype: float64\n"
        "network:\n  - conv2d: {filters: 16, kernel: 5, padding: same}\n  - tanh\n  - flatten\n  - dense: 10\n"
    ),
}
REST = "loss: softmax_cross_entropy\ntrain: {epochs: 1, batch: 20, ema: 0.9}\nthreads: 1\n"
SCRIPT = """
import json, sys
from pathlib import Path
import h5py, scipy.signal
from nncli.benchmark import memory
from nncli.training import needs, supervised
seen = []
real = needs.refuse
def refuse(what, parts, *rest):
    seen.append(parts)
    memory.begin_anew()
    seen.append(memory.taken())
    return real(what, parts, *rest)
supervised.check_memory.__globals__["refuse"] = refuse
with supervised.open_run(Path(sys.argv[1]), None, (), Path(sys.argv[2])) as run:
    for event in run.events():
        pass
print(json.dumps({"forecast": sum(seen[0].values()), "taken": memory.peak() - seen[1]}))
"""


@pytest.mark.skipif(taken() is None, reason="the system does not tell how much memory a process takes")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_forecast_is_what_is_taken(tmp_path: Path, name: str) -> None:
    """By a run from its first array to its last checkpoint, in a process of its own."""
    (tmp_path / "a.yaml").write_text(NETWORKS[name] + REST)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a.yaml"), str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["forecast"] == pytest.approx(found["taken"], rel=0.25, abs=12 * 2**20)


def write(folder: Path, network: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(
        f"data: {{train: {{random: {{samples: 9, shape: [100]}}}}}}\nnetwork: {network}\nloss: least_squares\n"
    )
    return path


def refused(path: Path, *texts: str) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        plan_only(path, None, texts)
    (fault,) = caught.value.faults
    return str(fault), fault.hint


def test_what_is_said_of_parameters(tmp_path: Path) -> None:
    path = write(tmp_path, "[dense: 1000000, {dense: 1000000, name: large}, {dense: 10}]")
    path.write_text(path.read_text().replace("samples: 9", "samples: 9, outputs: [10]"))
    message, hint = refused(path)
    assert message.startswith(f"{path}:1:1: training needs ")
    assert "parameters and what training keeps of each" in message
    assert "writing a checkpoint" in message
    assert hint == "make 'large' smaller: it has 1,000,001,000,000 parameters"


def test_what_is_said_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "[{reshape: [1, 100]}, {conv1d: {filters: 1000, kernel: 1}}, flatten, {dense: 10}]")
    path.write_text(path.read_text().replace("samples: 9", "samples: 9000, outputs: [10]") + "train:\n  batch: 9000\n")
    monkeypatch.setattr(needs, "available_memory", lambda: 2**30)
    message, hint = refused(path)
    assert message.startswith(f"{path}:5:10: train.batch: training needs ")
    assert "1.0 GiB are free: a batch of 9000 " in message
    assert hint == "a smaller `train.batch` needs less"
    assert "memory_bytes" in plan_only(path, None, ("train.batch=10",))


def test_what_fits_is_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With as many bytes as are forecast it runs, with one less it does not."""
    seen: list[int] = []
    path = write(tmp_path, "[dense: 10]")
    path.write_text(path.read_text().replace("samples: 9", "samples: 9, outputs: [10]"))
    real = needs.refuse
    monkeypatch.setattr("nncli.training.setup.refuse", lambda *a: seen.append(real(*a)) or seen[-1])
    plan_only(path, None, ())
    monkeypatch.setattr(needs, "available_memory", lambda: seen[0])
    plan_only(path, None, ())
    monkeypatch.setattr(needs, "available_memory", lambda: seen[0] - 1)
    refused(path)


def test_engines_take_nothing_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody asked before, the arrays themselves are not made."""
    monkeypatch.setattr(memory, "available", lambda: 2**18)
    monkeypatch.setattr(memory, "_MATTERS", 2**10)
    path = write(tmp_path, "[dense: 1000]")
    path.write_text(path.read_text().replace("samples: 9", "samples: 9, outputs: [1000]"))
    with pytest.raises(MemoryError, match=r"are needed, 0.2 MiB are free"), open_run(path, None, (), tmp_path / "run"):
        pass


# -- what is there -----------------------------------------------------------------------------------------------------


def test_limits_of_a_process_count() -> None:
    script = (
        "import resource\nfrom nncli import memory\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "print(memory.available())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 2**28 < int(done.stdout) < 2**30


def test_control_groups_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tightest of those around a process; what they keep of files can be given up."""
    groups, read = (
        {
            "outer/memory.max": "5000000\n",
            "outer/memory.current": "4000000\n",
            "outer/memory.stat": "anon 1\ninactive_file 300000\n",
            "outer/inner/memory.max": "max\n",
            "outer/inner/memory.current": "100\n",
        },
        memory._lines,
    )
    for name, text in groups.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    own = "0::/outer/inner"
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_lines", lambda file: [own] if str(file) == "/proc/self/cgroup" else read(file))
    assert memory.available() == 1_300_000
