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

import json

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, wavfile

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163 import Av163, open_sequence
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation import simulate as simulation
from av_tracker_nodes.research.simulation.writer import (
    WORLD_FROM_VIDEO,
    timecode,
    video_path,
    write_audio,
    write_calibration,
    write_truth,
    write_video,
)


@pytest.fixture(scope='module')
def written(tmp_path_factory, short_scene):
    root = tmp_path_factory.mktemp('corpus')
    folder = root / short_scene.name
    folder.mkdir()
    write_calibration(root)
    write_truth(folder, short_scene)
    sound = np.random.default_rng(0).uniform(-0.99, 0.99, (8000, 16)).astype(np.float32)
    write_audio(folder, short_scene.name, sound, 16000)
    return folder, sound


def project_as_the_corpus(root, number: int, world: np.ndarray) -> np.ndarray:
    """World to 1-based pixels by the published equations, from the files alone."""
    projection = np.loadtxt(root / 'CAM' / f'camera{number}.Pmat.cal')
    lines = (root / 'CAM' / f'cam{number}.rad').read_text().splitlines()
    K = np.array([float(line[6:]) for line in lines[:9]]).reshape(3, 3)
    k1, k2, k3, k4 = (float(line[6:]) for line in lines[10:14])
    alpha = float(lines[15][10:])
    align = loadmat(root / 'CAM' / 'rigid010203.mat')['rigid'][0][0][1]
    homogeneous = np.column_stack([world, np.ones(len(world))])
    linear = projection @ np.linalg.inv(align) @ homogeneous.T
    x, y, w = np.linalg.inv(K) @ linear
    x, y = x / w, y / w
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2
    xd = x * radial + 2 * k3 * x * y + k4 * (r2 + 2 * x**2)
    yd = y * radial + k3 * (r2 + 2 * y**2) + 2 * k4 * x * y
    xd = xd + alpha * yd
    return np.column_stack([K[0, 0] * xd + K[0, 2], K[1, 1] * yd + K[1, 2]])


def test_calibration_files_follow_the_published_equations(written):
    root = written[0].parent
    world = np.random.default_rng(1).uniform([0.6, -1, 0.4], [1.4, 1.2, 1.0], (50, 3))
    for number, camera in enumerate(meeting_room.cameras(), 1):
        pixels = project_as_the_corpus(root, number, world)
        np.testing.assert_allclose(pixels, camera.project(world) + 1, atol=1e-6)


def test_calibration_is_in_a_frame_of_its_own(written):
    align = loadmat(written[0].parent / 'CAM' / 'rigid010203.mat')['rigid'][0][0]['Pmat']
    np.testing.assert_allclose(align[:3, :3] @ align[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.norm(align - np.eye(4)) > 0.5


def test_global_geometry_has_microphones_in_the_eighth_field(written):
    gt = loadmat(written[0].parent / 'gt.mat')['gt'][0][0]
    np.testing.assert_allclose(gt[7], meeting_room.microphones().positions.T)
    np.testing.assert_allclose(gt['cam_pos'][:, 0], [-1.57, 2.01, 1.43])
    assert gt['p3d'].shape[0] == 3
    np.testing.assert_allclose(gt['mic_pos'][:, 9], [-0.07071, -0.47071, 0], atol=1e-5)


def test_reader_finds_what_was_written(written, short_scene):
    folder, sound = written
    sequence = open_sequence(folder)
    assert sequence.simulated
    assert sequence.people == (1, 2)
    np.testing.assert_allclose(sequence.audio(), sound, atol=0.51 / 32768)
    told = meeting_room.cameras()
    for index in range(3):
        lag = sequence.audio_lag(index + 1)
        assert lag == pytest.approx(short_scene.video_starts[index], abs=1e-9)
        stamps = sequence.image_stamps(index + 1)
        assert len(stamps) == len(short_scene.frame_times(index))
        probe = np.array([[1.0, 0.2, 0.8]])
        np.testing.assert_allclose(
            sequence.camera(index + 1).project(probe), told[index].project(probe), atol=1e-6
        )


def test_truth_is_where_the_mouth_was(written, short_scene):
    sequence = open_sequence(written[0])
    for number, person in enumerate(short_scene.people, 1):
        times = np.arange(0, short_scene.duration, 0.1)
        there = person.at(times, person.mouth)
        np.testing.assert_allclose(sequence.mouth(number).at(times + 10), there, atol=2e-3)
        np.testing.assert_allclose(
            sequence.head_pose(number).at(times + 10),
            person.at(times, person.orientation),
            atol=0.02,
        )
        np.testing.assert_allclose(
            sequence.speech(number), np.array(person.segments) + 10, atol=1e-3
        )
        for index, camera in enumerate(short_scene.cameras):
            seen = sequence.image_mouth(number, index + 1)
            truly = person.at(short_scene.frame_times(index), person.mouth)
            np.testing.assert_allclose(seen.pixel, camera.project(truly), atol=1e-3)
            np.testing.assert_array_equal(seen.visible, camera.contains(seen.pixel))
            assert seen.frame[0] == 0


def test_microphone_files_are_mono_16_bit(written, short_scene):
    rate, samples = wavfile.read(written[0] / f'{short_scene.name}_array2_mic3.wav')
    assert (rate, samples.dtype, samples.ndim) == (16000, np.int16, 1)
    np.testing.assert_allclose(samples, written[1][:, 10] * 32768, atol=0.51)


def test_summary_says_simulated(written):
    summary = json.loads((written[0] / 'scenario.json').read_text())
    assert summary['simulated'] is True
    assert summary['scenario'] == 'two_crossing'
    assert summary['seed'] == 5


def test_video_keeps_the_picture(tmp_path):
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 255, (36, 45, 3), np.uint8), (360, 288))
    path = video_path(tmp_path, 'seq', 1)
    write_video(path, (np.roll(scene, 2 * k, axis=1) for k in range(30)), (360, 288))
    assert path.name == 'seq_cam2_divx_audio.avi'
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == 25
    for k in range(30):
        there, frame = video.read()
        assert there
        error = frame.astype(float) - np.roll(scene, 2 * k, axis=1)
        assert 20 * np.log10(255 / error.std()) > 30
    assert not video.read()[0]


@pytest.mark.parametrize(
    ('seconds', 'expected'),
    [
        (10.0, '00:00:10.00'),
        (9.2, '00:00:09.05'),
        (16.64, '00:00:16.16'),
        (3723.96, '01:02:03.24'),
    ],
)
def test_timecode_counts_frames(seconds, expected):
    assert timecode(seconds) == expected


@pytest.mark.parametrize('name', ['CAM/cam2.rad', 'gt.mat'])
def test_calibration_of_other_recordings_is_left_alone(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b'calibration of a real corpus')
    with pytest.raises(InputError, match=f'{name} belongs to other recordings'):
        write_calibration(tmp_path)
    assert file.read_bytes() == b'calibration of a real corpus'
    assert [path for path in tmp_path.rglob('*') if path.is_file()] == [file]


def test_calibration_may_be_there_already_or_in_part(tmp_path):
    write_calibration(tmp_path)
    (tmp_path / 'CAM' / 'cam3.rad').unlink()
    write_calibration(tmp_path)
    assert (tmp_path / 'CAM' / 'cam3.rad').is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['CAM', 'gt.mat']


def test_a_folder_of_the_same_calibration_up_to_rounding_goes_on(tmp_path):
    write_calibration(tmp_path)
    file = tmp_path / 'CAM' / 'rigid010203.mat'
    content = bytearray(file.read_bytes())
    (align,) = (
        at
        for at in range(128, len(content) - 31, 8)
        if np.allclose(
            np.frombuffer(content, float, 3, at), WORLD_FROM_VIDEO.rotation[:, 0], atol=1e-9
        )
    )
    number = np.frombuffer(content, float, 1, align)[0]
    for change, is_same in ((2e-16, True), (1e-6, False)):
        content[align : align + 8] = np.float64(number + change).tobytes()
        file.write_bytes(content)
        if is_same:
            write_calibration(tmp_path)
        else:
            with pytest.raises(InputError, match='belongs to other recordings'):
                write_calibration(tmp_path)


@pytest.fixture
def short(monkeypatch, brief_scene):
    monkeypatch.setattr(simulation, 'build_scene', lambda name, seed: brief_scene)
    return brief_scene


@pytest.mark.thorough
def test_a_sequence_is_written_whole_and_replaces_an_older_one(short, tmp_path):
    older = tmp_path / short.name
    older.mkdir()
    (older / 'left_over').touch()
    seen = []
    folder = simulation.simulate('two_crossing', 5, tmp_path, lambda *step: seen.append(step))
    assert folder == older
    assert not (folder / 'left_over').exists()
    sequence = Av163(tmp_path).sequence(short.name)
    assert sequence.audio().shape == (round(16000 * short.duration), 16)
    for camera in (1, 2, 3):
        frames = list(sequence.frames(camera))
        assert [frame.stamp for frame in frames] == list(sequence.image_stamps(camera))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['CAM', 'gt.mat', short.name]


def test_nothing_is_left_when_rendering_fails(short, monkeypatch, tmp_path):
    def half(scene, folder, progress):
        (folder / f'{scene.name}_array1_mic1.wav').touch()
        raise MemoryError

    monkeypatch.setattr(simulation, '_record_in_parallel', half)
    with pytest.raises(MemoryError):
        simulation.simulate('two_crossing', 5, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['CAM', 'gt.mat']


def test_a_place_that_cannot_be_written_is_named(short, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match=f'cannot write to {tmp_path}/file'):
        simulation.simulate('two_crossing', 5, tmp_path / 'file')
