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

"""Where camera and microphones are, from what a robot or a recording tells."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import Mounting
from av_tracker_nodes.geometry.sensor_rig import (
    ArrayDescription,
    CameraDescription,
    FixedRig,
    SensorRig,
    StampedTransform,
    Transforms,
    geometry_of,
)

MS = 1_000_000
SECOND = 1000 * MS
NOW = 100 * SECOND
LENS = Camera(600.0, 610.0, 320.0, 240.0, (640, 480))
ROOM = Room(np.array([-2.0, -3, 0]), np.array([2.0, 3, 2]))
FORWARD = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
"""Axes of an optical frame that looks along x."""
ARRAY_AT = RigidTransform(translation=np.array([0.2, 0, 0.5]))
CAMERA_AT = RigidTransform(FORWARD, np.array([0, 0.1, 1.0]))


def microphones(gain=0.1):
    return MicrophoneArray(
        positions=gain * np.eye(3),
        groups=np.zeros(3, int),
        channels=np.arange(3),
        rate=16_000,
        speed_of_sound=343.0,
        name='three',
    )


def static(*edges):
    return Transforms(tuple(StampedTransform(*edge, 0) for edge in edges), is_static=True)


def moving(parent, child, x, stamp=NOW):
    pose = RigidTransform(Rotation.from_euler('z', 0.1 * x).as_matrix(), np.array([x, 0.0, 0.0]))
    return Transforms((StampedTransform(parent, child, pose, stamp),), is_static=False)


CAMERA_EDGE = ('base_link', 'camera_optical', CAMERA_AT)
ARRAY_EDGE = ('base_link', 'mic_array', ARRAY_AT)
DESCRIBED = (
    CameraDescription(LENS, 'camera_optical'),
    ArrayDescription(microphones(), 'mic_array', ROOM),
)


def make(*records, **settings):
    geometry = SensorRig(**settings)
    for record in records:
        geometry.take(record)
    return geometry


def same(found, expected):
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation, expected.translation, atol=1e-12)


class TestPlaces:
    def test_a_robot_that_stands(self):
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='base_link')
        rig = geometry.rig(NOW)
        same(rig.camera.pose, CAMERA_AT)
        same(rig.target_from_array, ARRAY_AT)
        assert rig.room is ROOM
        assert geometry.problems == {}

    def test_a_robot_that_drives(self):
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='odom')
        for k in range(11):
            geometry.take(moving('odom', 'base_link', k, NOW + k * 100 * MS))
        rig = geometry.rig(NOW + 450 * MS)
        base = RigidTransform(
            Rotation.from_euler('z', 0.45).as_matrix(), np.array([4.5, 0.0, 0.0])
        )
        same(rig.camera.pose, base @ CAMERA_AT)
        same(rig.target_from_array, base @ ARRAY_AT)
        assert rig.has_moved_as_one(geometry.rig(NOW))

    def test_the_order_of_what_is_told_does_not_matter(self):
        records = [*DESCRIBED, static(CAMERA_EDGE), static(ARRAY_EDGE)]
        records.append(moving('odom', 'base_link', 3))
        for turn in range(len(records)):
            geometry = make(*records[turn:], *records[:turn], target_frame='odom')
            assert geometry.rig(NOW).camera.centre[0] == pytest.approx(
                3 - 0.1 * np.sin(0.3), abs=1e-12
            )

    def test_the_same_object_while_nothing_changes(self):
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='odom')
        for k in range(3):
            geometry.take(moving('odom', 'base_link', 1, NOW + k * 100 * MS))
        rig = geometry.rig(NOW)
        geometry.take(DESCRIBED[0])
        geometry.take(static(CAMERA_EDGE))
        assert geometry.rig(NOW + 200 * MS) is rig
        assert geometry.camera(NOW + 100 * MS) is rig.camera

    @pytest.mark.parametrize(
        'change',
        [
            CameraDescription(Camera(500.0, 500.0, 320.0, 240.0, (640, 480)), 'camera_optical'),
            CameraDescription(LENS, 'mic_array'),
            ArrayDescription(microphones(0.2), 'mic_array'),
            moving('odom', 'base_link', 2),
            static(('base_link', 'mic_array', CAMERA_AT)),
        ],
    )
    def test_another_object_when_something_does(self, change):
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='odom')
        geometry.take(moving('odom', 'base_link', 1))
        rig = geometry.rig(NOW)
        geometry.take(change)
        assert geometry.rig(NOW) is not rig

    def test_a_room_that_is_given_comes_before_one_that_is_told(self):
        room = Room(np.zeros(3), np.ones(3))
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), room=room)
        geometry.target_frame = 'base_link'
        assert geometry.rig(NOW).room is room

    def test_a_rig_that_is_known(self):
        rig = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='base_link').rig(NOW)
        fixed = geometry_of(rig)
        fixed.take(moving('odom', 'base_link', 1))
        assert isinstance(fixed, FixedRig)
        assert fixed.rig(0) is rig
        assert fixed.camera(0) is rig.camera
        assert not fixed.stale


class TestOneSense:
    def test_without_microphones(self):
        geometry = make(DESCRIBED[0], static(CAMERA_EDGE), target_frame='base_link', hears=False)
        rig = geometry.rig(NOW)
        same(rig.camera.pose, CAMERA_AT)
        assert rig.microphones is None
        assert geometry.missing() is None

    def test_without_a_camera(self):
        geometry = make(DESCRIBED[1], static(ARRAY_EDGE), target_frame='base_link', sees=False)
        rig = geometry.rig(NOW)
        same(rig.target_from_array, ARRAY_AT)
        assert rig.camera is None
        assert geometry.camera(NOW) is None
        assert geometry.missing() is None
        assert geometry.problems == {}


class TestOutages:
    @pytest.fixture
    def driving(self):
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='odom')
        for k in range(6):
            geometry.take(moving('odom', 'base_link', k, NOW + k * 100 * MS))
        return geometry

    def test_a_stale_base_is_an_outage_of_both(self, driving):
        assert driving.rig(NOW + 1000 * MS) is not None
        assert driving.rig(NOW + 1800 * MS) is None
        told = "transform from 'odom' to 'base_link' is 1.3 s old"
        assert driving.problems == {'camera': told, 'array': told}
        assert driving.stale == {'camera', 'array'}

    def test_it_ends_when_the_transform_comes_back(self, driving):
        assert driving.rig(NOW + 1800 * MS) is None
        driving.take(moving('odom', 'base_link', 9, NOW + 1900 * MS))
        assert driving.rig(NOW + 1800 * MS) is not None
        assert driving.problems == {}
        assert not driving.stale

    def test_before_the_first_transform(self, driving):
        assert driving.rig(NOW - 400 * MS) is not None
        assert driving.rig(NOW - 600 * MS) is None
        assert 'begins 0.6 s later' in driving.problems['camera']

    def test_the_timeout_changes_while_it_runs(self, driving):
        driving.tf_timeout = 2.0
        assert driving.rig(NOW + 1800 * MS) is not None
        driving.tf_timeout = 0.1
        assert driving.rig(NOW + 1000 * MS) is None

    def test_a_static_rig_never_ages(self):
        geometry = make(*DESCRIBED, static(CAMERA_EDGE, ARRAY_EDGE), target_frame='base_link')
        assert geometry.rig(10**18) is geometry.rig(0)

    def test_a_head_that_turns_on_a_base_that_stands(self):
        """Only the camera is lost with the joint of the head."""
        geometry = make(
            *DESCRIBED,
            static(('head', 'camera_optical', CAMERA_AT), ARRAY_EDGE),
            moving('base_link', 'head', 0),
            target_frame='base_link',
        )
        assert geometry.rig(NOW + SECOND) is None
        assert geometry.stale == {'camera'}
        assert 'array' not in geometry.problems

    def test_wherever_they_were_last(self, driving):
        assert driving.rig(None).camera.centre[0] == pytest.approx(5 - 0.1 * np.sin(0.5))
        assert driving.missing() is None


class TestMountings:
    CAMERA_FILE = Mounting('camera_optical', 'base_link', CAMERA_AT)
    ARRAY_FILE = Mounting('mic_array', 'base_link', ARRAY_AT)

    @pytest.mark.parametrize('frame', ['base_link', 'odom'])
    def test_the_parent_is_the_target_or_connected_to_it(self, frame):
        geometry = make(
            *DESCRIBED,
            moving('odom', 'base_link', 0),
            target_frame=frame,
            camera_mounting=self.CAMERA_FILE,
            array_mounting=self.ARRAY_FILE,
        )
        rig = geometry.rig(NOW)
        same(rig.camera.pose, CAMERA_AT)
        same(rig.target_from_array, ARRAY_AT)
        assert (geometry.rig(NOW + SECOND) is None) == (frame == 'odom')

    def test_what_tf_tells_comes_first(self):
        elsewhere = RigidTransform(FORWARD, np.array([0, 0, 2.0]))
        geometry = make(
            *DESCRIBED,
            static(ARRAY_EDGE),
            target_frame='base_link',
            camera_mounting=self.CAMERA_FILE,
        )
        same(geometry.rig(NOW).camera.pose, CAMERA_AT)
        geometry.take(static(('base_link', 'camera_optical', elsewhere)))
        same(geometry.rig(NOW).camera.pose, elsewhere)

    def test_a_moving_frame_that_is_lost_is_not_taken_from_the_file(self):
        geometry = make(
            *DESCRIBED,
            static(ARRAY_EDGE),
            moving('base_link', 'camera_optical', 1),
            target_frame='base_link',
            camera_mounting=self.CAMERA_FILE,
        )
        assert geometry.camera(NOW + SECOND) is None
        assert geometry.stale == {'camera'}

    def test_a_file_that_tf_contradicts_is_told(self):
        geometry = make(
            *DESCRIBED,
            static(('stand', 'camera_optical', CAMERA_AT), ARRAY_EDGE),
            target_frame='base_link',
            camera_mounting=self.CAMERA_FILE,
        )
        assert 'camera_calibration does not count' in geometry.missing()

    def test_a_camera_that_is_mounted_on_the_array(self):
        geometry = make(
            *DESCRIBED,
            target_frame='world',
            camera_mounting=Mounting('camera_optical', 'mic_array', CAMERA_AT),
            array_mounting=Mounting('mic_array', 'world', ARRAY_AT),
        )
        same(geometry.rig(NOW).camera.pose, ARRAY_AT @ CAMERA_AT)

    @pytest.mark.parametrize('named', ['camera_optical', None])
    def test_a_driver_that_names_no_frame(self, named):
        geometry = make(
            CameraDescription(LENS, ''),
            target_frame='base_link',
            camera_mounting=Mounting(named, 'base_link', CAMERA_AT),
            hears=False,
        )
        same(geometry.camera(NOW).pose, CAMERA_AT)
        nothing = make(CameraDescription(LENS, ''), hears=False)
        assert nothing.missing() == (
            'frame_id of the camera is empty: set it, or name camera_calibration'
        )


MISSING_LINKS = {
    'no TF at all': (
        (),
        "no transform from 'camera_optical' to 'world'; TF has nothing; publish where "
        "'camera_optical' is, or name camera_calibration with its pose",
    ),
    'another root': (
        (static(CAMERA_EDGE, ARRAY_EDGE),),
        "no transform from 'camera_optical' and 'mic_array' to 'world'; TF has "
        'base_link -> camera_optical, base_link -> mic_array; choose target_frame among base_link',
    ),
    'a root that moves': (
        (static(CAMERA_EDGE, ARRAY_EDGE), moving('odom', 'base_link', 1)),
        'choose target_frame among odom, base_link',
    ),
    'a camera that is nowhere': (
        (static(ARRAY_EDGE, ('world', 'base_link', ARRAY_AT)),),
        "TF has base_link -> mic_array, world -> base_link; publish where 'camera_optical' is",
    ),
    'an array that is nowhere': (
        (static(CAMERA_EDGE, ('world', 'base_link', ARRAY_AT)),),
        "publish where 'mic_array' is, or name array_calibration with its pose",
    ),
    'two trees': (
        (static(CAMERA_EDGE, ('stand', 'mic_array', ARRAY_AT)),),
        "publish where 'mic_array' is",
    ),
}


class TestMissing:
    def test_what_has_not_come(self):
        geometry = SensorRig()
        assert geometry.rig(NOW) is None
        assert geometry.problems == {
            'camera': 'no camera_info yet',
            'array': 'no audio/array_info yet',
        }
        assert geometry.missing() == 'no camera_info yet; no audio/array_info yet'

    @pytest.mark.parametrize('case', MISSING_LINKS)
    def test_the_missing_link_is_named(self, case):
        records, told = MISSING_LINKS[case]
        geometry = make(*DESCRIBED, *records)
        assert told in geometry.missing()
        assert geometry.rig(NOW) is None
        assert all('no transform from' in problem for problem in geometry.problems.values())
        assert not geometry.stale

    @pytest.mark.parametrize('target', ['base_link', 'odom'])
    def test_the_frames_to_choose_from_do(self, target):
        records = (static(CAMERA_EDGE, ARRAY_EDGE), moving('odom', 'base_link', 1))
        geometry = make(*DESCRIBED, *records, target_frame=target)
        assert geometry.missing() is None
        assert geometry.rig(NOW) is not None

    def test_slashes_are_nothing(self):
        geometry = make(
            CameraDescription(LENS, '/camera_optical'),
            ArrayDescription(microphones(), '/mic_array'),
            static(('/world', '/base_link', ARRAY_AT), CAMERA_EDGE, ARRAY_EDGE),
            target_frame='/world',
        )
        assert geometry.rig(NOW) is not None

    def test_transforms_that_are_none_are_told(self):
        broken = Transforms((), False, ("transform from 'a' to 'b' has a quaternion of zeros",))
        assert 'quaternion of zeros' in make(broken).problems['transforms']


class TestOpticalAxis:
    @pytest.mark.parametrize(
        ('frame', 'axes', 'target', 'is_odd'),
        [
            ('camera_link', np.eye(3), 'base_link', True),
            ('camera_optical', FORWARD, 'base_link', False),
            ('camera_link', FORWARD, 'base_link', False),
            ('camera_link', np.eye(3), 'camera_link', False),
            ('camera_optical', FORWARD, 'camera_optical', False),
        ],
    )
    def test_a_camera_that_looks_up_is_told(self, frame, axes, target, is_odd):
        geometry = make(
            CameraDescription(LENS, frame),
            static(('base_link', frame, RigidTransform(axes, np.array([0, 0, 1.0])))),
            target_frame=target,
            hears=False,
        )
        assert geometry.camera(NOW) is not None
        told = geometry.problems.get('optical axis', '')
        assert (frame in told and 'looks up' in told) if is_odd else not told
