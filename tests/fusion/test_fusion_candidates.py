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

import cv2
import numpy as np
import pytest
from builders import make_sound
from test_fusion_learned import CAMERA, RIG, face, voice

from av_tracker_nodes.fusion.candidates import (
    CROP_SIDE,
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    PEAKS,
    SIGHT_FEATURES,
    SOUND_FEATURES,
    Candidate,
    Kind,
    candidate_arrays,
    find_candidates,
)
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import HeadMemory, remembered
from av_tracker_nodes.geometry.head import box_centre, face_box
from av_tracker_nodes.types import Detection, FaceFrame, FaceSound, Modality

MOUTH = np.array([0.2, 0.0, 2.0])
SECOND = 1_000_000_000


def sound(peaks=(), faces=(), values=None):
    values = np.zeros((96, 120), np.float32) if values is None else values
    return make_sound(peaks, faces, stamp=SECOND, values=values)


def arrays_of(candidates, heard, image=None):
    return candidate_arrays(candidates, heard, RIG, image)


def test_faces_come_first_then_voices_that_no_face_explains():
    heard = FaceSound(4, np.ones((12, 12), np.float32), 0.2, 0.1, MOUTH, 2.0, 0.1, 0.9)
    field = sound([voice(MOUTH), voice([-0.6, 0.1, 2.0])], [heard])
    faces = FaceFrame(SECOND, (360, 288), (face(MOUTH, 4),))
    candidates = find_candidates(faces, field, GeometricFusion().process(faces, field, RIG))
    assert [candidate.kind for candidate in candidates] == [Kind.FACE, Kind.VOICE]
    assert candidates[0].sound is heard
    assert candidates[1].face is None


def test_the_picture_of_a_candidate_is_centred_on_head_and_shoulders():
    image = np.zeros((288, 360, 3), np.uint8)
    box = face_box(CAMERA, MOUTH)
    centre = box_centre(box) + np.array([0, 0.25 * box[3]])
    cv2.circle(image, tuple(int(v) for v in centre.round()), 4, (255, 255, 255), -1)
    crop = arrays_of([remembered(MOUTH, RIG, 0.0)], sound(), image).crops[0]
    rows, columns = np.nonzero(crop[..., 0] > 128)
    assert abs(rows.mean() - CROP_SIZE / 2) < 1.5
    assert abs(columns.mean() - CROP_SIZE / 2) < 1.5
    reach = np.ptp(rows) + 1
    assert reach == pytest.approx(9 * CROP_SIZE / (CROP_SIDE * box[3]), abs=3)


def test_a_map_of_a_voice_is_the_global_map_over_its_box():
    columns = np.arange(120, dtype=np.float32)
    field = sound([voice(MOUTH)], values=np.tile(columns, (96, 1)))
    unseen = Candidate(Kind.VOICE, remembered(MOUTH, RIG, 0.0).base)
    values = columns.max() * arrays_of([unseen], field).maps[0]
    left, _, width, _ = face_box(CAMERA, MOUTH)
    expected = (left + width * (np.arange(MAP_SIZE) + 0.5) / MAP_SIZE + 0.5) / 3.0 - 0.5
    np.testing.assert_allclose(values, np.tile(expected, (MAP_SIZE, 1)), atol=0.05)


def test_peaks_are_told_by_how_far_they_are_from_the_line_of_sight():
    near, far = voice(MOUTH + np.array([0.2, 0, 0])), voice(MOUTH - [0.4, 0, 0])
    heard = arrays_of([remembered(MOUTH, RIG, 0.0)], sound([far, near])).sound[0]
    table = heard[-7 * PEAKS :].reshape(PEAKS, 7)
    assert table[:, 0].tolist() == [1, 1, 0]
    np.testing.assert_allclose(np.hypot(*table[:2, 1:3].T), [1, 2], rtol=0.05)
    assert not table[2].any()


def test_shapes_hold_without_anything():
    arrays = arrays_of([], sound(values=np.zeros((0, 0), np.float32)))
    assert arrays.crops.shape == (0, CROP_SIZE, CROP_SIZE, 3)
    assert arrays.sight.shape == (0, SIGHT_FEATURES)
    assert arrays.sound.shape == (0, SOUND_FEATURES)
    assert arrays.global_map.shape == GLOBAL_MAP_SIZE


def test_features_are_finite_for_a_voice_behind_the_camera():
    behind = remembered(np.array([0.1, 0.0, -2.0]), RIG, 0.0)
    unseen = Candidate(Kind.VOICE, Detection(behind.base.position, np.eye(3), Modality.AUDIO))
    image = np.zeros((288, 360, 3), np.uint8)
    arrays = arrays_of([unseen], sound([voice([0.1, 0.0, -2.0])]), image)
    assert np.isfinite(arrays.sight).all()
    assert np.isfinite(arrays.sound).all()
    assert not arrays.crops.any()


def seen(position, tracklet=0):
    return Detection(
        np.asarray(position, float), 0.01 * np.eye(3), Modality.VISUAL, tracklet=tracklet
    )


def test_a_head_that_lost_its_face_is_looked_for_where_it_was():
    memory = HeadMemory()
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH, tracklet=4))], RIG)
    (candidate,) = memory.candidates(SECOND + SECOND // 5, [], RIG)
    assert candidate.kind == Kind.MEMORY
    assert candidate.base.tracklet == 4
    assert candidate.unseen == pytest.approx(0.2)
    np.testing.assert_allclose(candidate.base.position, MOUTH)


def test_a_detected_face_needs_no_memory():
    memory = HeadMemory()
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH, tracklet=4))], RIG)
    moved = Candidate(Kind.FACE, seen(MOUTH + np.array([0.5, 0, 0]), tracklet=4))
    assert memory.candidates(SECOND + 1, [moved], RIG) == []
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH, tracklet=4))], RIG)
    another = Candidate(Kind.FACE, seen(MOUTH + np.array([0.05, 0, 0]), tracklet=5))
    assert memory.candidates(SECOND + 1, [another], RIG) == []


def test_a_head_that_stays_unseen_is_given_up_and_time_that_falls_back_forgets():
    memory = HeadMemory()
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH))], RIG)
    assert memory.candidates(2 * SECOND, [], RIG) == []
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH))], RIG)
    assert memory.candidates(0, [], RIG) == []


def test_how_long_a_head_is_looked_for_is_configured():
    memory = HeadMemory()
    for patience, known in ((1.5, 1), (0.5, 0)):
        memory.config = FusionConfig(head_patience=patience)
        memory.update(SECOND, [(Kind.FACE, seen(MOUTH))], RIG)
        assert len(memory.candidates(2 * SECOND, [], RIG)) == known
    memory.config = FusionConfig(head_patience=1.5, head_memory=0.5)
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH))], RIG)
    assert memory.candidates(2 * SECOND, [], RIG) == []


def test_time_unseen_runs_on_while_the_head_is_followed():
    memory = HeadMemory()
    memory.update(SECOND, [(Kind.FACE, seen(MOUTH))], RIG)
    memory.update(SECOND + SECOND // 4, [(Kind.MEMORY, seen(MOUTH + np.array([0.02, 0, 0])))], RIG)
    (candidate,) = memory.candidates(SECOND + SECOND // 2, [], RIG)
    assert candidate.unseen == pytest.approx(0.5)
    np.testing.assert_allclose(candidate.base.position, MOUTH + np.array([0.02, 0, 0]))


def test_heads_outside_the_picture_are_no_candidates():
    memory = HeadMemory()
    memory.update(SECOND, [(Kind.FACE, seen([2.0, 0.0, 2.0]))], RIG)
    assert memory.candidates(SECOND, [], RIG) == []
