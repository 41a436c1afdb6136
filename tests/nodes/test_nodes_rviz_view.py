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

"""The RViz view: what it shows is published, and the sensors are drawn where they are."""

import ast
from pathlib import Path

import numpy as np
import pytest
import yaml
from visualization_msgs.msg import Marker

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.nodes import sensor_markers as module
from av_tracker_nodes.nodes.conversions import xyz
from av_tracker_nodes.nodes.sensor_markers import sensor_markers

MICROPHONES = 0.1 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
CAMERA = Camera(350.0, 350.0, 179.5, 143.5, (360, 288), np.array([-0.2, 0.1, 0, 0, 0]))
IN_WORLD = RigidTransform(translation=np.array([0.5, 0.0, 0.8]))


@pytest.fixture
def markers():
    array = MicrophoneArray(MICROPHONES, groups=[0, 0, 1, 1])
    drawn = sensor_markers(Rig(CAMERA, array, IN_WORLD), 'mic_array').markers
    assert all(m.header.frame_id == 'mic_array' and m.lifetime.sec == 0 for m in drawn)
    return drawn


def test_every_microphone_is_where_it_is(markers):
    first, second = (m for m in markers if m.ns == 'microphones')
    assert first.type == Marker.SPHERE_LIST
    assert first.color != second.color
    places = [xyz(place) for marker in (first, second) for place in marker.points]
    np.testing.assert_allclose(places, MICROPHONES)


def test_the_pyramid_of_the_camera_ends_at_the_corners_of_the_image(markers):
    (pyramid,) = (m for m in markers if m.ns == 'camera')
    assert pyramid.type == Marker.LINE_LIST
    in_world = np.array([IN_WORLD @ xyz(place) for place in pyramid.points])
    apex = np.isclose(in_world, CAMERA.centre).all(axis=1)
    assert np.count_nonzero(apex) == 4
    corners = np.unique(CAMERA.project(in_world[~apex]).round(3), axis=0)
    np.testing.assert_allclose(corners, [[0, 0], [0, 287], [359, 0], [359, 287]], atol=0.01)


def topics_shown():
    view = yaml.safe_load(shipped_file('av_tracker.rviz').read_text(encoding='utf-8'))
    displays = view['Visualization Manager']['Displays']
    return {display['Topic']['Value'] for display in displays if 'Topic' in display}


def test_the_view_shows_sensors_sound_tracks_and_truth():
    assert topics_shown() == {
        'sensor_markers',
        'markers',
        'ground_truth/markers',
        'acoustic_map/points',
        'acoustic_map/overlay',
        'active_speaker/pose',
    }


def test_the_view_follows_the_namespace_of_rviz():
    assert not [topic for topic in topics_shown() if topic.startswith(('/', '~'))]


def test_what_the_view_shows_is_published():
    texts = {
        node.value
        for path in Path(module.__file__).parent.glob('*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Constant)
    }
    assert topics_shown() <= texts
