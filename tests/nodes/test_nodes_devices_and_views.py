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

import numpy as np
from builders import make_track
from visualization_msgs.msg import Marker

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.nodes.acoustic_views import to_points
from av_tracker_nodes.nodes.markers import TrackMarkers
from av_tracker_nodes.types import AcousticMap, TrackFrame, TrackState


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


def make_map(peak_row, peak_column):
    values = np.zeros((96, 120), np.float32)
    values[peak_row, peak_column] = 0.5
    return AcousticMap(0, 0, 'gcf', values, 3.0, 2.0, 1.0)


def test_points_project_back_to_their_pixels():
    camera = Camera(350.0, 350.0, 179.5, 143.5, (360, 288), np.array([-0.2, 0.1, 0, 0, 0]))
    rig = Rig(camera, MicrophoneArray(np.eye(3)))
    cloud = to_points(make_map(40, 60), rig, 'mic_array')
    points = np.frombuffer(cloud.data, np.float32).reshape(96, 120, 4)
    np.testing.assert_allclose(points[..., 2], 2.0, rtol=1e-6)
    np.testing.assert_allclose(camera.project(points[40, 60, :3]), [181, 121], atol=1e-3)
    assert points[40, 60, 3] == 0.5
