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

"""Calibrations and truths of AV16.3."""

import shutil

import mini_corpus
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_corpus import NAME, RIGID, Calibration
from scipy.io import savemat

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.head import mouth_pixel
from av_tracker_nodes.research.datasets import av163_truth as truth
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.av163_calibration import read_camera
from av_tracker_nodes.research.datasets.av163_truth import TimedValues
from av_tracker_nodes.research.datasets.person_truth import person_truth


@pytest.fixture(scope='module')
def calibration(av163):
    return av163 / 'session10'


@given(st.integers(1, 3), st.floats(-0.4, 0.8), st.floats(-0.4, 0.6), st.floats(0.0, 0.6))
@settings(max_examples=60)
def test_projection_agrees_with_the_published_equations(calibration, number, x, y, z):
    camera = read_camera(calibration, number)
    expected = mini_corpus.project(Calibration(number), np.array([x, y, z]))
    np.testing.assert_allclose(camera.project(np.array([x, y, z])), expected - 1, atol=1e-6)


@given(st.integers(1, 3), st.floats(20, 339), st.floats(20, 267), st.floats(0.5, 5))
@settings(max_examples=60)
def test_back_projection_agrees_with_the_published_equations(calibration, number, u, v, depth):
    camera = read_camera(calibration, number)
    # Their 20 steps of the fixed point, run to the end.
    expected = mini_corpus.back_project(Calibration(number), (u + 1, v + 1), depth, steps=200)
    found = camera.back_project(np.array([u, v]), depth)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_twenty_published_steps_are_close_in_the_middle(calibration):
    camera = read_camera(calibration, 2)
    expected = mini_corpus.back_project(Calibration(2), (241, 181), 2.0)
    np.testing.assert_allclose(camera.back_project(np.array([240.0, 180]), 2.0), expected, 1e-6)


def test_principal_point_counts_from_zero(calibration):
    camera = read_camera(calibration, 1)
    assert (camera.cx, camera.cy) == (181.0, 141.5)
    np.testing.assert_allclose(camera.distortion, [-0.31, 0.12, 0.0011, -0.0017, 0])
    assert camera.skew == pytest.approx(0.0013)


def test_camera_centres_are_in_the_world(calibration):
    np.testing.assert_allclose(read_camera(calibration, 1).centre, [-1.57, 2.01, 1.43], atol=1e-9)


@pytest.mark.parametrize('scale', [-2.5, 0.01])
def test_scale_of_p_does_not_matter(tmp_path, calibration, scale):
    mini_corpus.write_calibration(tmp_path, scale)
    first, second = read_camera(calibration, 3), read_camera(tmp_path, 3)
    np.testing.assert_allclose(first.pose.rotation, second.pose.rotation, atol=1e-9)
    np.testing.assert_allclose(first.pose.translation, second.pose.translation, atol=1e-9)


def test_struct_form_is_the_same(tmp_path, calibration):
    mini_corpus.write_calibration_structs(tmp_path)
    for number in (1, 2, 3):
        first, second = read_camera(calibration, number), read_camera(tmp_path, number)
        pixels = np.array([[10.0, 20], [300, 200]])
        np.testing.assert_allclose(
            first.back_project(pixels, 2.0), second.back_project(pixels, 2.0), atol=1e-9
        )


@pytest.mark.parametrize('form', ['plain matrix', 'text'])
def test_rigid_in_other_forms(tmp_path, calibration, form):
    copy = shutil.copytree(calibration, tmp_path / 'CAM')
    if form == 'text':
        np.savetxt(copy / 'rigid010203.mat', RIGID, fmt='%.17g')
    else:
        savemat(copy / 'rigid010203.mat', {'align': RIGID})
    np.testing.assert_allclose(read_camera(copy, 1).centre, read_camera(calibration, 1).centre)


def test_rad_file_without_skew(tmp_path, calibration):
    copy = shutil.copytree(calibration, tmp_path / 'CAM')
    lines = (copy / 'cam1.rad').read_text().splitlines()
    (copy / 'cam1.rad').write_text('\n'.join(lines[:14]) + '\n')
    assert read_camera(copy, 1).skew == 0


def test_p_and_k_of_different_calibrations(tmp_path, calibration):
    copy = shutil.copytree(calibration, tmp_path / 'CAM')
    text = (copy / 'cam1.rad').read_text()
    (copy / 'cam1.rad').write_text(text.replace('K11 = 311', 'K11 = 411'))
    with pytest.raises(InputError, match='K\\^-1 P of camera 1 is not a rotation'):
        read_camera(copy, 1)


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('cam1.rad', 'K11 = 1\n', 'not a .rad file'),
        ('camera1.Pmat.cal', '1 2 3\n', 'not a 3 x 4 table'),
        ('camera1.Pmat.cal', 'one two\n', 'not a table of numbers'),
        ('rigid010203.mat', '1 2\n3 4\n' * 9, 'not a 4 x 4 table'),
        ('rigid010203.mat', '1 2', 'not a 4 x 4 table'),
    ],
)
def test_malformed_files(tmp_path, calibration, name, text, message):
    copy = shutil.copytree(calibration, tmp_path / 'CAM')
    (copy / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_camera(copy, 1)


def test_each_session_has_its_calibration(corpus):
    # seq24 is of session 10: neither session 08 nor the calibration for all may be taken.
    for other in ('session08', 'CAM'):
        (corpus / other).mkdir()
        (corpus / other / 'camera1.Pmat.cal').write_text('wrong')
    assert Av163(corpus).sequence('seq24').camera(1).fx == 311


def test_one_calibration_for_all_is_used_with_a_warning(corpus, caplog):
    (corpus / 'session10').rename(corpus / 'CAM')
    assert Av163(corpus).sequence('seq24').camera(1).fx == 311
    assert 'no calibration of its session 10' in caplog.text


def test_session_shift(corpus):
    before = Av163(corpus).sequence('seq24').camera(2)
    shifts = np.zeros((1, 3), dtype=[('delta_x', object), ('delta_y', object)])
    for index in range(3):
        shifts[0, index] = (1.5 * index, -2.0)
    savemat(corpus / 'session10_shift.mat', {'shift': {'cam': shifts}})
    after = Av163(corpus).sequence(NAME).camera(2)
    point = np.array([0.3, 0.1, 0.3])
    np.testing.assert_allclose(after.project(point) - before.project(point), [1.5, -2.0])


# ---- truths


def test_sparse_rows_are_selected_by_time():
    # Two annotated stretches with a pause of a second: rows are not frames.
    times = np.array([10.0, 10.04, 10.08, 11.08, 11.12])
    values = TimedValues(times, np.array([[0.0], [1], [2], [7], [8]]))
    asked = np.array([10.02, 10.04, 10.6, 11.07, 11.1, 9.99, 9.97, 11.13, 11.15, 10.09, 10.11])
    expected = [0.5, 1, np.nan, 7, 7.5, 0, np.nan, 8, np.nan, 2, np.nan]
    np.testing.assert_allclose(values.at(asked)[:, 0], expected)


def test_no_rows_know_nothing():
    assert np.isnan(TimedValues(np.zeros(0), np.zeros((0, 3))).at([1.0])).all()


def test_columns_of_mouthgt(tmp_path):
    path = tmp_path / 'a.3dmouthgt'
    path.write_text('10.04 3 1 2 3\n\n10.00 3 4 5 6\n')
    mouth = truth.read_mouth(path)
    np.testing.assert_array_equal(mouth.times, [10.0, 10.04])
    np.testing.assert_array_equal(mouth.values, [[4, 5, 6], [1, 2, 3]])


def test_image_mouth_counts_from_zero(corpus):
    path = corpus / NAME / f'{NAME}-cam2-person1-interpolated-reprojected.mouthgt'
    path.write_text('270 9 1 101.5 51\n271 9 0 400 51\n')
    points = Av163(corpus).sequence('seq24').image_mouth(1, 2)
    assert points.frame.tolist() == [269, 270]
    assert points.visible.tolist() == [True, False]
    np.testing.assert_allclose(points.pixel[0], [100.5, 50])
    assert Av163(corpus).sequence('seq24').image_mouth(2, 2) is None


def test_only_the_corner_of_a_box_counts_from_one(corpus):
    (corpus / NAME / f'{NAME}_cam1-person2_GT2D.txt').write_text('10 20 30 40\n11 21 30 40\n')
    boxes = Av163(corpus).sequence('seq24').boxes(2, 1)
    np.testing.assert_array_equal(boxes, [[9, 19, 30, 40], [10, 20, 30, 40]])
    assert Av163(corpus).sequence('seq24').boxes(1, 1) is None


def test_speech_and_head_pose(corpus):
    folder = corpus / NAME
    (folder / f'{NAME}-person1.speech').write_text('10.5 11.25\n12 13\n')
    (folder / f'{NAME}-person1.pose').write_text('10 0.5 0 0\n10.04 0.6 0 0\n')
    sequence = Av163(corpus).sequence('seq24')
    np.testing.assert_array_equal(sequence.speech(1), [[10.5, 11.25], [12, 13]])
    np.testing.assert_allclose(sequence.head_pose(1).at([10.02]), [[0.55, 0, 0]])
    assert sequence.speech(2) is None
    assert sequence.head_pose(2) is None


def test_within_includes_starts_and_not_ends():
    segments = np.array([[1.0, 2.0], [3.0, 4.0]])
    times = np.array([0.9, 1.0, 1.9, 2.0, 3.5, 4.0])
    assert truth.within(times, segments).tolist() == [False, True, True, False, True, False]


STATIC = {
    'p3d': np.array([[0.0, 1], [0.5, 2], [0.3, 0.4]]),
    'sp_seg': np.array([[5.0, 8], [6, 9]]),
    'pos_ind': np.array([[2, 1]]),
}


def test_static_segments_count_from_the_audio_without_other_evidence(corpus):
    folder = corpus / NAME
    savemat(folder / f'{NAME}_gt.mat', {'static_gt': STATIC})
    (folder / f'{NAME}-person1-interpolated.3dmouthgt').unlink()
    sequence = Av163(corpus).sequence('seq24')
    np.testing.assert_allclose(sequence.speech(1), [[15, 16], [18, 19]])
    mouth = sequence.mouth(1).at(np.array([15.5, 18.5, 17]))
    np.testing.assert_allclose(mouth, [[1, 2, 0.4], [0, 0.5, 0.3], [np.nan] * 3])


@pytest.mark.parametrize('offset', [0, 10])
def test_annotations_tell_from_where_static_segments_count(tmp_path, offset):
    savemat(tmp_path / 'gt.mat', {'static_gt': STATIC})
    times = np.concatenate([np.arange(5, 6, 0.04), np.arange(8, 9, 0.04)]) + offset
    mouth = TimedValues(times, np.zeros((len(times), 3)))
    _, speech = truth.read_static(tmp_path / 'gt.mat', mouth)
    np.testing.assert_allclose(speech, np.array([[5, 6], [8, 9]]) + offset)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1 2 x\n', 'line 1: not numbers'),
        ('1 2 3 4\n', 'line 1: 4 numbers, at least 5'),
        ('1 2 3 4 5\n2 2 inf 4 5\n', 'line 2: infinite numbers'),
        ('nan 2 3 4 5\n', 'line 1: numbers are missing'),
        ('1 2 3 4 5\n2 2 3 4 5 6\n', 'line 2: 6 numbers, those above have 5'),
    ],
)
def test_malformed_truth(tmp_path, text, message):
    path = tmp_path / 'bad.3dmouthgt'
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        truth.read_mouth(path)


@pytest.fixture
def folder(corpus):
    return corpus / NAME


def read(corpus, person=1, camera=2):
    return person_truth(Av163(corpus).sequence('seq24'), person, camera)


def test_box_is_synthesised_at_the_mouth(corpus):
    truth = read(corpus)
    stamps = Av163(corpus).sequence('seq24').image_stamps(2) / 1e9
    for frame in (0, 17, 29):
        mouth = mini_corpus.mouth(1, stamps[frame])
        np.testing.assert_allclose(truth.mouth[frame], mouth, atol=2e-6)
        # A quarter of the height from the bottom; perspective bends that by less than a pixel.
        pixel = mini_corpus.project(mini_corpus.Calibration(2), mouth) - 1
        np.testing.assert_allclose(mouth_pixel(truth.box[frame]), pixel, atol=1)
    assert truth.visible.all()
    assert truth.speaking is None
    assert truth.away is None


def test_annotated_mouth_moves_the_box_and_tells_visibility(corpus, folder):
    before = read(corpus).box
    projected = Av163(corpus).sequence('seq24').camera(2).project(read(corpus).mouth)
    rows = [
        f'{frame + 1} 0 1 {projected[frame, 0] + 1 + 2.5:.6f} {projected[frame, 1] + 1 - 1.5:.6f}'
        for frame in range(10)
    ]
    rows += [f'{frame + 1} 0 0 0 0' for frame in range(10, 20)]
    rows += ['9999 0 1 5 5']
    path = folder / f'{NAME}-cam2-person1-interpolated-reprojected.mouthgt'
    path.write_text('\n'.join(rows))
    truth = read(corpus)
    np.testing.assert_allclose(truth.box[:10] - before[:10], [[2.5, -1.5, 0, 0]] * 10, atol=1e-5)
    np.testing.assert_allclose(truth.box[10:], before[10:])
    assert truth.visible.tolist() == [True] * 10 + [False] * 10 + [True] * 10


def test_labelled_boxes_win(corpus, folder):
    (folder / f'{NAME}_cam2-person1_GT2D.txt').write_text('101 51 20 30\n0 0 0 0\n' * 10)
    truth = read(corpus)
    np.testing.assert_array_equal(truth.box[0], [100, 50, 20, 30])
    assert truth.visible.tolist() == [True, False] * 10 + [False] * 10
    assert not np.isnan(truth.mouth).any()


@pytest.mark.parametrize('turn', [0, 60, 120, -90, 180])
def test_angle_from_the_camera(corpus, folder, turn):
    # Yaw is about world z, 0 along world x; the camera is above the level of the face.
    to_camera = np.array([-1.57, -2.32, 1.19]) - mini_corpus.mouth(1, 9.72)
    yaw = np.arctan2(to_camera[1], to_camera[0]) + np.deg2rad(turn)
    elevation = np.arctan2(to_camera[2], np.hypot(*to_camera[:2]))
    (folder / f'{NAME}-person1.pose').write_text(f'9.72 {yaw} 0 0\n')
    away = read(corpus).away
    assert np.cos(away[0]) == pytest.approx(np.cos(np.deg2rad(turn)) * np.cos(elevation))
    assert np.isnan(away[5])


def test_positive_pitch_looks_down(corpus, folder):
    to_camera = np.array([-1.57, -2.32, 1.19]) - mini_corpus.mouth(1, 9.72)
    yaw = np.arctan2(to_camera[1], to_camera[0])
    elevation = np.arctan2(to_camera[2], np.hypot(*to_camera[:2]))
    (folder / f'{NAME}-person1.pose').write_text(f'9.72 {yaw} {-elevation} 0\n')
    assert read(corpus).away[0] == pytest.approx(0, abs=1e-3)
