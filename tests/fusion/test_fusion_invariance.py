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

"""Networks are told nothing of the rig: neither focal length, nor array, nor room."""

from dataclasses import replace

import numpy as np
import pytest
from builders import make_sound
from hypothesis import given
from hypothesis import strategies as st
from tiny_network import write_network

from av_tracker_nodes.fusion.candidates import PEAKS, Kind, candidate_arrays, find_candidates
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.fusion.head_memory import remembered
from av_tracker_nodes.fusion.learned import LearnedFusion
from av_tracker_nodes.fusion.network_session import NetworkSession
from av_tracker_nodes.fusion.search import guided_maps
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.types import AcousticPeak, Face, FaceFrame, FaceSound

FOCAL, SIZE = 400.0, (360, 288)
_ROWS, _COLUMNS = np.mgrid[:288, :360]
IMAGE = np.stack([_COLUMNS * 255 // 360, _ROWS * 255 // 288, (_ROWS + _COLUMNS) // 3], axis=-1)
IMAGE = IMAGE.astype(np.uint8)
"""Crops of another side, by half a pixel of rounding, are still much alike."""
ARRAY = MicrophoneArray(np.array([[0.03, 0, 0], [-0.03, 0, 0], [0, 0.03, 0], [0, 0, 0.03]]))


def rig(scale=1.0, array=ARRAY):
    return Rig(Camera(scale * FOCAL, scale * FOCAL, 180.0, 144.0, SIZE), array)


def field(peaks=(), faces=(), values=None):
    values = np.zeros((96, 120), np.float32) if values is None else values
    return make_sound(peaks, faces, stamp=0, measure='vwswe', values=values)


def seen_at(distance, aside):
    """A face as a camera of the usual focal length sees it."""
    box = face_box(rig().camera, np.array([aside * distance, 0.05, distance]))
    offsets = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]])
    return Face(box, 0.8, box[:2] + offsets * box[2:], tracklet=1)


distances, asides = st.floats(1.0, 6.0), st.floats(-0.06, 0.06)
scales = st.floats(1.0, 5.0)


@given(distances, asides, scales)
def test_a_head_farther_off_before_a_longer_lens_looks_alike(distance, aside, scale):
    face = seen_at(distance, aside)
    faces, told = FaceFrame(0, SIZE, (face,)), []
    for s in (1.0, scale):
        candidates = find_candidates(
            faces, field(), GeometricFusion(size_alone=True).detect(faces, field(), rig(s))
        )
        place = candidates[0].base.position
        candidates.append(remembered(place, rig(s), 0.3))
        told.append((candidate_arrays(candidates, field(), rig(s), IMAGE), place[2]))
    (near, close), (far, away) = told
    np.testing.assert_allclose(far.sight, near.sight, atol=0.03)
    np.testing.assert_allclose(far.sound, near.sound, atol=0.03)
    np.testing.assert_allclose(far.crops.astype(int), near.crops, atol=3)
    assert away == pytest.approx(scale * close, rel=0.01)


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp('network') / 'tiny.onnx'
    bias = [0.2, -0.1, 0.15, np.log(0.1), np.log(0.12), 4.0, 4.0, -4.0]
    return LearnedFusion(NetworkSession(write_network(path, bias)))


@given(distances, asides, scales)
def test_the_range_that_a_network_tells_grows_with_the_focal_length(
    network, distance, aside, scale
):
    faces = FaceFrame(0, SIZE, (seen_at(distance, aside),))
    near, far = (
        network.process(faces, field(), rig(s), IMAGE).detections[0] for s in (1.0, scale)
    )
    network.reset()
    np.testing.assert_allclose(far.box, near.box, rtol=0.02)
    ranges = [np.linalg.norm(each.position) for each in (near, far)]
    assert ranges[1] == pytest.approx(scale * ranges[0], rel=0.01)
    deviations = [np.sqrt(np.linalg.eigvalsh(each.covariance)[-1]) for each in (near, far)]
    assert deviations[1] == pytest.approx(scale * deviations[0], rel=0.01)


@given(st.floats(0.4, 3.0))
def test_arrays_that_hear_all_more_coherently_tell_the_same(gain):
    place = np.array([0.1, 0.0, 2.0])
    values = np.random.default_rng(1).uniform(0.0, 0.3, (96, 120)).astype(np.float32)
    patch = values[:12, :12]
    face = Face(face_box(rig().camera, place), 0.9, tracklet=1)
    faces, told = FaceFrame(0, SIZE, (face,)), []
    for g in (1.0, gain):
        peak = AcousticPeak(place, 0.01 * np.eye(3), place / np.linalg.norm(place), 0.25 * g, 0.9)
        heard = FaceSound(1, g * patch, 0.28 * g, 0.1 * g, place, 2.0, 0.1, 0.9)
        sound = field([peak], [heard], g * values)
        geometric = GeometricFusion(size_alone=True).detect(faces, sound, rig())
        candidates = find_candidates(faces, sound, geometric)
        arrays = candidate_arrays(candidates, sound, rig(), None)
        searched = guided_maps([sound, field(values=0.5 * g * values)], face.box)
        told.append((arrays.sound, arrays.maps, arrays.global_map, searched))
    for one, other in zip(*told, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4)
        assert one.any()


def test_silence_is_not_as_loud_as_speech():
    quiet, loud = (field(values=np.full((96, 120), v, np.float32)) for v in (0.02, 0.4))
    maps = [candidate_arrays([], each, rig(), None).global_map.max() for each in (quiet, loud)]
    assert maps[0] < 0.25 < maps[1]


@pytest.mark.parametrize(('range_std', 'beside'), [(2.0, 0.0), (0.02, None)])
def test_a_direction_without_a_range_is_compared_at_the_range_of_the_candidate(range_std, beside):
    """Microphones half a metre beside the camera hear who speaks at twice the distance."""
    centre, mouth = np.array([0.5, 0.0, 0.0]), np.array([0.0, 0.0, 2.0])
    array = MicrophoneArray(ARRAY.positions + centre - ARRAY.centre)
    away = mouth - centre
    direction = away / np.linalg.norm(away)
    spread = 0.02**2 * np.eye(3) + range_std**2 * np.outer(direction, direction)
    peak = AcousticPeak(centre + 2 * away, spread, direction, 0.3, 0.9)
    told = candidate_arrays([remembered(mouth, rig(), 0.0)], field([peak]), rig(1.0, array), None)
    (nearest, *_) = told.sound[0, -7 * PEAKS :].reshape(PEAKS, 7)
    across = np.hypot(*nearest[1:3])
    if beside is None:
        assert across > 1
    else:
        assert across == pytest.approx(beside, abs=0.1)
    assert (abs(nearest[3]) > 3) == (range_std < 0.1)


def test_what_is_cut_by_the_border_is_told_and_the_rest_of_the_picture_is_not():
    camera = rig().camera
    places = [camera.rays(np.array(p)) * 2 for p in ((180, 150), (100, 200), (3, 150))]
    told = candidate_arrays([remembered(p, rig(), 0.0) for p in places], field(), rig(), IMAGE)
    middle, other, cut = told.sight
    np.testing.assert_allclose(other, middle, atol=0.02)
    assert np.abs(cut - middle).max() > 0.5


def test_another_picture_size_changes_nothing():
    mouth = np.array([0.05, 0.02, 2.0])
    camera = rig().camera
    doubled = replace(camera, size=(720, 576), cx=360.0, cy=288.0)
    told = [
        candidate_arrays([remembered(mouth, each, 0.0)], field(), each, None).sight
        for each in (rig(), replace(rig(), camera=doubled))
    ]
    np.testing.assert_allclose(told[0], told[1])
    assert told[0][0, 7 + Kind.MEMORY] == 1
