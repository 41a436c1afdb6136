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

"""The pose of the camera is found from places that were seen and heard."""

import numpy as np
import pytest
from board_pictures import CAMERA, picture
from click.testing import CliRunner
from scipy.spatial.transform import Rotation
from tiny_recording import make_rig

from av_tracker_nodes.calibration.boards import CharucoBoard
from av_tracker_nodes.calibration.extrinsics import Place, solve_extrinsics
from av_tracker_nodes.calibration.extrinsics_session import calibrate_extrinsics
from av_tracker_nodes.calibration.places import find_places, loudspeaker, person
from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_microphones,
    load_mounting,
    save_camera,
    save_microphones,
)
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.research.datasets.convert import convert_sequence
from av_tracker_nodes.research.simulation.simulate import simulate
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

OPTICAL = Rotation.from_euler('ZYX', [-80, 3, -85], degrees=True).as_matrix()
TRUTH = RigidTransform(OPTICAL, np.array([0.05, -0.03, 0.12]))
PERSON = {'scale_std': 0.07, 'range_std': 0.08}


def rotation_error(pose, truth=TRUTH):
    return np.rad2deg(Rotation.from_matrix((pose.inverse @ truth).rotation).magnitude())


def make_places(
    count, seed, truth=TRUTH, outliers=0, noise=1.0, view=32.0, error=0.05, range_tells=False
):
    """Places all over the picture, heard `noise` degrees beside on each axis; seen 6 % too far."""
    rng = np.random.default_rng(seed)
    right, down = np.deg2rad([rng.uniform(-view, view, count), rng.uniform(-18, 12, count)])
    rays = np.stack([np.tan(right), np.tan(down), np.ones(count)], axis=-1)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    ranges = rng.uniform(1.0, 3.5, count)
    places = truth @ (ranges[:, None] * rays)
    distances = np.linalg.norm(places, axis=1)
    heard = places / distances[:, None] + np.deg2rad(noise) * rng.standard_normal((count, 3))
    heard[:outliers] = rng.standard_normal((outliers, 3))
    heard *= distances[:, None] / np.linalg.norm(heard, axis=1, keepdims=True)
    seen = rays * (1.06 * ranges * np.exp(error * rng.standard_normal(count)))[:, None]
    std = 0.1 if range_tells else np.inf
    return [Place(s, h, std) for s, h in zip(seen, heard, strict=True)]


def solve(places, centre=(0, 0, 0), **known):
    return solve_extrinsics(places, np.array(centre, float), **PERSON, **known)


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_pose_is_recovered(seed):
    result = solve(make_places(20, seed))
    assert not result.is_outlier.any()
    assert rotation_error(result.array_from_camera) < 3.0
    offset = result.array_from_camera.translation - TRUTH.translation
    assert np.linalg.norm(offset) < 0.12
    assert (np.abs(offset) < 4 * result.translation_std).all()
    assert np.deg2rad(rotation_error(result.array_from_camera)) < 4 * result.rotation_std


@pytest.mark.parametrize('seed', [4, 5, 6])
def test_reflections_do_no_harm(seed):
    result = solve(make_places(20, seed, outliers=4))
    assert result.is_outlier[:4].sum() >= 3
    assert not result.is_outlier[4:].any()
    assert rotation_error(result.array_from_camera) < 4.0


def test_exact_directions_give_the_exact_pose():
    places = make_places(12, 7, noise=0.0, error=0.0)
    exact = [Place(place.seen / 1.06, place.heard) for place in places]
    result = solve(exact)
    assert result.rms < 1e-5
    assert rotation_error(result.array_from_camera) < 1e-3
    np.testing.assert_allclose(result.array_from_camera.translation, TRUTH.translation, atol=1e-4)


def test_a_measured_position_helps():
    places = make_places(6, 8)
    free = solve(places)
    known = solve(places, position=TRUTH.translation)
    assert known.rotation_std < free.rotation_std
    assert rotation_error(known.array_from_camera) < 2.0


def test_a_camera_far_from_the_array_that_looks_at_it():
    """A room: the array on a table, the camera on the wall, arrays that tell distances."""
    back = Rotation.from_euler('ZYX', [60, 0, -105], degrees=True).as_matrix()
    truth = RigidTransform(back, np.array([0.8, -1.6, 1.1]))
    places = make_places(24, 9, truth, range_tells=True)
    centre = np.array([0.1, 0.0, 0.0])
    result = solve(places)
    assert rotation_error(result.array_from_camera, truth) < 4.0
    moved = solve(places, centre)
    shift = moved.array_from_camera.translation - result.array_from_camera.translation
    np.testing.assert_allclose(shift, centre, atol=0.01)


def narrow():
    return [Place(p.seen * [1, 0.2, 1], p.heard) for p in make_places(12, 1, view=3.0)]


def in_a_line():
    """From the left to the right at one height and distance: roll and height stay open."""
    right = np.deg2rad(np.linspace(-30, 30, 6))
    seen = 2 * np.stack([np.sin(right), np.zeros(6), np.cos(right)], axis=-1)
    heard = RigidTransform(OPTICAL, np.array([0, 0, 1.0])) @ seen
    return list(map(Place, seen, heard))


@pytest.mark.parametrize(
    ('places', 'reason'),
    [
        (narrow(), 'lie in one direction'),
        (make_places(4, 1), '4 places were both seen and heard'),
        (make_places(12, 1, outliers=12), 'heard where they were not seen|do not fix'),
        (in_a_line(), 'do not fix'),
    ],
    ids=['all in one direction', 'too few', 'nothing fits', 'in a line'],
)
def test_places_that_fix_no_pose_are_refused(places, reason):
    with pytest.raises(InputError, match=reason):
        solve(places)


BOARD = CharucoBoard(5, 4, 0.06, 0.045)
OFFSET = np.array([0.15, 0.30, 0.02])
ARRAY = MicrophoneArray(
    0.05 * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1.0], [0, 0, -1]]),
    name='octahedron',
)


@pytest.fixture(scope='module')
def loudspeaker_bag(tmp_path_factory):
    """A loudspeaker with a board plays noise at nine places, each for a second."""
    path = tmp_path_factory.mktemp('loudspeaker') / 'bag'
    rng = np.random.default_rng(3)
    rate, seconds = ARRAY.rate, 1.2
    first = 0
    with BagWriter(path) as bag:
        bag.write_rig(Rig(CAMERA, ARRAY), to_nanoseconds(10.0))
        for index in range(9):
            angles = rng.uniform(-12, 12, 3)
            turn = Rotation.from_euler('xyz', angles, degrees=True).as_matrix()
            right, down = (index % 3 - 1) * 0.36, (index // 3 - 1) * 0.16 - 0.1
            depth = rng.uniform(1.1, 1.7)
            board = RigidTransform(turn, depth * np.array([right, down, 1.0]) - turn @ OFFSET / 2)
            source = TRUTH @ (board @ OFFSET)
            image = picture(BOARD, board, seed=index)
            sound = _noise_from(source, rng, round(seconds * rate))
            for block in range(0, len(sound), rate // 100):
                time = 10.0 + (first + block) / rate
                if block % (rate // 10) == 0:
                    frame = ImageFrame(to_nanoseconds(time), image)
                    bag.write_image(frame, CAMERA)
                samples = sound[block : block + rate // 100]
                bag.write_audio(AudioBlock(to_nanoseconds(time), first + block, rate, samples))
            first += len(sound)
    return path


def _noise_from(source, rng, count):
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / ARRAY.rate)
    delays = np.linalg.norm(ARRAY.positions - source, axis=1) / ARRAY.speed_of_sound
    shifted = spectrum * np.exp(-2j * np.pi * frequencies * delays[:, None])
    sound = 0.05 * np.fft.irfft(shifted, count)
    return np.float32(sound + 0.001 * rng.standard_normal(sound.shape)).T


@pytest.fixture
def files(tmp_path):
    save_camera(tmp_path / 'camera.yaml', CAMERA)
    save_microphones(tmp_path / 'array.yaml', ARRAY, frame='head_array')
    return tmp_path


@pytest.mark.thorough
def test_loudspeaker_with_a_board(loudspeaker_bag, files):
    lines = []
    result = calibrate_extrinsics(
        loudspeaker_bag,
        files / 'camera.yaml',
        files / 'array.yaml',
        files / 'out',
        echo=lines.append,
        board=BOARD,
        offset=tuple(OFFSET),
    )
    assert len(result.angles) >= 8
    assert rotation_error(result.array_from_camera) < 1.5
    assert np.linalg.norm(result.array_from_camera.translation - TRUTH.translation) < 0.06
    assert not result.is_outlier.any()
    assert any('places agree within' in line for line in lines)

    # What was written goes straight into launch.
    camera, array = files / 'out/camera.yaml', files / 'out/array.yaml'
    assert load_camera(camera).fx == pytest.approx(CAMERA.fx)
    assert load_microphones(array).positions == pytest.approx(ARRAY.positions)
    mountings = load_mounting(camera, 'camera'), load_mounting(array, 'array')
    assert [mounting.parent for mounting in mountings] == ['world', 'world']
    assert mountings[1].frame == 'head_array'
    specs = node_set({'camera_calibration': str(camera), 'array_calibration': str(array)})
    assert 'camera' in [spec.name for spec in specs]


def test_command(loudspeaker_bag, files):
    arguments = ['calibrate', 'extrinsics', loudspeaker_bag, '--camera', files / 'camera.yaml']
    arguments += ['--array', files / 'array.yaml', '--out', files / 'out', '--target', 'board']
    arguments += ['--squares', '5x4', '--square', '0.06', '--marker', '0.045', '--offset', *OFFSET]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert 'place  1: seen' in result.output
    assert f'camera_calibration:={files}/out/camera.yaml' in result.output


def test_images_of_another_size(loudspeaker_bag):
    camera = make_rig().camera
    with BagReader(loudspeaker_bag) as reader, pytest.raises(InputError, match='640 x 480'):
        find_places(reader.records(), loudspeaker(camera, BOARD, OFFSET), camera, ARRAY)


def test_a_pose_in_the_array_file_is_kept(files):
    tilted = RigidTransform.from_quaternion(np.array([0, 0, 1.2]), np.array([0, 0.6, 0, 0.8]))
    save_microphones(files / 'placed.yaml', ARRAY, 'head_array', parent='base', pose=tilted)
    assert load_mounting(files / 'placed.yaml', 'array').parent == 'base'


@pytest.mark.slow
def test_a_person_in_a_simulated_room(tmp_path):
    """Real detections: a person who stands at five places and talks there (training seed).

    The camera hangs 3 m from the table; five places at one height fix its pose only together with
    its position, measured 1 cm off.
    """
    sequence = simulate('static_single', 31, tmp_path)
    convert_sequence(tmp_path, sequence.name, 1, tmp_path / 'bag')
    with BagReader(tmp_path / 'bag') as reader:
        rig = reader.rig()
        target = person(rig.camera)
        places = find_places(reader.records(), target, rig.camera, rig.microphones, rig.room)
    truth = rig.camera_in_array.pose
    assert len(places) >= 5
    result = solve_extrinsics(
        places,
        rig.microphones.centre,
        scale_std=target.scale_std,
        range_std=target.range_std,
        position=truth.translation + 0.01,
    )
    assert rotation_error(result.array_from_camera, truth) < 3.0
    assert np.rad2deg(result.rms) < 2.0
