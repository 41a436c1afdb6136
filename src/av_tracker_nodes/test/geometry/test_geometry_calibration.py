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

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
    save_camera,
    save_microphones,
)

SHIPPED = Path(__file__).parents[2] / 'calibration'

# As written by ROS's cameracalibrator.
ROS_CAMERA = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [571.1, 0.0, 315.2, 0.0, 572.3, 241.7, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.05, -0.11, 0.001, -0.002, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
projection_matrix:
  rows: 3
  cols: 4
  data: [571.1, 0.0, 315.2, 0.0, 0.0, 572.3, 241.7, 0.0, 0.0, 0.0, 1.0, 0.0]
"""
ARRAY = {
    'name': 'test',
    'frame': 'mic_array',
    'sample_rate': 16000,
    'microphones': [
        {'channel': 0, 'group': 0, 'xyz': [0, 0, 0]},
        {
            'circle': {'radius': 0.1, 'count': 4, 'start_angle_deg': 90, 'direction': 'clockwise'},
            'first_channel': 1,
        },
    ],
    'room': {'minimum': [-1, -1, 0], 'maximum': [1, 2, 3]},
}


def write(folder, content):
    path = folder / 'file.yaml'
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def changed(content, path, value):
    """Copy of nested content with one value replaced, or removed where `value` is None."""
    copy = yaml.safe_load(yaml.safe_dump(content))
    *way, last = path
    inner = copy
    for step in way:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copy


def test_camera_of_ros(tmp_path):
    path = write(tmp_path, ROS_CAMERA)
    camera = load_camera(path)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (571.1, 572.3, 315.2, 241.7)
    assert camera.size == (640, 480)
    assert camera.distortion.tolist() == [0.05, -0.11, 0.001, -0.002, 0.0]
    assert camera.skew == 0
    np.testing.assert_array_equal(camera.pose.rotation, np.eye(3))
    assert load_mounting(path, 'camera').parent is None


def test_camera_there_and_back(tmp_path):
    pose = RigidTransform(
        Rotation.from_rotvec([0.3, -1.2, 2]).as_matrix(), np.array([-1.57, 2.01, 1.43])
    )
    camera = Camera(
        401.23456789,
        430.1,
        181.5,
        143.25,
        (360, 288),
        np.array([-0.3, 0.1, 1e-3, -2e-3, 0.01]),
        skew=1e-3,
        pose=pose,
    )
    path = tmp_path / 'deeper' / 'cam1.yaml'
    save_camera(path, camera, name='cam1', frame='cam1_optical', parent='world')
    again = load_camera(path)
    pixels = np.random.default_rng(0).uniform(0, 288, (50, 2))
    points = camera.back_project(pixels, 2.0)
    np.testing.assert_allclose(again.project(points), pixels, atol=1e-9)
    assert again.size == camera.size
    mounting = load_mounting(path, 'camera')
    assert (mounting.frame, mounting.parent) == ('cam1_optical', 'world')
    np.testing.assert_allclose(mounting.pose.translation, pose.translation)


def test_four_distortion_coefficients_mean_no_k3(tmp_path):
    content = changed(
        yaml.safe_load(ROS_CAMERA), ('distortion_coefficients', 'data'), [0.1, 0.2, 0.3, 0.4]
    )
    assert load_camera(write(tmp_path, content)).distortion.tolist() == [0.1, 0.2, 0.3, 0.4, 0]


@pytest.mark.parametrize(
    ('model', 'distortion'),
    [
        ('plumb_bob', [-0.3, 0.1, 1e-3, -2e-3, 0.01]),
        ('rational_polynomial', [0.5, -0.03, 1e-4, -1e-4, 0.01, 0.85, 0.02, -0.01]),
        ('rational_polynomial', [0.1, 0.2, 0, 0, 0, 0.2, 0, 0, 1e-3, -1e-3, 2e-3, 0]),
        ('equidistant', [-0.02, 0.004, -0.005, 0.001]),
    ],
)
def test_lens_there_and_back(tmp_path, model, distortion):
    camera = Camera(401.2, 430.1, 181.5, 143.25, (360, 288), np.array(distortion), model=model)
    save_camera(tmp_path / 'camera.yaml', camera)
    again = load_camera(tmp_path / 'camera.yaml')
    assert again.model == model
    assert again.distortion.tolist() == distortion


def test_numbers_as_drivers_write_them(tmp_path):
    text = ROS_CAMERA.replace(
        '[571.1, 0.0, 315.2, 0.0, 572.3', '[5e2, 0, 31.52E+1, 0., +5.723e+02'
    )
    text = text.replace('[0.05, -0.11, 0.001', '[5.e-2, -.11, 1e-3')
    camera = load_camera(write(tmp_path, text))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500.0, 572.3, 315.2, 241.7)
    assert camera.distortion.tolist() == [0.05, -0.11, 0.001, -0.002, 0.0]


@pytest.mark.parametrize('written', ["'5e2'", '"571.1"', '5e', 'e2', '5e2.5'])
def test_texts_are_no_numbers(tmp_path, written):
    text = ROS_CAMERA.replace('[571.1, 0.0, 315.2', f'[{written}, 0.0, 315.2')
    with pytest.raises(InputError, match=r'camera_matrix\.data: must be finite numbers'):
        load_camera(write(tmp_path, text))


@pytest.mark.parametrize(
    ('written', 'model'),
    [
        (
            'distortion_model: fisheye\ndistortion_coefficients: {data: [0, 0, 0, 0]}',
            'equidistant',
        ),
        ('distortion_model: none', 'plumb_bob'),
        ('distortion_model: ""', 'plumb_bob'),
        ('distortion_model:', 'plumb_bob'),
        ('distortion_model: plumb_bob\ndistortion_coefficients: {data: []}', 'plumb_bob'),
        ('distortion_coefficients: {data: [0, 0, 0, 0, 0]}', 'plumb_bob'),
    ],
)
def test_lenses_without_distortion_and_by_other_names(tmp_path, written, model):
    before, rest = ROS_CAMERA.split('distortion_model')
    text = f'{before}{written}\nrectification_matrix{rest.split("rectification_matrix")[1]}'
    camera = load_camera(write(tmp_path, text))
    assert camera.model == model
    assert not camera.distortion.any()


def test_array_of_a_microphone_and_a_circle(tmp_path):
    array = load_microphones(write(tmp_path, ARRAY))
    expected = [[0, 0, 0], [0, 0.1, 0], [0.1, 0, 0], [0, -0.1, 0], [-0.1, 0, 0]]
    np.testing.assert_allclose(array.positions, expected, atol=1e-12)
    assert array.channels.tolist() == [0, 1, 2, 3, 4]
    assert array.groups.tolist() == [0] * 5
    assert (array.name, array.rate, array.speed_of_sound) == ('test', 16000, 343.0)


def test_array_there_and_back(tmp_path):
    rng = np.random.default_rng(1)
    array = MicrophoneArray(
        rng.normal(size=(5, 3)), [0, 0, 1, 1, 1], [3, 1, 2, 0, 7], 48000, 340.5, 'five'
    )
    room, pose = Room(np.array([-1.0, -2, -3]), np.ones(3)), RigidTransform(np.eye(3), np.ones(3))
    path = tmp_path / 'array.yaml'
    save_microphones(path, array, frame='mics', room=room, parent='base_link', pose=pose)
    again = load_microphones(path)
    for name in ('positions', 'groups', 'channels', 'rate', 'speed_of_sound', 'name'):
        np.testing.assert_array_equal(getattr(again, name), getattr(array, name))
    np.testing.assert_array_equal(load_room(path).minimum, room.minimum)
    assert load_room(path).obstacles == ()
    mounting = load_mounting(path, 'array')
    assert (mounting.frame, mounting.parent) == ('mics', 'base_link')
    np.testing.assert_allclose(mounting.pose.translation, np.ones(3))


def test_room_may_be_left_out(tmp_path):
    assert load_room(write(tmp_path, changed(ARRAY, ('room',), None))) is None


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (('image_width',), None, 'image_width: is missing'),
        (('image_width',), '640', 'image_width: must be a whole number'),
        (('image_height',), 0, 'image_height: must be positive'),
        (('camera_matrix',), None, 'camera_matrix: is missing'),
        (('camera_matrix',), [1, 2], 'camera_matrix: must hold names and values'),
        (('camera_matrix', 'data'), [1.0] * 8, 'camera_matrix.data: must be a list of 9'),
        (('camera_matrix', 'data', 0), 'wide', 'camera_matrix.data: must be finite numbers'),
        (('camera_matrix', 'data', 0), float('nan'), 'must be finite numbers'),
        (('camera_matrix', 'data', 4), -1.0, 'focal lengths must be positive'),
        (('camera_matrix', 'data', 8), 2.0, 'must be .fx, s, cx'),
        (('distortion_model',), 'omnidirectional', "'omnidirectional' is not supported"),
        (('distortion_model',), 5, 'distortion_model: must be a text'),
        (('distortion_coefficients',), None, 'distortion_coefficients: is missing'),
        (('distortion_coefficients', 'data'), 0.1, 'distortion_coefficients.data: must be a list'),
        (('distortion_coefficients', 'data'), [0.1] * 8, 'plumb_bob takes 5 coefficients, got 8'),
        (('distortion_coefficients', 'data', 0), -20.0, 'folds over where it fills 2 %'),
        (('pose',), {'xyz': [0, 0, 0], 'quaternion': [0, 0, 0, 1]}, 'pose.parent: is missing'),
        (
            ('pose',),
            {'parent': 'world', 'xyz': [0, 0, 0], 'quaternion': [0, 0, 0, 2]},
            'pose.quaternion: must have unit length',
        ),
    ],
)
def test_malformed_camera_names_the_field(tmp_path, path, value, message):
    file = write(tmp_path, changed(yaml.safe_load(ROS_CAMERA), path, value))
    with pytest.raises(InputError, match=message) as caught:
        load_camera(file)
    assert str(file) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (('name',), None, 'name: is missing'),
        (('name',), 5, 'name: must be a text'),
        (('sample_rate',), 0, 'sample_rate: must be positive'),
        (('sample_rate',), 16000.5, 'sample_rate: must be a whole number'),
        (('speed_of_sound',), -3, 'speed_of_sound: must be positive'),
        (('speed_of_sound',), 'fast', 'speed_of_sound: must be finite numbers'),
        (('microphones',), [], 'microphones: must be a list'),
        (('microphones', 0), 3, 'microphones.0.: must hold names and values'),
        (('microphones', 0, 'channel'), None, 'microphones.0..channel: is missing'),
        (('microphones', 0, 'xyz'), [0, 1], 'microphones.0..xyz: must be a list of 3'),
        (('microphones', 0, 'channel'), 2, 'channels must be distinct'),
        (('microphones', 1, 'circle', 'radius'), 0, 'microphones.1..circle.radius: must be pos'),
        (('microphones', 1, 'circle', 'count'), None, 'microphones.1..circle.count: is missing'),
        (('microphones', 1, 'circle', 'direction'), 'left', 'direction: must be one of'),
    ],
)
def test_malformed_array_names_the_field(tmp_path, path, value, message):
    file = write(tmp_path, changed(ARRAY, path, value))
    with pytest.raises(InputError, match=message) as caught:
        load_microphones(file)
    assert str(file) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_room_upside_down_is_refused(tmp_path):
    file = write(tmp_path, changed(ARRAY, ('room', 'minimum'), [0, 0, 4]))
    with pytest.raises(InputError, match=r'room\.minimum: must be below'):
        load_room(file)


def test_obstacles_there_and_back(tmp_path):
    table = Box(np.array([0.5, -1, 0]), np.array([1.5, 1, 0.75]))
    room = Room(np.full(3, -2.0), np.full(3, 2.0), (table, table))
    path = tmp_path / 'array.yaml'
    save_microphones(path, MicrophoneArray(np.eye(3)), room=room)
    again = load_room(path)
    assert len(again.boxes) == 3
    for box, expected in zip(again.boxes, room.boxes, strict=True):
        np.testing.assert_array_equal(box.minimum, expected.minimum)
        np.testing.assert_array_equal(box.maximum, expected.maximum)


@pytest.mark.parametrize(
    ('obstacles', 'message'),
    [
        (3, 'room.obstacles: must be a list of boxes'),
        ([4], 'room.obstacles.0.: must hold names and values'),
        ([{'minimum': [0, 0, 0]}], 'room.obstacles.0..maximum: is missing'),
        ([{'minimum': [0, 0, 2], 'maximum': [1, 1, 1]}], 'obstacles.0..minimum: must be below'),
    ],
)
def test_malformed_obstacles_name_the_field(tmp_path, obstacles, message):
    room = {'minimum': [-1, -1, -1], 'maximum': [1, 1, 1], 'obstacles': obstacles}
    file = write(tmp_path, changed(ARRAY, ('room',), room))
    with pytest.raises(InputError, match=message):
        load_room(file)


def test_temperature_sets_the_speed_of_sound(tmp_path):
    warm = {key: value for key, value in ARRAY.items() if key != 'speed_of_sound'}
    array = load_microphones(write(tmp_path, warm | {'temperature': 30}))
    assert array.speed_of_sound == pytest.approx(349.0, abs=0.1)
    with pytest.raises(InputError, match='temperature: 80 degrees Celsius is no temperature'):
        load_microphones(write(tmp_path, warm | {'temperature': 80}))
    both = warm | {'temperature': 30, 'speed_of_sound': 349}
    with pytest.raises(InputError, match='temperature: speed_of_sound is given too'):
        load_microphones(write(tmp_path, both))


@pytest.mark.parametrize(
    'load', [load_camera, load_microphones, load_room, partial(load_mounting, sensor='array')]
)
def test_files_that_cannot_be_read(tmp_path, load):
    with pytest.raises(InputError, match='cannot be read'):
        load(tmp_path / 'absent.yaml')
    with pytest.raises(InputError, match='is not YAML'):
        load(write(tmp_path, 'a: [1, 2\nb: {'))
    with pytest.raises(InputError, match='must hold names and values'):
        load(write(tmp_path, 'just text'))


@pytest.mark.parametrize(
    ('file', 'count', 'aperture'),
    [
        ('av163_arrays.yaml', 16, 1.0),
        ('respeaker_4mic.yaml', 4, 0.081),
        ('respeaker_6mic_circular.yaml', 6, 0.0926),
        ('minidsp_uma8.yaml', 7, 0.086),
        ('minidsp_uma16.yaml', 16, 0.126 * np.sqrt(2)),
        ('cav3d_array.yaml', 8, 0.2),
    ],
)
def test_shipped_arrays(file, count, aperture):
    array = load_microphones(SHIPPED / file)
    assert array.name == Path(file).stem.removesuffix('_arrays').removesuffix('_array')
    assert array.channels.tolist() == list(range(count))
    differences = array.positions[:, None] - array.positions[None]
    distances = np.linalg.norm(differences, axis=-1)
    assert distances.max() == pytest.approx(aperture, abs=1e-3)
    assert distances[~np.eye(count, dtype=bool)].min() > 0.03
    assert 'source' in yaml.safe_load((SHIPPED / file).read_text())


def test_arrays_of_av163_are_two_circles():
    array = load_microphones(SHIPPED / 'av163_arrays.yaml')
    angles = np.deg2rad(180 + 45 * np.arange(8))
    ring = 0.1 * np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], axis=-1)
    offset = np.array([0, 0.4, 0])
    expected = np.concatenate([ring + offset, ring - offset])
    np.testing.assert_allclose(array.positions, expected, atol=1e-5)
    assert len(array.pairs()) == 56
    assert len(array.pairs(across=True)) == 120
    room = load_room(SHIPPED / 'av163_arrays.yaml')
    assert room.contains(np.array([0.5, 1.0, 0.5]))
    assert not room.contains(np.array([0.5, 1.0, -0.5]))


def test_microphone_grid_of_the_uma16():
    array = load_microphones(SHIPPED / 'minidsp_uma16.yaml')
    steps = np.round((array.positions[:, :2] + 0.063) / 0.042).astype(int)
    np.testing.assert_allclose(steps * 0.042 - 0.063, array.positions[:, :2], atol=1e-12)
    assert len({tuple(step) for step in steps.tolist()}) == 16
