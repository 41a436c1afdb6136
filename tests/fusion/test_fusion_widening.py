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

"""Rigs that are known only roughly."""

from dataclasses import replace

import numpy as np
import pytest
from builders import LOOKS_ALONG_X, make_sound, square, towards

from av_tracker_nodes.fusion import FUSION_MODELS, create_fusion
from av_tracker_nodes.geometry import Camera, Rig, RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.geometry.uncertainty import RigUncertainty
from av_tracker_nodes.types import AcousticPeak, Face, FaceFrame, Modality

CAMERA = Camera(500, 500, 320, 240, (640, 480), pose=RigidTransform(LOOKS_ALONG_X))
EXACT = Rig(CAMERA, square(0.05))
IMAGE = np.full((480, 640, 3), 90, np.uint8)


def rig_of(**uncertainty):
    return replace(EXACT, uncertainty=RigUncertainty(**uncertainty))


def scene(face_degrees=0.0, voice_degrees=None, depth=np.nan):
    """A face 2 m away, and a voice, each so far to the left of the x axis."""

    faces = ()
    if face_degrees is not None:
        faces = (
            Face(face_box(CAMERA, 2.0 * towards(face_degrees, 0)), 0.9, None, 1, range=depth),
        )
    peaks = ()
    if voice_degrees is not None:
        heard = towards(voice_degrees, 0)
        peaks = (AcousticPeak(2.0 * heard, np.diag([0.04, 0.01, 0.01]), heard, 0.4, 0.95),)
    sound = make_sound(peaks, values=np.zeros((160, 214), np.float32))
    return FaceFrame(5, (640, 480), faces), sound


def detect(rig, model='stgcf', **what):
    faces, sound = scene(**what)
    return create_fusion(model).process(faces, sound, rig, IMAGE).detections


def added(rig, **what):
    """What a rig adds to the covariance of the only detection."""
    (exact,), (rough,) = detect(EXACT, **what), detect(rig, **what)
    np.testing.assert_array_equal(exact.position, rough.position)
    return rough.covariance - exact.covariance, exact.position


@pytest.mark.parametrize('model', FUSION_MODELS)
def test_an_exact_rig_changes_nothing_and_a_rough_one_widens_every_detection(model):
    what = {'face_degrees': 10, 'voice_degrees': -20}
    plain = detect(EXACT, model, **what)
    assert plain
    same = detect(rig_of(), model, **what)
    rough = detect(rig_of(angle_std=0.08, position_std=0.03, focal_std=0.1), model, **what)
    for one, other, wider in zip(plain, same, rough, strict=True):
        np.testing.assert_array_equal(one.covariance, other.covariance)
        np.testing.assert_array_equal(one.position, wider.position)
        assert (np.linalg.eigvalsh(wider.covariance - one.covariance) > 0).all()


def test_an_angle_widens_across_the_line_of_sight_as_the_range_does():
    extra, position = added(rig_of(angle_std=0.1))
    sight = position / np.linalg.norm(position)
    expected = (0.1 * np.linalg.norm(position)) ** 2 * (np.eye(3) - np.outer(sight, sight))
    np.testing.assert_allclose(extra, expected, atol=1e-12)


def test_a_place_widens_everywhere_alike():
    np.testing.assert_allclose(added(rig_of(position_std=0.05))[0], 0.0025 * np.eye(3), atol=1e-12)


def test_a_focal_length_widens_the_range_that_the_size_of_a_face_tells():
    extra, position = added(rig_of(focal_std=0.1))
    np.testing.assert_allclose(extra, 0.01 * np.outer(position, position), atol=1e-12)


def test_a_focal_length_leaves_a_measured_range_and_a_voice_alone():
    assert not added(rig_of(focal_std=0.1), depth=2.0)[0].any()
    assert not added(rig_of(focal_std=0.1), face_degrees=None, voice_degrees=0)[0].any()


def test_microphones_out_of_place_widen_a_voice_as_simulated_delays_do():
    """Independent: least squares of the delays at microphones that are moved at random."""
    rng = np.random.default_rng(1)
    wave = np.array([1.0, 0, 0])
    exact = EXACT.microphones.positions
    moved = exact + rng.normal(0, 0.004, (20_000, 4, 3))
    delays = moved @ wave
    found = np.linalg.lstsq(exact[:, :2], delays.T, rcond=None)[0]
    bearing = np.arctan2(found[1], found[0]).std()
    extra, position = added(rig_of(microphone_std=0.004), face_degrees=None, voice_degrees=0)
    assert np.sqrt(extra[1, 1]) / np.linalg.norm(position) == pytest.approx(bearing, rel=0.05)


@pytest.mark.parametrize(('apart', 'angle_std', 'people'), [(14, 0, 2), (14, 5, 1), (25, 5, 2)])
def test_sensors_that_are_off_see_and_hear_one_person_apart(apart, angle_std, people):
    rig = rig_of(angle_std=np.radians(angle_std))
    detections = detect(rig, face_degrees=0, voice_degrees=apart)
    assert len(detections) == people
    assert bool(detections[0].modalities & Modality.AUDIO) == (people == 1)
