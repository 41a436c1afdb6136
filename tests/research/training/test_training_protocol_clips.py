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
from dataclasses import replace

import mini_corpus
import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.training_protocols import (
    TRAINING_PROTOCOLS,
    TrainingProtocol,
)
from av_tracker_nodes.research.training import protocol_clips
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.protocol_clips import write_split

PROTOCOL = TrainingProtocol('mini', 'AV16.3', ('seq24',), None, 0.2, True, 1, None, 'a test', ())


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('av163')
    mini_corpus.write_sequence(folder)
    return folder


@pytest.fixture
def make(root, tmp_path, monkeypatch):
    """Split the 30 images of each camera, which come in pieces of 12; an image is its number."""

    def pieces(data, root, sequences, progress, cameras):
        return [data / f'{sequences[0]}-cam{cameras[0]}-{piece:02d}' for piece in range(3)]

    def load(paths):
        return [
            Clip(path.name, None, tuple(range(12 * k, min(12 * k + 12, 30))))
            for k, path in enumerate(paths)
        ]

    def run(leaking=False, protocol=PROTOCOL):
        monkeypatch.setattr(protocol_clips, 'make_sequence_clips', pieces)
        shares = []
        clips = protocol_clips.protocol_clips(
            protocol, root, tmp_path, leaking, load, shares.append
        )
        assert shares[-1] == 1.0
        return clips

    return run


def images(clips, camera):
    return sorted(f for clip in clips if f'cam{camera}' in clip.name for f in clip.frames)


def test_the_end_of_each_recording_is_held_out(make, monkeypatch):
    monkeypatch.setattr('av_tracker_nodes.research.datasets.training_protocols.GAP', 0.2)
    training, validation = make()
    for camera in (1, 2, 3):
        assert images(training, camera) == list(range(19))
        assert images(validation, camera) == list(range(24, 30))


def test_the_published_split_shuffles_each_camera(make):
    training, validation = make(leaking=True)
    for camera in (1, 2, 3):
        both = images(training, camera) + images(validation, camera)
        assert sorted(both) == list(range(30))
        assert len(images(validation, camera)) == 6
    assert images(validation, 1) != images(validation, 2)
    assert [clip.name for clip in training][:3] == [
        f'{mini_corpus.NAME}-cam1-{piece:02d}' for piece in range(3)
    ]


def test_only_published_frames_are_used(make, monkeypatch):
    ranges = {'mine': {'seq24': ((3, 22), (1, 30), (1, 30))}}
    monkeypatch.setattr('av_tracker_nodes.research.datasets.av163_protocol.FRAME_RANGES', ranges)
    training, validation = make(leaking=True, protocol=replace(PROTOCOL, publication='mine'))
    both = images(training, 1) + images(validation, 1)
    assert sorted(both) == list(range(2, 22))


def test_a_missing_sequence_is_named(make):
    with pytest.raises(InputError, match="'seq18' is unknown"):
        make(protocol=TRAINING_PROTOCOLS['avclnet'])


def test_a_training_says_whether_its_split_leaks(tmp_path):
    clips = [Clip('a', None, tuple(np.arange(4))), Clip('b', None, (1, 2))]
    write_split(tmp_path / 'out', TRAINING_PROTOCOLS['gldtracker'], True, clips[:1], clips[1:])
    content = json.loads((tmp_path / 'out' / 'split.json').read_text())
    assert content['leaking'] is True
    assert content['protocol'] == 'gldtracker'
    assert (content['images_to_learn_on'], content['images_to_choose_by']) == (4, 2)
    assert content['published_pairs'] == 44_958
