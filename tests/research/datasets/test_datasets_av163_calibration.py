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

import shutil

import mini_corpus
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_corpus import NAME, RIGID, Calibration
from scipy.io import savemat

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.av163_calibration import read_camera


@pytest.fixture(scope='module')
def folder(whole_corpus):
    return whole_corpus / 'session10'


@given(st.integers(1, 3), st.floats(-0.4, 0.8), st.floats(-0.4, 0.6), st.floats(0.0, 0.6))
@settings(max_examples=60)
def test_projection_agrees_with_the_published_equations(folder, number, x, y, z):
    camera = read_camera(folder, number)
    expected = mini_corpus.project(Calibration(number), np.array([x, y, z]))
    np.testing.assert_allclose(camera.project(np.array([x, y, z])), expected - 1, atol=1e-6)


@given(st.integers(1, 3), st.floats(20, 339), st.floats(20, 267), st.floats(0.5, 5))
@settings(max_examples=60)
def test_back_projection_agrees_with_the_published_equations(folder, number, u, v, depth):
    camera = read_camera(folder, number)
    # Their 20 steps of the fixed point, run to the end.
    expected = mini_corpus.back_project(Calibration(number), (u + 1, v + 1), depth, steps=200)
    found = camera.back_project(np.array([u, v]), depth)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_twenty_published_steps_are_close_in_the_middle(folder):
    camera = read_camera(folder, 2)
    expected = mini_corpus.back_project(Calibration(2), (241, 181), 2.0)
    np.testing.assert_allclose(camera.back_project(np.array([240.0, 180]), 2.0), expected, 1e-6)


def test_principal_point_counts_from_zero(folder):
    camera = read_camera(folder, 1)
    assert (camera.cx, camera.cy) == (181.0, 141.5)
    np.testing.assert_allclose(camera.distortion, [-0.31, 0.12, 0.0011, -0.0017, 0])
    assert camera.skew == pytest.approx(0.0013)


def test_camera_centres_are_in_the_world(folder):
    np.testing.assert_allclose(read_camera(folder, 1).centre, [-1.57, 2.01, 1.43], atol=1e-9)


@pytest.mark.parametrize('scale', [-2.5, 0.01])
def test_scale_of_p_does_not_matter(tmp_path, folder, scale):
    mini_corpus.write_calibration(tmp_path, scale)
    first, second = read_camera(folder, 3), read_camera(tmp_path, 3)
    np.testing.assert_allclose(first.pose.rotation, second.pose.rotation, atol=1e-9)
    np.testing.assert_allclose(first.pose.translation, second.pose.translation, atol=1e-9)


def test_struct_form_is_the_same(tmp_path, folder):
    mini_corpus.write_calibration_structs(tmp_path)
    for number in (1, 2, 3):
        first, second = read_camera(folder, number), read_camera(tmp_path, number)
        pixels = np.array([[10.0, 20], [300, 200]])
        np.testing.assert_allclose(
            first.back_project(pixels, 2.0), second.back_project(pixels, 2.0), atol=1e-9
        )


@pytest.mark.parametrize('form', ['plain matrix', 'text'])
def test_rigid_in_other_forms(tmp_path, folder, form):
    copy = shutil.copytree(folder, tmp_path / 'CAM')
    if form == 'text':
        np.savetxt(copy / 'rigid010203.mat', RIGID, fmt='%.17g')
    else:
        savemat(copy / 'rigid010203.mat', {'align': RIGID})
    np.testing.assert_allclose(read_camera(copy, 1).centre, read_camera(folder, 1).centre)


def test_rad_file_without_skew(tmp_path, folder):
    copy = shutil.copytree(folder, tmp_path / 'CAM')
    lines = (copy / 'cam1.rad').read_text().splitlines()
    (copy / 'cam1.rad').write_text('\n'.join(lines[:14]) + '\n')
    assert read_camera(copy, 1).skew == 0


def test_p_and_k_of_different_calibrations(tmp_path, folder):
    copy = shutil.copytree(folder, tmp_path / 'CAM')
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
def test_malformed_files(tmp_path, folder, name, text, message):
    copy = shutil.copytree(folder, tmp_path / 'CAM')
    (copy / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_camera(copy, 1)


def test_each_session_has_its_calibration(corpus):
    # seq24 is of session 10: neither session 08 nor the folder for all may be taken.
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
