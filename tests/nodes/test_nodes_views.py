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

"""What people look at."""

import ast
from dataclasses import replace
from pathlib import Path

import builders
import numpy as np
import pytest
import yaml
from builders import make_track
from visualization_msgs.msg import Marker

from av_tracker_nodes.geometry import MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.nodes import sensor_markers as module
from av_tracker_nodes.nodes.acoustic_views import to_points
from av_tracker_nodes.nodes.conversions import xyz
from av_tracker_nodes.nodes.markers import TrackMarkers
from av_tracker_nodes.nodes.sensor_markers import sensor_markers
from av_tracker_nodes.types import AcousticMap, TrackFrame, TrackState

CAMERA = replace(builders.CAMERA, distortion=np.array([-0.2, 0.1, 0, 0, 0]))


def track(number, x, state=TrackState.CONFIRMED):
    covariance = np.diag([0.01, 0.04, 0.09, 1, 1, 1])
    return make_track(number, (x, 0, 0), True, state=state, covariance=covariance)


class TestMarkers:
    def test_draws_everybody_and_deletes_who_has_gone(self):
        markers = TrackMarkers()
        first = markers.draw(TrackFrame(1, (track(1, 0), track(2, 1))), 'world').markers
        assert {(m.ns, m.id) for m in first} == {
            (kind, number) for kind in ('head', 'name', 'trail', 'covariance') for number in (1, 2)
        }
        second = markers.draw(TrackFrame(2, (track(2, 1),)), 'world').markers
        assert {m.id for m in second if m.action == Marker.DELETE} == {1}
        third = markers.draw(TrackFrame(3, ()), 'world').markers
        assert all(m.action == Marker.DELETE and m.id == 2 for m in third)
        assert markers.draw(TrackFrame(4, ()), 'world').markers == []

    def test_trail_grows(self):
        markers = TrackMarkers()
        for step in range(5):
            drawn = markers.draw(TrackFrame(step, (track(1, step),)), 'world').markers
        trail = next(m for m in drawn if m.ns == 'trail')
        assert [p.x for p in trail.points] == [0, 1, 2, 3, 4]

    def test_ellipsoid_has_three_sigma(self):
        drawn = TrackMarkers().draw(TrackFrame(1, (track(1, 0),)), 'world').markers
        scale = next(m for m in drawn if m.ns == 'covariance').scale
        np.testing.assert_allclose(sorted([scale.x, scale.y, scale.z]), [0.6, 1.2, 1.8])

    def test_tentative_tracks_are_not_drawn(self):
        frame = TrackFrame(1, (track(1, 0, TrackState.TENTATIVE),))
        assert TrackMarkers().draw(frame, 'world').markers == []


def test_points_project_back_to_their_pixels():
    rig = Rig(CAMERA, MicrophoneArray(np.eye(3)))
    values = np.zeros((96, 120), np.float32)
    values[40, 60] = 0.5
    cloud = to_points(AcousticMap(0, 0, 'gcf', values, 3.0, 2.0, 1.0), rig, 'mic_array')
    points = np.frombuffer(cloud.data, np.float32).reshape(96, 120, 4)
    np.testing.assert_allclose(points[..., 2], 2.0, rtol=1e-6)
    np.testing.assert_allclose(CAMERA.project(points[40, 60, :3]), [181, 121], atol=1e-3)
    assert points[40, 60, 3] == 0.5


@pytest.mark.parametrize('rig', [Rig(CAMERA, None), Rig(None, MicrophoneArray(np.eye(3)))])
def test_a_blank_map_is_no_points(rig):
    cloud = to_points(AcousticMap.blank(0, 'vggcf'), rig, 'frame')
    assert cloud.width * cloud.height == 0


# ---- the RViz view shows what is published, and the sensors where they are


MICROPHONES = 0.1 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
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


def test_markers_show_the_sensors_that_there_are():
    array = MicrophoneArray(MICROPHONES)
    for rig, shapes in (
        (Rig(CAMERA, None), [Marker.LINE_LIST]),
        (Rig(None, array, IN_WORLD), [Marker.SPHERE_LIST]),
        (Rig(CAMERA, array, IN_WORLD), [Marker.SPHERE_LIST, Marker.LINE_LIST]),
    ):
        assert [marker.type for marker in sensor_markers(rig, 'frame').markers] == shapes


@pytest.fixture
def topics_shown():
    view = yaml.safe_load(shipped_file('av_tracker.rviz').read_text(encoding='utf-8'))
    displays = view['Visualization Manager']['Displays']
    return {display['Topic']['Value'] for display in displays if 'Topic' in display}


def test_the_view_shows_sensors_sound_tracks_and_truth(topics_shown):
    assert topics_shown == {
        'sensor_markers',
        'markers',
        'ground_truth/markers',
        'acoustic_map/points',
        'acoustic_map/overlay',
        'active_speaker/pose',
    }, 'none begins with a slash: the view follows the namespace of RViz'


def test_what_the_view_shows_is_published(topics_shown):
    texts = {
        node.value
        for path in Path(module.__file__).parent.glob('*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Constant)
    }
    assert topics_shown <= texts
