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
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import save_camera, save_microphones
from av_tracker_nodes.geometry.rig_files import load_rig

TURN = Rotation.from_euler('ZX', [-90, -90], degrees=True).as_matrix()
CAMERA_POSE = RigidTransform(TURN, np.array([0.1, 0.0, 0.05]))
ARRAY_POSE = RigidTransform(
    Rotation.from_euler('z', 30, degrees=True).as_matrix(), np.array([1.0, 2.0, 0.8])
)
ARRAY = MicrophoneArray(0.05 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]))
ROOM = Room(np.array([-2.0, -2, -1]), np.array([2.0, 2, 1]), (Box(np.zeros(3), np.ones(3)),))


def write(folder, camera_parent='mic_array', array_parent=None, room=None):
    """Write the files of a camera in the array frame or beside it."""
    camera = Camera(600, 610, 320, 240, (640, 480), pose=CAMERA_POSE)
    paths = folder / 'camera.yaml', folder / 'array.yaml'
    save_camera(paths[0], camera, frame='camera_optical', parent=camera_parent)
    save_microphones(paths[1], ARRAY, room=room, parent=array_parent, pose=ARRAY_POSE)
    return paths


def same(one, other):
    np.testing.assert_allclose(one.rotation, other.rotation, atol=1e-12)
    np.testing.assert_allclose(one.translation, other.translation, atol=1e-12)


def test_camera_in_the_array_frame(tmp_path):
    rig = load_rig(*write(tmp_path, room=ROOM))
    same(rig.target_from_array, RigidTransform())
    same(rig.camera.pose, CAMERA_POSE)
    assert rig.camera.size == (640, 480)
    np.testing.assert_array_equal(rig.microphones.positions, ARRAY.positions)
    assert len(rig.room.boxes) == 2


def test_both_in_a_frame_of_the_room(tmp_path):
    rig = load_rig(*write(tmp_path, 'world', 'world'))
    same(rig.target_from_array, ARRAY_POSE)
    same(rig.camera.pose, CAMERA_POSE)
    assert rig.room is None


@pytest.mark.parametrize('target', [None, 'world'])
def test_camera_on_an_array_that_stands_in_a_room(tmp_path, target):
    rig = load_rig(*write(tmp_path, 'mic_array', 'world'), target_frame=target)
    same(rig.target_from_array, ARRAY_POSE)
    same(rig.camera.pose, ARRAY_POSE @ CAMERA_POSE)


def test_target_frame_may_be_one_on_the_way(tmp_path):
    rig = load_rig(*write(tmp_path, 'mic_array', 'world'), target_frame='mic_array')
    same(rig.target_from_array, RigidTransform())
    same(rig.camera.pose, CAMERA_POSE)


@pytest.mark.parametrize(
    ('parents', 'target', 'told'),
    [
        (('world', None), None, "'mic_array' to 'world'; it holds world -> camera_optical"),
        ((None, None), None, "'mic_array' to 'camera_optical'; it holds nothing"),
        (('mic_array', None), 'world', "'camera_optical' to 'world'"),
        (('mic_array', 'camera_optical'), 'world', "'camera_optical' to 'world'"),
    ],
)
def test_files_that_do_not_lead_to_the_target_frame_are_refused(tmp_path, parents, target, told):
    with pytest.raises(InputError, match=f'array.yaml does not connect {told}'):
        load_rig(*write(tmp_path, *parents), target_frame=target)


def test_a_file_without_a_frame_is_refused(tmp_path):
    camera, array = write(tmp_path)
    save_camera(camera, Camera(600, 610, 320, 240, (640, 480)))
    with pytest.raises(InputError, match=r'camera\.yaml: names no frame.*calibrate extrinsics'):
        load_rig(camera, array)
