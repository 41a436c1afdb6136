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

import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163_protocol import AUDIO_LAGS, FRAME_RANGES
from av_tracker_nodes.research.datasets.protocols import AV163, CAV3D, PROTOCOLS
from av_tracker_nodes.research.datasets.training_protocols import TRAINING_PROTOCOLS
from av_tracker_nodes.research.simulation import stand_ins
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.stand_ins import (
    STAND_INS,
    choose_stand_ins,
    make_stand_ins,
)


def of(corpus):
    return {stand_in.short_name: stand_in for stand_in in STAND_INS if stand_in.corpus == corpus}


def test_every_sequence_of_every_protocol_has_a_stand_in():
    for protocol in (*PROTOCOLS.values(), *TRAINING_PROTOCOLS.values()):
        assert set(protocol.sequences) <= set(of(protocol.corpus))


def test_what_is_learnt_on_shares_no_voices_with_what_is_tested_on():
    tested = {name for p in PROTOCOLS.values() if p.corpus == AV163 for name in p.sequences}
    for name, stand_in in of(AV163).items():
        split = Split.TEST if name in tested else Split.TRAIN
        assert Split.of_seed(stand_in.seed) == split
        assert stand_in.seed >= 5000 or stand_in.seed < 1000
    assert len({stand_in.seed for stand_in in STAND_INS}) == len(STAND_INS)


@pytest.mark.thorough
@pytest.mark.parametrize('name', ['seq08', 'seq24', 'seq45'])
def test_published_frames_are_in_the_videos(name):
    stand_in = of(AV163)[name]
    scene = stand_in.scene()
    assert scene.name == stand_in.name
    assert len(scene.people) == stand_in.people
    assert scene.video_starts == AUDIO_LAGS[name]
    for ranges in FRAME_RANGES.values():
        for camera, (_, last) in enumerate(ranges[name]):
            assert len(scene.frame_times(camera)) >= last


def test_crossing_people_cross():
    scene = of(AV163)['seq24'].scene()
    (first, second) = (person.mouth[:, 1] for person in scene.people)
    assert np.abs(np.diff(np.sign(first - second))).sum() >= 4


@pytest.mark.parametrize('name', ['seq20', 'seq24'])
def test_cav3d_has_the_published_number_of_people(name):
    stand_in = of(CAV3D)[name]
    assert len(stand_in.scene().people) == stand_in.people == {'seq20': 1, 'seq24': 2}[name]


def test_choices():
    names = [stand_in.name for stand_in in choose_stand_ins()]
    assert 'seq24-2p-0111' in names
    assert 'seq22-2p-cav3d' in names
    assert 'seq01-1p-0000' not in names
    assert 'seq01-1p-0000' in [s.name for s in choose_stand_ins((), learning=True)]
    assert {s.corpus for s in choose_stand_ins(('CAV3D',))} == {'CAV3D'}
    assert 'seq18-2p-0101' not in [s.name for s in choose_stand_ins(('AV16.3',))]
    assert [s.name for s in choose_stand_ins(('seq18',))] == ['seq18-2p-0101']
    assert len(choose_stand_ins(('seq24', 'seq24-2p-0111'))) == 2
    with pytest.raises(InputError, match="no stand-in for 'seq99'"):
        choose_stand_ins(('seq99',))


def test_stand_ins_that_are_there_are_kept(tmp_path, monkeypatch):
    written = []

    def write(scene, root, progress):
        written.append(scene.name)
        (root / scene.name).mkdir(parents=True)

    monkeypatch.setattr(stand_ins, 'write_scene', write)
    chosen = choose_stand_ins(('seq30', 'seq06'))
    shares = []
    folders = list(make_stand_ins(chosen, tmp_path, lambda share, text: shares.append(share)))
    assert folders == [tmp_path / 'av163' / 'seq30-2p-1101', tmp_path / 'cav3d' / 'seq06-1p-cav3d']
    assert shares[-1] == pytest.approx(1)
    list(make_stand_ins(chosen, tmp_path))
    assert written == ['seq30-2p-1101', 'seq06-1p-cav3d']
