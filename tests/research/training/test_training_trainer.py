# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from test_training_samples import ANN, BOB, clip  # noqa: E402

from av_tracker_nodes.errors import InputError  # noqa: E402
from av_tracker_nodes.fusion import open_fusion  # noqa: E402
from av_tracker_nodes.fusion.learned import LearnedFusion  # noqa: E402
from av_tracker_nodes.fusion.network_session import NetworkSession  # noqa: E402
from av_tracker_nodes.fusion.siamese import SiameseFusion  # noqa: E402
from av_tracker_nodes.research.networks import NETWORKS  # noqa: E402
from av_tracker_nodes.research.networks.alexnet import AlexNetV1, PaperFieldEncoder  # noqa: E402
from av_tracker_nodes.research.networks.search_inputs import Found  # noqa: E402
from av_tracker_nodes.research.training.candidate_batches import collate  # noqa: E402
from av_tracker_nodes.research.training.disturbances import UNDISTURBED  # noqa: E402
from av_tracker_nodes.research.training.export import TOLERANCE, export_network  # noqa: E402
from av_tracker_nodes.research.training.onnx_forms import SEARCH  # noqa: E402
from av_tracker_nodes.research.training.pretrained import load_pretrained  # noqa: E402
from av_tracker_nodes.research.training.quality_ranks import QualityShares  # noqa: E402
from av_tracker_nodes.research.training.samples import SampleSource  # noqa: E402
from av_tracker_nodes.research.training.schedule import Schedule  # noqa: E402
from av_tracker_nodes.research.training.search_batches import SearchBatch  # noqa: E402
from av_tracker_nodes.research.training.tasks import TASKS  # noqa: E402
from av_tracker_nodes.research.training.trainer import INSIDE, Trainer  # noqa: E402

CLIPS = [clip(faces=(ANN, BOB), voices=(BOB,)), clip(faces=(BOB,), people=(BOB,)), clip(())]
SHORT = Schedule(steps=10, images=4, checks=2)


def train(out, schedule=SHORT):
    return Trainer('avclnet', CLIPS, CLIPS[:2], out, schedule, workers=0)


def test_a_batch_keeps_candidates_people_and_places_together():
    source = SampleSource(CLIPS, UNDISTURBED)
    rng = np.random.default_rng(1)
    samples = [(source.index[n][0], source.draw(n, rng)) for n in (0, 5, 9)]
    batch = collate(samples)
    counts = [len(sample.kind) for _, sample in samples]
    assert batch.inputs.valid.sum() == sum(max(count, 1) for count in counts)
    assert batch.inputs.slots.tolist() == [
        8 * row + k for row, count in enumerate(counts) for k in range(count)
    ]
    people = batch.identity[batch.identity >= 0]
    assert set(people[: counts[0]].tolist()).isdisjoint(people[counts[0] :].tolist())
    assert (batch.identity[batch.neighbour_of] >= 0).all()
    assert len(batch.neighbours.crops) == len(batch.neighbour_of)


@pytest.mark.thorough
def test_a_training_learns_goes_on_where_it_stopped_and_becomes_onnx(tmp_path):
    trainer = train(tmp_path)
    before = trainer.validate()
    scores = trainer.run()
    # Nothing in these pictures tells a head from anything else; places and voices can be learnt.
    for learnt in ('validation_position', 'validation_speaking'):
        assert scores[learnt] < before[learnt]
    with (tmp_path / 'curves.csv').open() as file:
        assert len(list(csv.DictReader(file))) == SHORT.checks
    assert json.loads((tmp_path / 'training.json').read_text())['network'] == 'avclnet'
    assert (tmp_path / 'curves.png').stat().st_size > 1000

    again = train(tmp_path)
    for ours, theirs in zip(
        trainer.network.state_dict().values(), again.network.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, theirs)

    with pytest.raises(InputError, match='another kind'):
        train(tmp_path, replace(SHORT, seed=5))

    assert export_network(tmp_path, tmp_path / 'net.onnx') <= TOLERANCE
    assert b'export.py' not in (tmp_path / 'net.onnx').read_bytes()
    fusion = LearnedFusion(NetworkSession(tmp_path / 'net.onnx'))
    frame = CLIPS[0].frames[0]
    people = fusion.process(frame.faces, frame.sound, CLIPS[0].rig, frame.image)
    assert people.stamp == frame.faces.stamp


def test_an_unfinished_training_is_not_exported(tmp_path):
    with pytest.raises(InputError, match='no finished training'):
        export_network(tmp_path, tmp_path / 'net.onnx')


@pytest.mark.thorough
@pytest.mark.parametrize(
    'name',
    [
        'stnet',
        pytest.param('msmd_avt', marks=pytest.mark.slow),
        pytest.param('gldtracker', marks=pytest.mark.slow),
    ],
)
def test_siamese_networks_are_trained_and_exported_by_the_same_code(tmp_path, name):
    brief = Schedule(steps=4, images=2, checks=2)
    clips = [recorded.with_local(recorded) for recorded in CLIPS]
    scores = Trainer(name, clips, clips[:2], tmp_path, brief, workers=0).run()
    assert 0 < scores['seen'] < 1
    assert (tmp_path / INSIDE).exists() == (name == 'gldtracker')
    file = tmp_path / 'net.onnx'
    assert export_network(tmp_path, file, {'reset': 0.3}) <= TOLERANCE
    with pytest.raises(InputError, match="no threshold 'person'; there are update, reset"):
        export_network(tmp_path, file, {'person': 0.3})
    fusion = open_fusion(file)
    assert fusion.thresholds.reset == 0.3
    assert isinstance(fusion, SiameseFusion)
    for frame in CLIPS[0].frames:
        people = fusion.process(frame.faces, frame.sound, CLIPS[0].rig, frame.image)
        assert people.stamp == frame.faces.stamp
    assert sum(fusion.decisions.values()) > 0


# ---- thresholds by rank


def batches_of(log_odds):
    """Batches for a network whose log-odds of quality are the first number about the sound."""
    for part in np.array_split(log_odds, 7):
        sound = torch.zeros(len(part), 3)
        sound[:, 0] = torch.from_numpy(part)
        nothing = torch.zeros(len(part))
        inputs = type('Inputs', (), {'sound': sound})
        yield SearchBatch(inputs, inputs, nothing, nothing, nothing)


def network(inputs):
    return Found(torch.zeros(len(inputs.sound), 2), inputs.sound[:, 0], inputs.sound[:, 1])


@pytest.mark.parametrize('sureness', [-4.0, 0.0, 2.0])
def test_the_same_shares_are_renewed_and_doubted_however_sure_a_network_is(sureness):
    log_odds = (sureness + np.random.default_rng(0).normal(size=2000)).astype(np.float32)
    chosen = QualityShares(0.8, 0.05).thresholds(network, batches_of(log_odds))
    quality = 1 / (1 + np.exp(-log_odds))
    assert (quality >= chosen['update']).mean() == pytest.approx(0.8, abs=0.005)
    assert (quality <= chosen['reset']).mean() == pytest.approx(0.05, abs=0.005)


def test_networks_that_predict_quality_are_given_thresholds_by_rank():
    for name, spec in NETWORKS.items():
        task = TASKS[spec.task]
        assert (task.ranked is not None) == (task.form is SEARCH), name


# ---- weights that others have trained


@pytest.fixture
def public():
    """A backbone as SiamFC publishes it: the names of its weights begin with ``backbone.``."""
    torch.manual_seed(1)
    weights = AlexNetV1().state_dict()
    return {f'backbone.{name}': weight for name, weight in weights.items()}


def test_a_backbone_goes_into_every_network_that_has_it(public, tmp_path):
    torch.save(public, tmp_path / 'public.pth')
    network = PaperFieldEncoder()
    before = network.narrow.weight.clone()
    taken = load_pretrained(network, tmp_path / 'public.pth')
    assert sorted(taken) == sorted(public)
    weights = network.state_dict()
    assert all(torch.equal(weights[name], public[name]) for name in public)
    assert torch.equal(network.narrow.weight, before)


def test_what_has_another_shape_stays(public, tmp_path):
    public['backbone.conv1.0.weight'] = torch.zeros(8, 3, 11, 11)
    torch.save({'state_dict': public}, tmp_path / 'public.pth')
    taken = load_pretrained(PaperFieldEncoder(), tmp_path / 'public.pth')
    assert 'backbone.conv1.0.weight' not in taken
    assert len(taken) == len(public) - 1


def test_the_longest_name_counts(tmp_path):
    torch.save({'weight': torch.zeros(2, 2), 'b.weight': torch.ones(2, 2)}, tmp_path / 'w.pth')
    network = torch.nn.ModuleDict(
        {'a': torch.nn.Linear(2, 2, bias=False), 'b': torch.nn.Linear(2, 2, bias=False)}
    )
    load_pretrained(network, tmp_path / 'w.pth')
    assert network['a'].weight.eq(0).all()
    assert network['b'].weight.eq(1).all()


def test_what_cannot_be_used_is_refused(public, tmp_path):
    file = tmp_path / 'w.pth'
    for content, message in (
        ({'conv1.0.weight': torch.zeros(1)}, 'nothing in .* fits'),
        ({'epoch': 3}, 'no tensors by name'),
        ({'weights': Path}, 'read safely'),
    ):
        torch.save(content, file)
        with pytest.raises(InputError, match=message):
            load_pretrained(AlexNetV1(), file)
    file.write_bytes(b'no weights')
    with pytest.raises(InputError, match='read safely'):
        load_pretrained(AlexNetV1(), file)
