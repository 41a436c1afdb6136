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

"""The audio offset is applied wherever sound meets images."""

import json

import pytest
from tiny_recording import write_bag

from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.pipeline import Pipeline, track_bag
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

LATE = 0.35


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp('bags') / 'tiny').path


def test_offline_it_moves_the_stamps_of_sound_only(bag, tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr(Pipeline, 'run', lambda self, records: iter(used.extend(records) or ()))
    track_bag(bag, tmp_path / 'out', audio_offset=LATE)
    with BagReader(bag) as reader:
        recorded = list(reader.records())
    for kind, offset in ((AudioBlock, LATE), (ImageFrame, 0.0)):
        before, after = (
            [r.stamp for r in read if isinstance(r, kind)] for read in (recorded, used)
        )
        assert after == [stamp + to_nanoseconds(offset) for stamp in before]


def test_launch_hands_it_to_the_acoustic_map(bag):
    specs = {s.name: s for s in node_set({'bag': str(bag), 'audio_offset': '-0.085'})}
    given = json.loads(specs['acoustic_map'].arguments[0].partition('=')[2])
    assert given['audio_offset'] == -0.085
