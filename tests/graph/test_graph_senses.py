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

"""The nodes of models that see only or hear only, fed from a tiny recording."""

import numpy as np
import pytest
from live_graph import live_graph

from av_tracker_nodes.launching.node_set import STAGES, node_set

pytestmark = pytest.mark.graph


def replayed(recording, model):
    """Graph of a whole replay, ended."""
    with live_graph(node_set({'bag': str(recording.path), 'fusion_model': model})) as graph:
        graph.spin_to_the_end()
        assert {graph.statuses[stage] for stage in STAGES} == {0}, graph.lines
        return graph


@pytest.mark.slow
def test_by_vision_alone_every_image_is_answered_and_nothing_is_heard(recording):
    graph = replayed(recording, 'visual')
    assert graph.stamps('speaker_tracks') == recording.image_stamps
    assert not any(message.peaks for message in graph.heard['acoustic_map'])
    assert all(message.from_image for message in graph.heard['acoustic_map'])


def test_by_sound_alone_the_voice_is_found_without_a_camera(recording):
    graph = replayed(recording, 'audio')
    assert graph.stamps('speaker_tracks') == []
    (track,) = graph.heard['speaker_tracks'][-1].tracks
    position = track.pose.pose.position
    found = np.array([position.x, position.y, position.z])
    centre = recording.rig.target_from_array @ recording.rig.microphones.centre
    directions = [place - centre for place in (found, recording.voice)]
    first, second = (each / np.linalg.norm(each) for each in directions)
    assert first @ second > np.cos(np.radians(8))
    assert not track.has_box
