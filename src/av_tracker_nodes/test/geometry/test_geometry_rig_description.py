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

"""Rig files, and rigs of calibration files."""

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import av_tracker_nodes as av
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_card_channels,
    load_microphones,
    load_mounting,
    load_room,
    save_camera,
    save_microphones,
)
from av_tracker_nodes.geometry.rig_files import find_rig, load_rig, load_rig_description
from av_tracker_nodes.geometry.uncertainty import RigUncertainty

RIG = {
    'name': 'mine',
    'mount': {'parent': 'base_link', 'xyz': [0.1, 0.2, 0.3], 'yaw_deg': 90},
    'camera': {
        'size': [640, 480],
        'field_of_view_deg': {'horizontal': 90},
        'mount': {'xyz': [0.0, 0.0, 0.1], 'pitch_deg': 30},
    },
    'array': {
        'frame': 'ears',
        'sample_rate': 16000,
        'card_channels': 4,
        'processed_channels': [0],
        'microphones': [{'channel': 1, 'xyz': [0.05, 0, 0]}, {'channel': 2, 'xyz': [0, 0.05, 0]}],
        'mount': {'xyz': [0.02, 0.0, 0.0]},
    },
}


def changed(path, value):
    """RIG with another value at a path; None removes it."""
    content = yaml.safe_load(yaml.safe_dump(RIG))
    part = content
    for key in path[:-1]:
        part = part.setdefault(key, {})
    if value is None:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return content


def write(folder, content=RIG, name='rig.yaml'):
    path = folder / name
    path.write_text(yaml.safe_dump(content), encoding='utf-8')
    return path


def test_sensors_are_placed_in_the_frame_that_the_rig_is_mounted_in(tmp_path):
    rig = load_rig_description(write(tmp_path))
    assert (rig.name, rig.parent, rig.approximate) == ('mine', 'base_link', False)
    assert (rig.camera_frame, rig.array_frame) == ('camera_optical', 'ears')
    # The rig looks along y of its parent, having turned left, and the camera down by 30 degrees.
    np.testing.assert_allclose(rig.camera.centre, [0.1, 0.2, 0.4], atol=1e-12)
    forward = [0, np.cos(np.radians(30)), -np.sin(np.radians(30))]
    np.testing.assert_allclose(rig.camera.pose.rotation[:, 2], forward, atol=1e-12)
    places = rig.target_from_array @ rig.microphones.positions
    np.testing.assert_allclose(places, [[0.1, 0.27, 0.3], [0.05, 0.22, 0.3]], atol=1e-12)
    assert rig.microphones.channels.tolist() == [1, 2]
    assert (rig.card_channels, rig.processed_channels) == (4, (0,))


def test_a_rig_that_says_little_stands_at_the_origin_of_the_world(tmp_path):
    content = {'camera': {'size': [640, 480], 'field_of_view_deg': {'horizontal': 60}}}
    rig = load_rig_description(write(tmp_path, content))
    assert rig.parent == 'world'
    np.testing.assert_array_equal(rig.camera.centre, np.zeros(3))
    np.testing.assert_allclose(rig.camera.project(np.array([3.0, 0, 0])), [319.5, 239.5])
    assert rig.uncertainty == RigUncertainty()
    assert rig.microphones is None
    assert rig.card_channels == 0
    assert (rig.rig().camera, rig.rig().microphones) == (rig.camera, None)


@given(
    width=st.integers(100, 4000),
    height=st.integers(100, 4000),
    direction=st.sampled_from(['horizontal', 'vertical', 'diagonal']),
    angle=st.floats(20, 150),
)
def test_a_field_of_view_ends_at_the_edges_of_the_picture(
    tmp_path_factory, width, height, direction, angle
):
    camera = {'size': [width, height], 'field_of_view_deg': {direction: angle}}
    path = write(tmp_path_factory.mktemp('rig'), {'camera': camera})
    found = load_camera(path)
    middle = [(width - 1) / 2, (height - 1) / 2]
    edges = {
        'horizontal': ([-0.5, middle[1]], [width - 0.5, middle[1]]),
        'vertical': ([middle[0], -0.5], [middle[0], height - 0.5]),
        'diagonal': ([-0.5, -0.5], [width - 0.5, height - 0.5]),
    }
    first, last = found.rays(np.array(edges[direction]))
    assert np.degrees(np.arccos(first @ last)) == pytest.approx(angle, abs=1e-6)
    if direction == 'horizontal':
        by_opencv = cv2.calibrationMatrixValues(found.matrix, found.size, 1.0, 1.0)[0]
        assert by_opencv == pytest.approx(angle, abs=0.2)


def test_whatever_reads_a_calibration_file_reads_the_section_of_a_rig(tmp_path):
    content = changed(('array', 'room'), {'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]})
    content['approximate'] = True
    path = write(tmp_path, content)
    rig = load_rig_description(path)
    rotation = load_camera(path).pose.rotation
    np.testing.assert_allclose(rotation, rig.camera.pose.rotation, atol=1e-15)
    np.testing.assert_array_equal(load_microphones(path).positions, rig.microphones.positions)
    np.testing.assert_array_equal(load_room(path).maximum, rig.room.maximum)
    camera, array = load_mounting(path, 'camera'), load_mounting(path, 'array')
    assert (camera.frame, camera.parent) == ('camera_optical', 'base_link')
    assert (array.frame, array.parent) == ('ears', 'base_link')
    np.testing.assert_array_equal(camera.pose.translation, rig.camera.centre)
    np.testing.assert_array_equal(array.pose.translation, rig.target_from_array.translation)
    assert camera.uncertainty == array.uncertainty == rig.uncertainty != RigUncertainty()


def test_channels_of_the_card_are_told_where_the_file_says_them(tmp_path):
    assert load_card_channels(write(tmp_path)) == 4
    assert load_card_channels(find_rig('respeaker_usb_webcam')) == 6
    save_microphones(tmp_path / 'array.yaml', MicrophoneArray(np.eye(3)))
    assert load_card_channels(tmp_path / 'array.yaml') == 0


def test_of_a_sensor_that_a_rig_lacks_nothing_is_told(tmp_path):
    path = write(tmp_path, changed(('array',), None))
    assert load_mounting(path, 'array').frame is None
    assert load_room(path) is None
    with pytest.raises(InputError, match=r'rig\.yaml: array: is missing: this rig has none'):
        load_microphones(path)
    path = write(tmp_path, changed(('camera',), None))
    with pytest.raises(InputError, match=r'rig\.yaml: camera: is missing: this rig has none'):
        load_camera(path)


def test_one_argument_of_load_rig_is_a_rig(tmp_path):
    path = write(tmp_path)
    rig, description = av.load_rig(path), load_rig_description(path)
    rotation = description.camera.pose.rotation
    np.testing.assert_allclose(rig.camera.pose.rotation, rotation, atol=1e-15)
    np.testing.assert_array_equal(
        rig.target_from_array.translation, description.target_from_array.translation
    )
    in_ears = av.load_rig(path, target_frame='ears')
    np.testing.assert_allclose(in_ears.target_from_array.translation, np.zeros(3), atol=1e-12)
    blind = av.load_rig(write(tmp_path, changed(('camera',), None), 'blind.yaml'))
    assert blind.camera is None
    assert len(blind.microphones.positions) == 2


def test_calibration_files_make_a_rig_by_their_names(tmp_path):
    turn = Rotation.from_euler('ZX', [-90, -90], degrees=True).as_matrix()
    pose = RigidTransform(turn, np.array([0.0, 0, 0.1]))
    camera = Camera(600, 610, 310, 230, (640, 480), np.array([0.1, 0, 0, 0, 0]), pose=pose)
    array = MicrophoneArray(0.1 * np.eye(3), name='corner')
    on_base = RigidTransform(translation=np.array([0.0, 0, 1.0]))
    save_camera(tmp_path / 'camera.yaml', camera, frame='eye', parent='mic_array')
    save_microphones(tmp_path / 'array.yaml', array, parent='world', pose=on_base)
    content = {'camera': {'file': 'camera.yaml'}, 'array': {'file': 'array.yaml'}}
    rig = load_rig_description(write(tmp_path, content))
    assert rig.camera_frame == 'eye'
    assert rig.camera.fx == 600
    assert rig.camera.distortion[0] == 0.1
    np.testing.assert_allclose(rig.camera.centre, [0, 0, 1.1])
    np.testing.assert_allclose(rig.target_from_array.translation, [0, 0, 1.0])
    both = av.load_rig(tmp_path / 'camera.yaml', tmp_path / 'array.yaml')
    np.testing.assert_allclose(both.camera.pose.rotation, rig.camera.pose.rotation, atol=1e-12)
    content['camera']['mount'] = {'xyz': [0.5, 0, 0]}
    np.testing.assert_allclose(
        load_rig_description(write(tmp_path, content)).camera.centre, [0.5, 0, 0]
    )


def test_a_section_may_be_that_of_another_rig(tmp_path):
    write(tmp_path)
    content = {
        'camera': {'file': 'rig.yaml', 'size': [1280, 960]},
        'array': {'file': 'rig.yaml', 'sample_rate': 48000},
    }
    rig = load_rig_description(write(tmp_path, content, 'other.yaml'))
    assert rig.camera.fx == pytest.approx(640)
    assert rig.microphones.rate == 48000
    assert rig.processed_channels == (0,)
    np.testing.assert_array_equal(rig.camera.centre, np.zeros(3))
    write(tmp_path, {'camera': {'file': 'other.yaml'}}, 'circle.yaml')
    with pytest.raises(InputError, match=r'other\.yaml names another file: name that one'):
        load_rig_description(tmp_path / 'circle.yaml')


def test_approximate_rigs_are_uncertain_as_they_say_or_by_default(tmp_path):
    content = changed(('approximate',), True)
    assert load_rig_description(write(tmp_path, content)).uncertainty == RigUncertainty(
        np.radians(5), 0.03, 0.10, 0.002
    )
    content['uncertainty'] = {'angle_deg': 2}
    assert load_rig_description(write(tmp_path, content)).uncertainty == RigUncertainty(
        np.radians(2), 0.03, 0.10, 0.002
    )
    content['approximate'] = False
    assert load_rig_description(write(tmp_path, content)).uncertainty == RigUncertainty(
        np.radians(2)
    )


def off_axis(camera, pixel):
    """Cosine of the angle between a pixel and the optical axis."""
    return camera.rays(np.array(pixel)) @ camera.pose.rotation[:, 2]


def test_a_field_of_view_holds_at_other_sizes(tmp_path):
    rig = load_rig_description(write(tmp_path))
    large = rig.for_images((1280, 960))
    assert large.camera.size == (1280, 960)
    corner = rig.camera.rays(np.array([-0.5, -0.5]))
    np.testing.assert_allclose(large.camera.rays(np.array([-0.5, -0.5])), corner)
    assert rig.for_images((640, 480)) is rig
    narrow = off_axis(rig.camera, [-0.5, 239.5])
    for size, side in (((1280, 720), [-0.5, 359.5]), ((720, 1280), [359.5, -0.5])):
        other = rig.for_images(size).camera
        assert other.size == size
        assert off_axis(other, side) == pytest.approx(narrow)


def test_a_calibrated_camera_holds_at_its_own_size_only(tmp_path):
    save_camera(tmp_path / 'camera.yaml', Camera(600, 600, 320, 240, (640, 480)))
    rig = load_rig_description(write(tmp_path, {'camera': {'file': 'camera.yaml'}}))
    with pytest.raises(InputError, match=r'1280 x 960.*was calibrated at 640 x 480'):
        rig.for_images((1280, 960))


def test_motion_and_noise(tmp_path):
    content = changed(('motion',), {'kind': 'pan', 'angle_deg': 30, 'period': 8})
    fan = {'kind': 'fan', 'xyz': [1, 2, 0.5], 'level_db': -10}
    content['noise'] = [fan, fan | {'mounted': True, 'switched': True}]
    rig = load_rig_description(write(tmp_path, content))
    facing = rig.motion.base_from_moved(2.0).rotation @ [1, 0, 0]
    np.testing.assert_allclose(facing, [np.cos(np.pi / 6), np.sin(np.pi / 6), 0], atol=1e-12)
    np.testing.assert_array_equal(rig.motion.base_from_moved(0.0).rotation, np.eye(3))
    assert [(noise.kind, noise.level_db) for noise in rig.noise] == [('fan', -10)] * 2
    assert [(noise.switched, noise.mounted) for noise in rig.noise] == [(False,) * 2, (True,) * 2]
    content['motion'] = {'kind': 'drive', 'distance_m': 0.5}
    driven = load_rig_description(write(tmp_path, content)).motion.base_from_moved(2.5)
    np.testing.assert_allclose(driven.translation, [0, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize(
    ('path', 'value', 'told'),
    [
        (('aproximate',), True, 'aproximate: is unknown; known are name'),
        (('approximate',), 'yes, a bit', 'approximate: must be true or false'),
        (('mount', 'xyz'), [0, 0], 'mount.xyz: must be a list of 3 numbers'),
        (('mount', 'yaw'), 90, 'mount.yaw: is unknown'),
        (('mount', 'parent'), 7, 'mount.parent: must be a text'),
        (('camera',), [], 'camera: must hold names and values'),
        (('camera', 'size'), None, 'camera.size: is missing'),
        (('camera', 'size'), [640], 'camera.size: must be width and height'),
        (('camera', 'size'), [640, 0], 'camera.size: must be width and height'),
        (('camera', 'size'), [640, 48.5], r'camera.size\[1\]: must be a whole number'),
        (('camera', 'field_of_view_deg'), 60, 'field_of_view_deg: must hold names'),
        (('camera', 'field_of_view_deg'), {}, 'field_of_view_deg: must have one of horizontal'),
        (('camera', 'field_of_view_deg', 'diagonal'), 90, 'must have one of horizontal'),
        (('camera', 'field_of_view_deg', 'horizontal'), 180, 'must be below 180 degrees'),
        (('camera', 'field_of_view_deg', 'horizontal'), -60, 'must be positive'),
        (('camera', 'feild_of_view_deg'), {'vertical': 9}, 'feild_of_view_deg: is unknown'),
        (('camera', 'camera_matrix'), {}, 'camera_matrix: field_of_view_deg is given too'),
        (('camera', 'pose'), {}, 'camera.pose: mount is given too'),
        (('camera', 'file'), 'none.yaml', r'none\.yaml cannot be read'),
        (('camera', 'mount', 'parent'), 'x', 'camera.mount.parent: is unknown'),
        (('camera', 'frame'), '', 'camera.frame: must be a text'),
        (('array', 'frame'), 'base_link', "array.mount: frame 'base_link' is that of the outer"),
        (('array', 'chanels'), 6, 'array.chanels: is unknown'),
        (('array', 'card_channels'), 2, 'card_channels: channel 2 is named, of a card of 2'),
        (('array', 'processed_channels'), [1], 'processed_channels: channel 1 is a microphone'),
        (('array', 'playback_channels'), 5, 'playback_channels: must be a list'),
        (('array', 'playback_channels'), [-1], r'playback_channels\[0\]: must be a whole number'),
        (('array', 'microphones'), [], 'array.microphones: must be a list of microphones'),
        (('uncertainty',), {'angle': 5}, 'uncertainty.angle: is unknown'),
        (('uncertainty',), {'angle_deg': -5}, 'uncertainty.angle_deg: must be 0 or more'),
        (('motion',), {'kind': 'fly'}, "kind: must be one of static, pan, drive, got 'fly'"),
        (('motion',), {'kind': 'pan', 'distance_m': 1}, 'motion.distance_m: is unknown'),
        (('noise',), [{'kind': 'cat'}], r"noise\[0\].kind: must be one of fan, television, motor"),
        (('noise',), {'kind': 'fan'}, 'noise: must be a list'),
        (('noise',), [{'kind': 'hum', 'xyz': [1, 0, 0], 'level_db': 0, 'mounted': 1}],
         r'noise\[0\].mounted: must be'),
        (('noise',), [{'kind': 'hum', 'xyz': [1, 0, 0], 'level_db': 0, 'switched': 'on'}],
         'switched: must be true or false'),
    ],
)  # fmt: skip
def test_malformed_rigs_are_refused_with_the_place(tmp_path, path, value, told):
    with pytest.raises(InputError, match=told) as error:
        load_rig_description(write(tmp_path, changed(path, value)))
    assert '\n' not in str(error.value)


def test_a_pose_that_leads_elsewhere_is_refused(tmp_path):
    content = changed(('array', 'mount'), None)
    content['array']['pose'] = {'parent': 'head', 'xyz': [0, 0, 0], 'quaternion': [0, 0, 0, 1]}
    with pytest.raises(InputError, match="array does not connect 'ears' to 'base_link'"):
        load_rig_description(write(tmp_path, content))


def test_rigs_are_found_by_name_or_file(tmp_path):
    path = write(tmp_path)
    assert find_rig(path) == find_rig(str(path)) == path
    assert find_rig('respeaker_usb_webcam').name == 'respeaker_usb_webcam.yaml'
    with pytest.raises(InputError, match=r"no rig 'respeaker': .* one of .*respeaker_usb_webcam"):
        find_rig('respeaker')
    with pytest.raises(InputError, match=r'none\.yaml does not exist; those of the package: '):
        find_rig(tmp_path / 'none.yaml')
    write(tmp_path, {'name': 'mine'}, 'nothing.yaml')
    with pytest.raises(InputError, match='no rig file: it has neither'):
        load_rig_description(tmp_path / 'nothing.yaml')


# ---- rigs of calibration files


TURN = Rotation.from_euler('ZX', [-90, -90], degrees=True).as_matrix()
CAMERA_POSE = RigidTransform(TURN, np.array([0.1, 0.0, 0.05]))
ARRAY_POSE = RigidTransform(
    Rotation.from_euler('z', 30, degrees=True).as_matrix(), np.array([1.0, 2.0, 0.8])
)
ARRAY = MicrophoneArray(0.05 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]))
ROOM = Room(np.array([-2.0, -2, -1]), np.array([2.0, 2, 1]), (Box(np.zeros(3), np.ones(3)),))


def write_pair(folder, camera_parent='mic_array', array_parent=None, room=None):
    """Write the files of a camera in the array frame or beside it."""
    camera = Camera(600, 610, 320, 240, (640, 480), pose=CAMERA_POSE)
    paths = folder / 'camera.yaml', folder / 'array.yaml'
    save_camera(paths[0], camera, frame='camera_optical', parent=camera_parent)
    save_microphones(paths[1], ARRAY, room=room, parent=array_parent, pose=ARRAY_POSE)
    return paths


def assert_same(one, other):
    np.testing.assert_allclose(one.rotation, other.rotation, atol=1e-12)
    np.testing.assert_allclose(one.translation, other.translation, atol=1e-12)


def test_camera_in_the_array_frame(tmp_path):
    rig = load_rig(*write_pair(tmp_path, room=ROOM))
    assert_same(rig.target_from_array, RigidTransform())
    assert_same(rig.camera.pose, CAMERA_POSE)
    assert rig.camera.size == (640, 480)
    np.testing.assert_array_equal(rig.microphones.positions, ARRAY.positions)
    assert len(rig.room.boxes) == 2


def test_both_in_a_frame_of_the_room(tmp_path):
    rig = load_rig(*write_pair(tmp_path, 'world', 'world'))
    assert_same(rig.target_from_array, ARRAY_POSE)
    assert_same(rig.camera.pose, CAMERA_POSE)
    assert rig.room is None


@pytest.mark.parametrize('target', [None, 'world'])
def test_camera_on_an_array_that_stands_in_a_room(tmp_path, target):
    rig = load_rig(*write_pair(tmp_path, 'mic_array', 'world'), target_frame=target)
    assert_same(rig.target_from_array, ARRAY_POSE)
    assert_same(rig.camera.pose, ARRAY_POSE @ CAMERA_POSE)


def test_target_frame_may_be_one_on_the_way(tmp_path):
    rig = load_rig(*write_pair(tmp_path, 'mic_array', 'world'), target_frame='mic_array')
    assert_same(rig.target_from_array, RigidTransform())
    assert_same(rig.camera.pose, CAMERA_POSE)


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
        load_rig(*write_pair(tmp_path, *parents), target_frame=target)


def test_a_file_without_a_frame_is_refused(tmp_path):
    camera, array = write_pair(tmp_path)
    save_camera(camera, Camera(600, 610, 320, 240, (640, 480)))
    with pytest.raises(InputError, match=r'camera\.yaml: names no frame.*calibrate extrinsics'):
        load_rig(camera, array)
