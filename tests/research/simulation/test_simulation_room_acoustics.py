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

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import Person, Scene
from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE

MOUTH = np.array([1.1, 0.3, 0.9])
SNR = 20.0


@pytest.fixture(scope='module')
def scene() -> Scene:
    """Somebody who hisses for a second at a known place, then 1.5 s of nothing."""
    times = np.arange(-1, 4, 0.01)
    speech = np.zeros(round(2.5 * RATE), np.float32)
    hiss = np.random.default_rng(0).normal(size=RATE)
    speech[:RATE] = ACTIVE_LEVEL * hiss
    still = np.ones((times.size, 1))
    person = Person(
        identity=0,
        head_scale=1.0,
        times=times,
        mouth=still * MOUTH,
        orientation=still * [np.arctan2(-MOUTH[1], -MOUTH[0]), 0.0, 0.0],
        jaw=0 * times,
        speech=speech,
        segments=((0.0, 1.0),),
        voice='noise',
    )
    return Scene(
        name='test',
        seed=0,
        duration=2.5,
        people=(person,),
        cameras=(),
        calibrated_cameras=(),
        video_starts=(),
        audio_video_offset=0.0,
        microphones=meeting_room.microphones(),
        calibrated_microphones=meeting_room.microphones(),
        gains=np.ones(16),
        room=meeting_room.ROOM,
        rt60=0.3,
        snr_db=SNR,
    )


@pytest.fixture(scope='module')
def sound(scene) -> np.ndarray:
    return record(scene)


def test_recording_has_the_shape_of_the_scene_and_does_not_clip(scene, sound):
    assert sound.shape == (round(scene.duration * RATE), 16)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() < 1


def test_noise_has_the_level_asked_for(sound):
    speech = np.mean(np.square(sound[:RATE], dtype=float))
    noise = np.mean(np.square(sound[-RATE:], dtype=float))
    assert 10 * np.log10((speech - noise) / noise) == pytest.approx(SNR, abs=0.7)


def test_delays_between_microphones_are_those_of_the_talker(scene, sound):
    array = scene.microphones
    path = np.linalg.norm(array.positions - MOUTH, axis=1)
    for i, j in array.pairs():
        spectra = np.fft.rfft(sound[2000:14000, [i, j]], axis=0)
        cross = spectra[:, 0] * spectra[:, 1].conj()
        correlation = np.fft.irfft(cross / np.abs(cross), 16 * 12000)
        lags = np.concatenate([correlation[-200:], correlation[:200]])
        found = (lags.argmax() - 200) / 16
        expected = (path[i] - path[j]) / array.speed_of_sound * RATE
        assert found == pytest.approx(expected, abs=0.5)


def test_gains_scale_their_channels_and_dead_microphones_are_silent(scene, sound):
    gains = 10 ** (np.linspace(-2, 2, 16) / 20)
    other = record(replace(scene, gains=gains, dead_microphones=(0, 5)))
    assert not other[:, [0, 5]].any()
    alive = [i for i in range(16) if i not in (0, 5)]
    np.testing.assert_allclose(other[:, alive], sound[:, alive] * gains[alive], atol=1e-6)


def test_loud_scenes_are_turned_down_instead_of_clipped(scene, sound):
    person = replace(scene.people[0], speech=30 * scene.people[0].speech)
    loud = record(replace(scene, people=(person,)))
    assert np.abs(loud).max() == pytest.approx(0.95)
    ratio = loud / sound
    assert np.std(ratio[:RATE]) / np.mean(ratio[:RATE]) < 0.2


def test_silent_scenes_hold_noise_of_the_level_beside_a_usual_voice(scene):
    person = replace(scene.people[0], speech=0 * scene.people[0].speech, segments=())
    silent = record(replace(scene, people=(person,), fan=np.array([1.5, -2.6, -0.4])))
    level = 20 * np.log10(silent.std() / ACTIVE_LEVEL)
    assert -SNR - 4 < level < -SNR


def test_progress_is_reported_from_0_to_1(scene):
    seen = []
    record(scene, lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
