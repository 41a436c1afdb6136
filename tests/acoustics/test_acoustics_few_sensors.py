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

"""Sound alone: microphones without a camera, and a single microphone."""

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    fed,
    frame_at,
    look_at,
    machine,
    person,
    propagate,
    seconds,
)
from builders import square, towards

from av_tracker_nodes.acoustics import MEASURES, AcousticStage, acoustic_stage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.types import Face, FaceFrame

SQUARE = square(0.035)


def wave(azimuth, elevation, array=SQUARE):
    """Noise that sets in, from a direction (degrees), 5 m away, shape (samples, microphones)."""
    sound = 0.5 * machine('white', 0.5)
    sound[: len(sound) // 2] = 0.0
    return propagate([(5 * towards(azimuth, elevation), sound)], array)


def heard(stage, samples):
    return fed(stage, samples).listen(seconds(len(samples) / RATE))


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


# ---- a single microphone: it tells that somebody speaks, not where


MICROPHONE = MicrophoneArray(np.array([[0.1, 0.2, 0.3]]))
RIG = Rig(look_at([-1.57, 2.01, 1.43], [0.75, 0.2, 0.6]), MICROPHONE)
FACES = [[150.0, 120, 30, 40], [220, 120, 30, 40], [80, 120, 30, 40]]


def stage_with(sound, rig=RIG, rate=RATE):
    return fed(acoustic_stage(rig), np.asarray(sound, np.float32)[:, None], rate=rate)


def speech_over_time(sound, *faces):
    """Probabilities of the faces at ten instants a second, shape (instants, faces)."""
    stage = stage_with(sound)
    times = np.arange(0.8, len(sound) / RATE, 0.1)
    return np.array([[f.speech for f in stage.process(frame_at(t, *faces)).faces] for t in times])


def test_whoever_is_seen_alone_speaks_when_a_voice_is_heard():
    assert np.mean(speech_over_time(person(3.0), FACES[0]) > 0.5) > 0.7


@pytest.mark.parametrize('kind', ['white', 'fan', 'hum'])
def test_nobody_speaks_when_a_machine_is_heard(kind):
    assert np.mean(speech_over_time(0.05 * machine(kind, 2.0), FACES[0]) > 0.5) < 0.1


def test_several_who_are_seen_share_the_probability():
    sound = person(2.0)
    alone = speech_over_time(sound, FACES[0])
    three = speech_over_time(sound, *FACES)
    np.testing.assert_allclose(three, alone / 3 @ np.ones((1, 3)))


def test_there_are_no_directions():
    found = stage_with(person(1.0)).process(frame_at(0.9, FACES[0]))
    assert found.peaks == ()
    assert found.values.size == 0
    assert found.coverage == 1.0
    assert found.faces[0].peak == 0


def test_without_faces_or_sound_there_is_an_answer():
    assert stage_with(person(1.0), Rig(None, MICROPHONE)).process(frame_at(0.9)).faces == ()
    silence = acoustic_stage(RIG).process(frame_at(0.9, FACES[0]))
    assert silence.coverage == 0
    assert silence.faces[0].speech == 0


def test_sound_at_other_rates_is_heard_as_it_is():
    """The voice is written at 48 kHz, three samples for one."""
    microphone = MicrophoneArray(MICROPHONE.positions, rate=48_000)
    sound = person(2.0)
    fine = np.interp(np.arange(3 * len(sound)) / 3, np.arange(len(sound)), sound)
    times = np.arange(0.8, 2, 0.1)
    stages = stage_with(sound), stage_with(fine, Rig(RIG.camera, microphone), 48_000)
    coarse, fine = (
        [stage.process(frame_at(t, FACES[0])).faces[0].speech for t in times] for stage in stages
    )
    assert np.mean(np.abs(np.subtract(coarse, fine))) < 0.1


def test_another_stream_begins_anew():
    stage = stage_with(person(1.0))
    assert stage.covers(seconds(0.9))
    stage.reset()
    assert not stage.covers(seconds(0.9))
    assert stage.process(frame_at(0.9, FACES[0])).coverage == 0


def test_two_microphones_tell_directions():
    two = MicrophoneArray(np.array([[0, 0.05, 0], [0, -0.05, 0]]))
    assert isinstance(acoustic_stage(Rig(None, two)), AcousticStage)


def test_what_is_wrong_is_refused():
    face_without_a_camera = frame_at(0, FACES[0])
    with pytest.raises(InputError, match='faces need a camera'):
        acoustic_stage(Rig(None, MICROPHONE)).process(face_without_a_camera)
    with pytest.raises(InputError, match='unknown measure'):
        acoustic_stage(RIG, 'loudness')
