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

"""Copies of AV16.3 that authors of trackers have re-arranged."""

import shutil

import cv2
import mini_corpus
import numpy as np
import pytest
from mini_corpus import NAME, Calibration
from scipy.io import savemat

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.av163_arrays import table_microphones
from av_tracker_nodes.research.datasets.av163_calibration import has_calibration, read_camera


@pytest.mark.parametrize(
    ('folder', 'name'), [('{n}_cam1_jpg/img', '{:04d}.jpg'), ('C1', 'img{:04d}.png')]
)
def test_pictures_stand_for_a_missing_video(corpus, folder, name):
    sequence = corpus / NAME
    (sequence / f'{NAME}_cam1_divx_audio.avi').unlink()
    pictures = sequence / folder.format(n=NAME)
    pictures.mkdir(parents=True)
    for index in range(mini_corpus.FRAMES):
        path = pictures / name.format(index + 1)
        cv2.imwrite(str(path), mini_corpus.picture(1, index))
    frames = list(Av163(corpus).sequence('seq24').frames(1))
    assert len(frames) == mini_corpus.FRAMES
    assert frames[12].stamp == 10_840_000_000 + 12 * 40_000_000
    assert abs(frames[12].image.mean() - mini_corpus.picture(1, 12).mean()) < 2


def test_the_video_is_preferred(corpus):
    pictures = corpus / NAME / 'C1'
    pictures.mkdir()
    cv2.imwrite(str(pictures / 'img0001.png'), np.zeros((288, 360, 3), np.uint8))
    assert len(list(Av163(corpus).sequence('seq24').frames(1))) == mini_corpus.FRAMES


def test_an_empty_folder_of_pictures(corpus):
    (corpus / NAME / f'{NAME}_cam1_divx_audio.avi').unlink()
    (corpus / NAME / 'C1').mkdir()
    with pytest.raises(InputError, match='no pictures in'):
        next(Av163(corpus).sequence('seq24').frames(1))


def prepare(folder, number, rows):
    savemat(folder / f'{NAME}-person{number}_myDataGT3D.mat', {'DataGT3D': rows})
    (folder / f'{NAME}-person{number}-interpolated.3dmouthgt').unlink()


def test_prepared_truth_names_frames(corpus):
    # Camera 1 starts at 10.84 s: its frame 11 is taken at 11.24 s, whatever column 1 says.
    rows = np.array(
        [[0.0, 1, 2, 3, 11, 39, 1], [0.04, 2, 3, 4, 12, 40, 2], [0.1, 9, 9, 9, 0, 1, 1]]
    )
    prepare(corpus / NAME, 1, rows)
    mouth = Av163(corpus).sequence('seq24').mouth(1)
    np.testing.assert_allclose(mouth.times, [11.24, 11.28])
    np.testing.assert_allclose(mouth.at([11.26]), [[1.5, 2.5, 3.5]])


@pytest.mark.parametrize(
    ('content', 'message'),
    [({'other': 1}, 'has no DataGT3D'), ({'DataGT3D': np.ones((3, 4))}, '4 columns instead of 7')],
)
def test_malformed_prepared_truth(corpus, content, message):
    prepare(corpus / NAME, 2, np.zeros((1, 7)))
    savemat(corpus / NAME / f'{NAME}-person2_myDataGT3D.mat', content)
    with pytest.raises(InputError, match=message):
        Av163(corpus).sequence('seq24').mouth(2)


def test_calibration_as_av3t_keeps_it(corpus, tmp_path):
    folder = shutil.copytree(corpus / 'session10', tmp_path / 'CAM')
    for number in (1, 2, 3):
        (folder / f'camera{number}.Pmat.cal').unlink()
        savemat(folder / f'P{number}.mat', {'P': Calibration(number).P})
    (folder / 'rigid010203.mat').unlink()
    np.savetxt(folder / 'align010203.mat', mini_corpus.RIGID, fmt='%.17g')
    assert has_calibration(folder)
    first, second = read_camera(corpus / 'session10', 2), read_camera(folder, 2)
    point = np.array([0.4, 0.1, 0.3])
    np.testing.assert_allclose(first.project(point), second.project(point), atol=1e-9)
    savemat(folder / 'P2.mat', {'P': np.eye(3)})
    with pytest.raises(InputError, match='no 3 x 4 matrix P'):
        read_camera(folder, 2)


def test_microphones_as_av3t_keeps_them(corpus):
    moved = table_microphones() + 0.002
    for array in (1, 2):
        part = moved[8 * array - 8 : 8 * array]
        savemat(corpus / f'MA{array}_pos.mat', {'Mic_pos': part.T})
    np.testing.assert_allclose(Av163(corpus).sequence('seq24').microphones.positions, moved)
    savemat(corpus / 'MA2_pos.mat', {'Mic_pos': np.zeros((3, 4))})
    with pytest.raises(InputError, match='no 3 x 8 matrix Mic_pos'):
        _ = Av163(corpus).sequence('seq24').microphones
