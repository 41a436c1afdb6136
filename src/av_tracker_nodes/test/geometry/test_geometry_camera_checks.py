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
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.camera_checks import (
    check_image_size,
    check_lens,
    optical_axis_problem,
)

CAMERA = Camera(400, 400, 320, 240, (640, 480))
BODY_FROM_OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def looking(yaw=0.0, pitch=0.0, roll=0.0, optical=True):
    """A camera turned from level (degrees; pitch is down), in its optical or its body frame."""
    turn = Rotation.from_euler('ZYX', [yaw, pitch, roll], degrees=True).as_matrix()
    return CAMERA.in_frame(RigidTransform(turn @ BODY_FROM_OPTICAL if optical else turn))


def test_images_of_the_calibrated_size():
    check_image_size(CAMERA, (640, 480), 'camera')


@pytest.mark.parametrize(
    ('size', 'remedy'),
    [
        ((320, 240), 'binning_y of camera_info to 2 if'),
        ((160, 120), 'binning_y of camera_info to 4 if'),
        ((1280, 960), 'to 1 if it is for binned images already'),
        ((640, 360), 'set roi of camera_info if'),
        ((600, 480), 'set roi of camera_info if'),
        ((427, 320), 'set roi of camera_info if'),
        ((800, 480), ': calibrate at the size that is used'),
    ],
)
def test_images_of_another_size_are_refused(size, remedy):
    with pytest.raises(InputError, match=remedy) as caught:
        check_image_size(CAMERA, size, "camera 'front'")
    for named in ("camera 'front'", f'{size[0]} x {size[1]}', '640 x 480'):
        assert named in str(caught.value)
    assert '\n' not in str(caught.value)


def test_lens_that_hardly_images_anything_is_refused():
    check_lens(Camera(400, 400, 320, 240, (640, 480), np.array([-0.4, 0.1, 0, 0, 0])), 'camera')
    with pytest.raises(InputError, match=r"distortion of camera 'front' .* fills \d %"):
        check_lens(
            Camera(400, 400, 320, 240, (640, 480), np.array([-40.0, 0, 0, 0, 0])), "camera 'front'"
        )


@pytest.mark.parametrize('frame', ['camera_link', 'head_camera', 'oak_rgb_camera_frame'])
@given(st.floats(-180, 180), st.floats(-40, 40), st.floats(-5, 5))
def test_body_frames_are_told(frame, yaw, pitch, roll):
    problem = optical_axis_problem(looking(yaw, pitch, roll, optical=False), frame)
    assert f"'{frame}'" in problem
    assert '_optical_frame' in problem
    assert '\n' not in problem


@pytest.mark.parametrize('frame', ['camera_optical_frame', 'camera_color_optical', 'cam', ''])
@given(st.floats(-180, 180), st.floats(-65, 65), st.floats(-180, 180))
def test_cameras_that_look_at_people_are_not(frame, yaw, pitch, roll):
    """However they are rolled, as long as one that looks far up is not lying on its side too."""
    if pitch < -25 and 'optical' not in frame:
        roll /= 3
    assert optical_axis_problem(looking(yaw, pitch, roll), frame) is None


@given(st.floats(-180, 180), st.floats(72, 108))
def test_a_camera_at_the_ceiling_is_doubted_by_the_name_of_its_frame(yaw, pitch):
    camera = looking(yaw, pitch)
    assert optical_axis_problem(camera, 'ceiling_optical_frame') is None
    assert 'looks down' in optical_axis_problem(camera, 'ceiling_link')


def test_an_optical_frame_without_its_turn_is_told():
    problem = optical_axis_problem(CAMERA, 'camera_optical_frame')
    assert 'looks up' in problem
    assert 'turn from body to optical axes' in problem
