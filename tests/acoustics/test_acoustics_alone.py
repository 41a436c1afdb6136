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

"""Sound alone: microphones without a camera."""

import numpy as np
import pytest
from acoustic_scenes import RATE, blocks, machine, propagate, seconds

from av_tracker_nodes.acoustics import MEASURES, AcousticStage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.types import Face, FaceFrame

SQUARE = MicrophoneArray(0.035 * np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]))


def wave(azimuth, elevation, array=SQUARE):
    """Noise that sets in, from a direction (degrees), 5 m away, shape (samples, microphones)."""
    az, el = np.deg2rad([azimuth, elevation])
    towards = np.array([np.cos(el) * np.cos(az), np.cos(el) * np.sin(az), np.sin(el)])
    sound = 0.5 * machine('white', 0.5)
    sound[: len(sound) // 2] = 0.0
    return propagate([(5 * towards, sound)], array)


def heard(stage, samples):
    for block in blocks(samples):
        stage.add(block)
    return stage.listen(seconds(len(samples) / RATE))


@pytest.mark.parametrize('azimuth', range(-150, 181, 55))
def test_direction_of_a_wave(azimuth):
    best = heard(AcousticStage(SQUARE), wave(azimuth, 20)).peaks[0]
    found = np.degrees(np.arctan2(best.direction[1], best.direction[0]))
    assert abs((found - azimuth + 180) % 360 - 180) < 3
    assert np.linalg.norm(best.direction) == pytest.approx(1)
    assert np.linalg.eigvalsh(best.covariance).min() > 0
    assert 0 <= best.speech <= 1


@pytest.mark.parametrize('measure', MEASURES)
def test_a_camera_above_changes_nothing_but_the_map(measure):
    above = Camera(400, 400, 320, 240, (640, 480), pose=RigidTransform(np.eye(3), [0, 0, 1]))
    samples = wave(40, 30)
    alone = heard(AcousticStage(SQUARE, measure), samples)
    seen = heard(AcousticStage(Rig(above, SQUARE), measure), samples)
    assert alone.values.shape == (0, 0)
    assert seen.values.size > 0
    assert np.isnan(alone.depth)
    for one, other in zip(alone.peaks, seen.peaks, strict=True):
        np.testing.assert_array_equal(one.position, other.position)
        np.testing.assert_array_equal(one.covariance, other.covariance)
        assert one.speech == other.speech


def test_flat_arrays_listen_to_the_side_of_z():
    below = heard(AcousticStage(SQUARE), wave(40, -30)).peaks[0]
    assert below.direction[2] > 0


def test_upright_arrays_listen_to_both_sides():
    wall = MicrophoneArray(SQUARE.positions[:, [0, 2, 1]])
    for azimuth in (60, -60):
        peaks = heard(AcousticStage(wall), wave(azimuth, 10, array=wall)).peaks
        directions = [np.degrees(np.arctan2(p.direction[1], p.direction[0])) for p in peaks]
        # In front and behind sound the same to microphones in one plane.
        assert min(abs(abs(direction) - 60) for direction in directions) < 6


def test_silence_before_any_sound_is_an_empty_map():
    silence = AcousticStage(SQUARE).listen(10**9)
    assert silence.coverage == 0
    assert silence.peaks == ()
    assert silence.peak == silence.mean == 0


def test_a_camera_may_come_later_and_go():
    stage = AcousticStage(SQUARE)
    stage.set_rig(Rig(Camera(400, 400, 320, 240, (640, 480)), SQUARE))
    assert heard(stage, wave(40, 30)).values.size > 0
    stage.set_rig(SQUARE)
    assert stage.listen(seconds(0.5)).values.size == 0


def test_faces_without_a_camera_are_refused():
    face = Face(np.array([10.0, 10, 20, 20]), 0.9)
    with pytest.raises(InputError, match='faces need a camera'):
        AcousticStage(SQUARE).process(FaceFrame(0, (640, 480), (face,)))
