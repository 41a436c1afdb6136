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

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163_protocol import frame_range
from av_tracker_nodes.research.datasets.protocols import AV163, PROTOCOLS, find_protocol
from av_tracker_nodes.research.datasets.training_protocols import find_training_protocol


def test_every_published_table_has_a_protocol():
    assert list(PROTOCOLS) == [
        'stnet-sot',
        'stnet-mot',
        'gld-standard',
        'gld-incomplete',
        'avcl-mot',
        'cav3d-sot',
        'cav3d-mot',
        'simulated',
    ]


@pytest.mark.parametrize('protocol', PROTOCOLS.values(), ids=PROTOCOLS)
def test_protocols_cite_and_know_their_frames(protocol):
    assert protocol.sources
    assert protocol.metrics
    if protocol.corpus == AV163 and protocol.publication:
        for sequence in protocol.sequences:
            for camera in protocol.cameras:
                first, last = frame_range(sequence, camera, protocol.publication)
                assert 0 <= first < last


@pytest.mark.parametrize(
    ('name', 'runs'),
    [
        ('stnet-sot', 9),
        ('stnet-mot', 9),
        ('gld-standard', 9),
        ('avcl-mot', 12),
        ('cav3d-sot', 9),
        ('cav3d-mot', 5),
    ],
)
def test_numbers_of_published_runs(name, runs):
    protocol = PROTOCOLS[name]
    assert len(protocol.sequences) * len(protocol.cameras) == runs


def test_only_one_protocol_is_incomplete():
    assert [p.name for p in PROTOCOLS.values() if p.incomplete] == ['gld-incomplete']


def test_nothing_is_trained_and_tested_on():
    for training, test in (
        ('stnet', 'stnet-sot'),
        ('gldtracker', 'gld-standard'),
        ('avclnet', 'avcl-mot'),
    ):
        learnt = set(find_training_protocol(training).sequences)
        assert not learnt & set(find_protocol(test).sequences)


def test_unknown_names():
    with pytest.raises(InputError, match="no protocol 'mot'; there are stnet-sot"):
        find_protocol('mot')
    with pytest.raises(InputError, match="no training protocol 'mot'; there are stnet"):
        find_training_protocol('mot')
