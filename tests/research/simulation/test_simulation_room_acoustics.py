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
import pyroomacoustics
import pytest
from scipy.signal import butter, csd, sosfiltfilt, welch

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.research.simulation import image_sources, meeting_room
from av_tracker_nodes.research.simulation.diffuse import DiffuseField
from av_tracker_nodes.research.simulation.image_sources import HOP, directivity, render_early
from av_tracker_nodes.research.simulation.meeting_room import ROOM, microphones
from av_tracker_nodes.research.simulation.reverberation import (
    reflection_factor,
    render_tail,
    reverberation_time,
    tail_envelope,
)
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


C = 343.0
TALKER = np.array([1.1, 0.3, 0.9])
MICROPHONES = np.array([[-0.1, 0.4, 0.0], [0.1, -0.4, 0.0]])


def render(speech, mouth, facing=(-1.0, 0.0, 0.0), reflection=0.0, microphones=MICROPHONES):
    knots = speech.size // HOP + 2
    mouth = np.tile(mouth, (knots, 1)) if np.ndim(mouth) == 1 else mouth
    facing = np.tile(facing, (knots, 1))
    groups = np.arange(len(microphones))
    return render_early(speech, mouth, facing, microphones, groups, ROOM, reflection, C)


def impulse(samples: int = 3200, at: int = 400) -> np.ndarray:
    signal = np.zeros(samples, np.float32)
    signal[at] = 1
    return signal


@pytest.mark.parametrize(('order', 'count'), [(0, 1), (1, 7), (2, 25), (3, 63)])
def test_number_of_images(order, count):
    assert len(image_sources.image_sources(ROOM, np.full(3, 3), order).walls) == count


def test_first_images_are_mirrored_at_each_wall():
    room = Room(np.array([-1.0, -2.0, -0.5]), np.array([3.0, 2.0, 1.5]))
    place = np.array([0.5, 0.25, 0.1])
    expected = {tuple(place)}
    for axis in range(3):
        for wall in (room.minimum, room.maximum):
            mirrored = place.copy()
            mirrored[axis] = 2 * wall[axis] - place[axis]
            expected.add(tuple(mirrored.round(9)))
    images = image_sources.image_sources(room, np.full(3, 2), 1)
    assert {tuple(image.round(9)) for image in images.of(place)} == expected


def test_direct_path_has_the_delay_and_level_of_its_length():
    facing = MICROPHONES.mean(axis=0) - TALKER
    heard = render(impulse(), TALKER, facing=facing / np.linalg.norm(facing))
    frequency = np.fft.rfftfreq(heard.shape[1], 1 / RATE)
    band = (frequency > 200) & (frequency < 5500)
    for microphone, signal in zip(MICROPHONES, heard, strict=True):
        path = np.linalg.norm(microphone - TALKER)
        spectrum = np.fft.rfft(np.roll(signal, -400))
        delay = -np.polyfit(frequency[band], np.unwrap(np.angle(spectrum))[band], 1)[0]
        assert delay / (2 * np.pi) == pytest.approx(path / C, abs=0.03 / RATE)
        loss = 20 * np.log10(np.abs(spectrum[band]) * path)
        assert np.abs(loss).max() < 0.6


def test_early_reflections_agree_with_pyroomacoustics(monkeypatch):
    monkeypatch.setattr(image_sources, 'directivity', lambda cosine: (np.ones_like(cosine),) * 2)
    reflection = 0.8
    ours = render(impulse(), TALKER, reflection=reflection)[:, 400:]
    pyroomacoustics.constants.set('c', C)
    pyroomacoustics.constants.set('rir_hpf_enable', False)
    material = pyroomacoustics.Material(1 - reflection**2)
    room = pyroomacoustics.ShoeBox(
        ROOM.maximum - ROOM.minimum, fs=RATE, materials=material, max_order=3, air_absorption=False
    )
    room.add_source(TALKER - ROOM.minimum)
    room.add_microphone((MICROPHONES - ROOM.minimum).T)
    room.compute_rir()
    low_pass = butter(6, 5000, fs=RATE, output='sos')
    for index in range(len(MICROPHONES)):
        theirs = room.rir[index][0][40:]
        samples = min(theirs.size, ours.shape[1])
        one, other = (sosfiltfilt(low_pass, x[:samples]) for x in (ours[index], theirs))
        error = np.linalg.norm(one - other) / np.linalg.norm(other)
        assert error < 0.01


def test_moving_talker_is_heard_with_doppler_shift_and_without_clicks():
    tone = np.sin(2 * np.pi * 1000 / RATE * np.arange(RATE)).astype(np.float32)
    speed = 1.2
    time = np.arange(tone.size // HOP + 2) * HOP / RATE
    mouth = np.stack([1.6 - speed * time, 0 * time, 0 * time], axis=-1)
    microphone = np.array([[-1.0, 0.0, 0.0]])
    heard = render(tone, mouth, microphones=microphone)[0, 2000:14000]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size), 1 << 18))
    frequency = np.fft.rfftfreq(1 << 18, 1 / RATE)
    assert frequency[spectrum.argmax()] == pytest.approx(1000 * (1 + speed / C), abs=0.1)
    carrier = np.abs(frequency - 1000) < 50
    assert 20 * np.log10(spectrum[~carrier].max() / spectrum.max()) < -50


def test_talker_is_duller_from_behind():
    towards = (MICROPHONES[0] - TALKER) / np.linalg.norm(MICROPHONES[0] - TALKER)
    front, back = (
        np.abs(np.fft.rfft(render(impulse(), TALKER, facing=sign * towards)[0]))
        for sign in (1, -1)
    )
    frequency = np.fft.rfftfreq(3200, 1 / RATE)
    loss = 20 * np.log10(back / front)
    assert loss[np.abs(frequency - 200).argmin()] == pytest.approx(-3, abs=0.5)
    assert loss[np.abs(frequency - 6000).argmin()] == pytest.approx(-14, abs=1.5)
    assert directivity(np.array(1.0)) == pytest.approx((1.0, 1.0))


def test_skipping_silence_changes_nothing():
    rng = np.random.default_rng(0)
    pauses = np.zeros(8000, np.float32)
    pauses[3000:4000] = rng.normal(size=1000)
    floor = pauses + np.float32(1e-6) * rng.normal(size=8000).astype(np.float32)
    skipped = render(pauses, TALKER, reflection=0.7)
    full = render(floor, TALKER, reflection=0.7)
    np.testing.assert_allclose(skipped, full, atol=1e-4)
    assert not render(np.zeros(1600, np.float32), TALKER, reflection=0.7).any()


# ---- reverberation, and the noise of a diffuse field


ARRAY = microphones()
TALKERS = np.array([[1.1, 0.3, 0.9], [0.7, 1.0, 0.8], [1.3, -0.9, 1.0], [-1.2, -0.5, 0.9]])


def response(talker: np.ndarray, rt60: float) -> np.ndarray:
    """Impulse response (16, samples) of a talker who faces the table."""
    signal = np.zeros(round(1.3 * rt60 * RATE), np.float32)
    signal[0] = 1
    reflection = reflection_factor(ROOM, rt60, C)
    mouth = np.tile(talker, (signal.size // HOP + 2, 1))
    early = render_early(signal, mouth, -mouth, ARRAY.positions, ARRAY.groups, ROOM, reflection, C)
    envelope = tail_envelope(ROOM, talker, reflection, rt60, C)
    field, rng = DiffuseField(ARRAY), np.random.default_rng(0)
    return early + render_tail(signal, mouth, envelope, field, rng)


@pytest.mark.parametrize('rt60', [0.2, 0.45, 0.8])
def test_reverberation_time_of_a_known_decay(rt60):
    time = np.arange(2 * RATE) / RATE
    decay = np.random.default_rng(1).normal(size=time.size) * 10 ** (-3 * time / rt60)
    assert reverberation_time(decay, RATE) == pytest.approx(rt60, rel=0.03)


@pytest.mark.parametrize('rt60', [0.25, 0.35, 0.5])
def test_rendered_responses_decay_as_asked(rt60):
    measured = [
        np.mean([reverberation_time(channel, RATE) for channel in response(talker, rt60)])
        for talker in TALKERS
    ]
    np.testing.assert_allclose(measured, rt60, rtol=0.15)
    assert np.mean(measured) == pytest.approx(rt60, rel=0.1)


@pytest.mark.parametrize('rt60', [0.3, 0.5])
def test_decay_agrees_with_all_image_sources_of_pyroomacoustics(rt60):
    """Below 100 Hz images of equal sign add up, which no real wall does; it is left out."""
    pyroomacoustics.constants.set('c', C)
    reflection = reflection_factor(ROOM, rt60, C)
    high_pass = butter(4, 100, 'high', fs=RATE, output='sos')
    theirs, early_to_late = [], []
    for talker in TALKERS[:3]:
        room = pyroomacoustics.ShoeBox(
            ROOM.maximum - ROOM.minimum,
            fs=RATE,
            materials=pyroomacoustics.Material(1 - reflection**2),
            max_order=25,
            air_absorption=False,
        )
        room.add_source(talker - ROOM.minimum)
        room.add_microphone((ARRAY.positions[:1] - ROOM.minimum).T)
        room.compute_rir()
        full = sosfiltfilt(high_pass, room.rir[0][0][40:])
        ours = sosfiltfilt(high_pass, response(talker, rt60)[0])
        theirs.append(reverberation_time(full, RATE))
        late = [10 * np.log10(np.sum(x[800:] ** 2) / np.sum(x[:800] ** 2)) for x in (ours, full)]
        early_to_late.append(late[0] - late[1])
    assert np.mean(theirs) == pytest.approx(rt60, rel=0.15)
    # Voices are directed at the table, the sources of PyRoomAcoustics are not: a little drier.
    assert -4.0 < np.mean(early_to_late) < 0.5


def test_tail_of_a_walking_talker_keeps_its_power():
    rng = np.random.default_rng(2)
    signal = rng.normal(size=4 * RATE).astype(np.float32)
    envelope = tail_envelope(ROOM, TALKERS[0], 0.8, 0.3, C)
    knots = signal.size // HOP + 2
    still = np.tile(TALKERS[0], (knots, 1))
    walking = still + np.linspace(0, 3, knots)[:, None] * [0, -1, 0]
    field = DiffuseField(ARRAY)
    power = [
        np.var(render_tail(signal, mouth, envelope, field, rng)[:, RATE:])
        for mouth in (still, walking)
    ]
    assert 10 * np.log10(power[1] / power[0]) == pytest.approx(0, abs=0.6)


@pytest.fixture(scope='module')
def noise() -> np.ndarray:
    return DiffuseField(microphones()).noise(30 * RATE, 0.7, np.random.default_rng(0))


@pytest.mark.thorough
@pytest.mark.parametrize(('i', 'j'), [(0, 1), (0, 4), (0, 8)])
def test_coherence_is_that_of_a_diffuse_field(noise, i, j):
    array = microphones()
    frequency, cross = csd(noise[i], noise[j], RATE, nperseg=1024)
    power = [welch(noise[k], RATE, nperseg=1024)[1] for k in (i, j)]
    coherence = cross / np.sqrt(power[0] * power[1])
    apart = np.linalg.norm(array.positions[i] - array.positions[j])
    expected = np.sinc(2 * frequency * apart / array.speed_of_sound)
    band = (frequency > 100) & (frequency < 7000)
    assert np.abs(coherence - expected)[band].max() < 0.2
    assert np.sqrt(np.mean(np.abs(coherence - expected)[band] ** 2)) < 0.06


def test_noise_is_steady_of_unit_variance_and_falls_with_frequency(noise):
    assert noise.shape == (16, 30 * RATE)
    assert noise.std(axis=1) == pytest.approx(1.0, rel=0.05)
    level = np.sqrt(np.mean(noise.reshape(16, 30, -1) ** 2, axis=(0, 2)))
    assert level == pytest.approx(1.0, rel=0.1)
    frequency, power = welch(noise[0], RATE, nperseg=4096)
    at = [power[np.abs(frequency - f) < 100].mean() for f in (500, 4000)]
    assert 10 * np.log10(at[0] / at[1]) == pytest.approx(20 * 0.7 * np.log10(8), abs=1.0)
