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

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from test_training_samples import ANN, BOB, clip  # noqa: E402

from av_tracker_nodes.errors import InputError  # noqa: E402
from av_tracker_nodes.fusion import open_fusion  # noqa: E402
from av_tracker_nodes.fusion.learned import LearnedFusion  # noqa: E402
from av_tracker_nodes.fusion.network_session import NetworkSession  # noqa: E402
from av_tracker_nodes.fusion.siamese import SiameseFusion  # noqa: E402
from av_tracker_nodes.research.training.candidate_batches import collate  # noqa: E402
from av_tracker_nodes.research.training.disturbances import UNDISTURBED  # noqa: E402
from av_tracker_nodes.research.training.export import TOLERANCE, export_network  # noqa: E402
from av_tracker_nodes.research.training.samples import SampleSource  # noqa: E402
from av_tracker_nodes.research.training.schedule import Schedule  # noqa: E402
from av_tracker_nodes.research.training.trainer import INSIDE, Trainer  # noqa: E402

CLIPS = [clip(faces=(ANN, BOB), voices=(BOB,)), clip(faces=(BOB,), people=(BOB,)), clip(())]
SHORT = Schedule(steps=20, images=4, checks=2)


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
    brief = Schedule(steps=8, images=4, checks=2)
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
