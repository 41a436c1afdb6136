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

import json

import numpy as np
import pytest

pytest.importorskip('torch')

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.experiments.comparison import ablations
from av_tracker_nodes.research.experiments.comparison.ablations import WHOLE, measure_ablations
from av_tracker_nodes.research.experiments.comparison.scenes import Options, load_scene
from av_tracker_nodes.research.networks import NETWORKS, Variant
from av_tracker_nodes.research.training.schedule import Schedule

BRIEF = Schedule(steps=2, images=3, checks=1)
VARIANTS = (
    Variant('plain maps', schedule={'enhanced': False}),
    Variant('nothing matches', tracker={'birth_quality': 1.0, 'confirm_seen': 5.0}),
)


@pytest.fixture
def run(recorded, no_bar, tmp_path, monkeypatch):
    """Measure ablations with one short scene to learn on and to be compared on."""
    _, files = recorded

    def clips(paths, enhanced, local):
        assert not local
        assert paths == ['clips']
        return [load_scene(files, 'vwswe' if enhanced else 'vggcf')]

    monkeypatch.setattr(ablations, 'corpus_paths', lambda *_, **__: (['clips'], ['clips']))
    monkeypatch.setattr(ablations, 'load_clips', clips)
    monkeypatch.setattr(ablations, 'record_scenes', lambda *_: [files])
    monkeypatch.setattr(ablations, 'SEEDS', (0, 1))
    options = Options('varied', 'validation', 1)
    return lambda variants: measure_ablations(
        tmp_path, 'avclnet', tmp_path, options, no_bar, BRIEF, variants
    )


@pytest.mark.slow
def test_every_variant_is_trained_once_and_set_against_the_whole(run, tmp_path):
    rows = run(VARIANTS)
    assert json.loads((tmp_path / 'ablations_avclnet.json').read_text()) == rows
    whole, plain, deaf = rows
    assert [row['model'] for row in rows] == [WHOLE, 'plain maps', 'nothing matches']
    assert whole['protocol'] == 'simulated varied, validation, 1 scenes, complete, 2 batches'
    assert whole['mota'] == pytest.approx(np.mean(whole['mota_seeds']), abs=1e-3)
    assert len(whole['mota_seeds']) == 2
    assert plain['mota_change'] == pytest.approx(plain['mota'] - whole['mota'], abs=2e-3)
    # Nobody is ever confirmed in a second and a half.
    assert deaf['mota'] == 0

    folders = [path.parent for path in tmp_path.glob('ablations/*/network.onnx')]
    # Two seeds and the plain maps: a tracker that is set otherwise trains nothing.
    assert len(folders) == 3
    kinds = [json.loads((folder / 'training.json').read_text()) for folder in folders]
    assert sorted((kind['enhanced'], kind['seed']) for kind in kinds) == [
        (False, 0),
        (True, 0),
        (True, 1),
    ]
    stamps = {folder: (folder / 'network.onnx').stat().st_mtime_ns for folder in folders}
    assert run(VARIANTS)[1]['mota'] == plain['mota']
    assert stamps == {folder: (folder / 'network.onnx').stat().st_mtime_ns for folder in folders}


def test_the_published_variants_are_objectives_schedules_and_trackers_that_there_are():
    names = [variant.name for variant in NETWORKS['avclnet'].ablations]
    assert len(set(names)) == len(names)
    for variant in NETWORKS['avclnet'].ablations:
        NETWORKS['avclnet'].objective(**variant.objective)
        Schedule(**variant.schedule)
        ablations.TrackerConfig(**variant.tracker)


def test_an_unknown_network_is_named(no_bar, tmp_path):
    with pytest.raises(InputError, match='no network'):
        measure_ablations(tmp_path, 'nonet', tmp_path, Options(), no_bar)
