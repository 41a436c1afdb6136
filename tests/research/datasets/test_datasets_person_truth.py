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

import mini_corpus
import numpy as np
import pytest
from mini_corpus import NAME

from av_tracker_nodes.geometry.head import mouth_pixel
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.person_truth import person_truth


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
