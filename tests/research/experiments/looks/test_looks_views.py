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

"""What is counted of the views of one person."""

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.experiments.looks.views import CONDITIONS, Eyes
from av_tracker_nodes.research.simulation.studio import View
from av_tracker_nodes.types import Detection, DetectionFrame, Face, FaceFrame, Modality

CAMERA = Camera(340.0, 340.0, 112.0, 67.0, (224, 224))
MOUTH = np.array([0.0, 0.0, 2.0])
HEIGHT = 0.19 / 0.20 * 34


class Stage:
    """Finds given faces in one picture after the other."""

    def __init__(self, faces):
        self._faces = iter(faces)

    def reset(self):
        pass

    def process(self, frame):
        faces = next(self._faces)
        return FaceFrame(frame.stamp, frame.image.shape[1::-1], tuple(faces))


class Fusion:
    """Takes faces of given scores for people."""

    measure = 'vggcf'

    def __init__(self, least):
        self._least = least

    def reset(self):
        pass

    def process(self, faces, sound, rig, image):
        assert not sound.is_heard
        assert rig.camera.size == image.shape[1::-1]
        people = [
            Detection(MOUTH, np.eye(3), Modality.VISUAL, tracklet=face.tracklet)
            for face in faces.faces
            if face.score >= self._least
        ]
        return DetectionFrame(faces.stamp, tuple(people))


def view():
    return View(np.full((224, 224, 3), 128, np.uint8), CAMERA, MOUTH, 1.0)


def face(score, size=1.0, across=0.0, tracklet=1):
    height = size * HEIGHT
    box = [112 + across - 0.4 * height, 67 - 0.75 * height, 0.8 * height, height]
    return Face(np.array(box), score, tracklet=tracklet)


def test_faces_at_the_mouth_are_found_and_those_that_fusion_keeps_are_kept():
    elsewhere = face(0.95, across=60, tracklet=2)
    pictures = [
        [face(0.9)],
        [face(0.7, size=1.1), elsewhere],
        [face(0.5, size=0.9), elsewhere],
        [elsewhere],
        [],
    ]
    seen = Eyes(Stage(pictures), Fusion(least=0.6)).look([view() for _ in pictures])
    assert (seen.views, seen.found, seen.kept) == (5, 3, 2)
    assert seen.score == pytest.approx(0.7)
    assert seen.size_error == pytest.approx(0.0)


@pytest.mark.parametrize(('size', 'head_scale', 'error'), [(1.2, 1.0, 0.2), (1.2, 1.2, 0.0)])
def test_boxes_are_compared_with_the_true_size_of_the_head(size, head_scale, error):
    views = [replace(view(), head_scale=head_scale)]
    seen = Eyes(Stage([[face(0.9, size)]]), Fusion(0.6)).look(views)
    assert seen.size_error == pytest.approx(error)


def test_of_a_person_who_is_never_found_scores_and_sizes_are_unknown():
    seen = Eyes(Stage([[], []]), Fusion(0.6)).look([view(), view()])
    assert (seen.views, seen.found, seen.kept) == (2, 0, 0)
    assert np.isnan([seen.score, seen.size_error]).all()


def test_clear_pictures_are_left_and_poor_ones_are_small_dim_and_noisy():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(CONDITIONS['clear'].see(view(), rng).picture, view().picture)
    poor = [CONDITIONS['poor'].see(view(), rng) for _ in range(8)]
    for each in poor:
        assert each.face_height == pytest.approx(16, abs=0.2)
        assert each.picture.shape == (*each.camera.size[::-1], 3)
        assert each.picture.mean() < 0.8 * 128
        assert each.picture.std() > 2
        share = (each.camera.project(MOUTH) + 0.5) / each.camera.size
        np.testing.assert_allclose(share, (CAMERA.project(MOUTH) + 0.5) / CAMERA.size)
