from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.benchmark.timing import trained_steps
from nncli.benchmark.workload import Noise, open_workload, without_noise
from nncli.errors import DataError, SpecError
from nncli.spec import load, read_text
from tests.training.runs import write_config

NETWORK = "network: [flatten, {dense: 5}, {dropout: 0.5}, {dense: 3}]\nloss: softmax_cross_entropy\n"
IDX = "data: {train: {idx: {images: images.gz, labels: labels.gz}}, preprocess: [standardize]}\n"


def test_data_that_are_there_are_used(tmp_path: Path) -> None:
    with open_workload(load(write_config(tmp_path)), random=False) as workload:
        assert (workload.data, workload.why) == ("the training split", "")
        assert len(workload.run.setup.train) == 3523
        assert workload.run.setup.test is None
    assert list(tmp_path.iterdir()) == [tmp_path / "small.yaml"]


def test_random_numbers_take_the_shape_of_the_data(tmp_path: Path) -> None:
    with open_workload(load(write_config(tmp_path)), random=True) as workload:
        assert workload.data == "random numbers"
        assert workload.run.setup.graph.input == (1, 8, 8)


def test_random_numbers_stand_in_for_absent_files_in_their_type() -> None:
    text = IDX + NETWORK + "input: {shape: [1, 4, 4], classes: 3}"
    with open_workload(read_text(text), random=False) as workload:
        assert workload.data == "random numbers"
        assert "images.gz: no such file" in workload.why
        assert workload.run.setup.train.dataset.x.dtype == np.uint8
        assert workload.run.setup.preprocessing.steps != ()


def test_damaged_data_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(b"nonsense")
    (tmp_path / "labels.gz").write_bytes(b"nonsense")
    loaded = read_text(IDX + NETWORK + "input: {shape: [1, 4, 4], classes: 3}", base=tmp_path)
    with pytest.raises(DataError, match="no IDX file"), open_workload(loaded, random=False):
        pass


@pytest.mark.parametrize("random", [False, True])
def test_without_data_and_input_there_is_nothing_to_measure(random: bool) -> None:
    with pytest.raises(SpecError, match="data"), open_workload(read_text(NETWORK), random=random):
        pass


def test_all_faults_of_the_file_are_told() -> None:
    text = "input: {shape: [4]}\nnetwork: [{dense: 0}]\nloss: nothing\n"
    with pytest.raises(SpecError) as caught, open_workload(read_text(text), random=True):
        pass
    assert len(caught.value.faults) >= 2


def test_weights_hardly_move_however_long_it_takes() -> None:
    text = NETWORK + "input: {shape: [4]}\noptimizer: {sgd: {lr: 1000.0}}\ngroups: [{nodes: dense_1, lr: 5000.0}]"
    with open_workload(read_text(text), random=True) as workload:
        before = workload.run.model.parameters.w.copy()
        steps = trained_steps(workload.run)
        for _ in range(20):
            next(steps)
        assert 0 < np.abs(workload.run.model.parameters.w - before).max() < 0.1


def test_noise_gives_whole_numbers_to_embeddings_and_values_to_losses() -> None:
    loaded = read_text(
        "network: [{embedding: {count: 7, size: 2}}, flatten, {dense: 2}]\nloss: least_squares\ninput: {shape: [5]}"
    )
    with open_workload(loaded, random=True) as workload:
        dataset = workload.run.setup.train.dataset
        assert dataset.x.dtype.kind == "i"
        assert set(np.unique(dataset.x)) == set(range(7))
        assert dataset.target("y").shape == (2,)


def test_networks_without_noise_keep_all_but_the_noise() -> None:
    with open_workload(read_text(NETWORK + "input: {shape: [4]}"), random=True) as workload:
        graph = workload.run.setup.graph
        silent = without_noise(graph)
        assert [node.name for node in silent.nodes] == [node.name for node in graph.nodes]
        assert silent.nodes[2].layer.rate == 0
        assert graph.nodes[2].layer.rate == 0.5
        assert isinstance(workload.run.setup.config.data.train, Noise)  # type: ignore[union-attr]
