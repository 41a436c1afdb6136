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
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation.meeting_room import cameras

FRONTAL = Camera(400.0, 400.0, 180.0, 144.0, (360, 288))


def test_offsets_are_right_and_down_in_face_heights_and_log_range():
    sight = SightFrame.towards(FRONTAL, np.array([0.0, 0.0, 2.0]))
    np.testing.assert_allclose(sight.offset(np.array([0.2, 0.0, 2.0]))[:2], [1, 0], atol=1e-12)
    np.testing.assert_allclose(sight.offset(np.array([0.0, 0.4, 2.0]))[:2], [0, 2], atol=1e-12)
    np.testing.assert_allclose(sight.offset(np.array([0.0, 0.0, 4.0])), [0, 0, np.log(2)])


@given(
    st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(-0.5, 0.5)),
    st.integers(0, 2),
)
def test_place_inverts_offset(shift, offset, number):
    camera = cameras()[number]
    sight = SightFrame.towards(camera, np.array([0.9, 0.1, 0.8]) + shift)
    np.testing.assert_allclose(sight.offset(sight.place(np.array(offset))), offset, atol=1e-9)


def test_what_lies_beside_or_behind_has_a_finite_offset():
    sight = SightFrame.towards(FRONTAL, np.array([0.0, 0.0, 2.0]))
    assert np.isfinite(sight.offset(np.array([3.0, 0.0, 0.0]))).all()
    assert np.isfinite(sight.offset(np.array([0.1, 0.0, -2.0]))).all()


def test_covariance_and_deviations_invert_each_other():
    sight = SightFrame.towards(cameras()[1], np.array([1.0, -0.3, 0.9]))
    np.testing.assert_allclose(sight.deviations(sight.covariance(0.3, 0.12)), [0.3, 0.12])
    covariance = SightFrame.towards(FRONTAL, np.array([0.0, 0.0, 2.0])).covariance(0.5, 0.1)
    np.testing.assert_allclose(np.diag(covariance), [0.01, 0.01, 0.04])
