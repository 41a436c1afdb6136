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

"""Streams of sound from places."""

import numpy as np
import pytest
from acoustic_scenes import RATE, SPEED, two_circles

from av_tracker_nodes.acoustics import beamformer
from av_tracker_nodes.acoustics.beamformer import HOP, Beamformer
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

ARRAY = two_circles()
PLACE, ELSEWHERE = np.array([0.9, -0.4, 0.6]), np.array([0.7, 0.8, 0.6])
START = 50 * NANOSECONDS
COUNT = RATE // 2


def travel(place, array=ARRAY):
    return np.linalg.norm(array.positions - place, axis=1) / SPEED


def noise(count=COUNT, rate=RATE, seed=0, highest=7_000):
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum[np.fft.rfftfreq(count, 1 / rate) > highest] = 0
    return np.fft.irfft(spectrum, count)


def delayed(sound, delays, rate=RATE):
    """What arrives after delays (s), shape (samples, delays)."""
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    turns = np.exp(-2j * np.pi * frequencies * np.reshape(delays, (-1, 1)))
    return np.fft.irfft(np.fft.rfft(sound) * turns, len(sound)).T.astype(np.float32)


def blocks(samples, rate=RATE, size=160, start=START):
    for first in range(0, len(samples), size):
        stamp = start + first * NANOSECONDS // rate
        yield AudioBlock(stamp, first, rate, samples[first : first + size])


def stream(former, samples, places, others=(), **options):
    """All blocks of all beams, by number."""
    beams = {number: [] for number in places}
    for block in blocks(samples, **options):
        for number, beam in former.process(block, places, others):
            beams[number].append(beam)
    return beams


def joined(beam):
    return np.concatenate([block.samples[:, 0] for block in beam])


def level(signal, other):
    """Power of a signal relative to that of another (dB)."""
    return 10 * np.log10(np.mean(np.square(signal)) / np.mean(np.square(other)))


@pytest.mark.parametrize('rate', [16_000, 44_100, 48_000])
def test_a_beam_is_the_sound_as_the_last_microphone_hears_it(rate):
    sound = noise(rate // 2, rate)
    heard = delayed(sound, travel(PLACE), rate)
    array = MicrophoneArray(ARRAY.positions, rate=rate)
    beam = stream(Beamformer(array, RATE), heard, {7: PLACE}, rate=rate, size=rate // 100)[7]
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    last = np.fft.rfft(sound) * np.exp(-2j * np.pi * frequencies * travel(PLACE).max())
    expected = np.fft.irfft(last[: COUNT // 2 + 1], COUNT) * COUNT / len(sound)
    middle = slice(1000, 6000)
    assert level(joined(beam)[middle] - expected[middle], expected[middle]) < -40


def test_another_place_is_let_through_less_than_by_delay_and_sum():
    frequencies = np.arange(0, 7_000, 10)
    difference = travel(ELSEWHERE) - travel(PLACE)
    turns = np.exp(-2j * np.pi * frequencies[:, None] * difference)
    known = 10 * np.log10(np.mean(np.abs(turns.mean(axis=1)) ** 2))
    assert known < -9
    steered, other = (
        joined(stream(Beamformer(ARRAY), delayed(sound, travel(place)), {1: PLACE})[1])
        for sound, place in ((noise(), PLACE), (noise(seed=1), ELSEWHERE))
    )
    middle = slice(1000, 6000)
    assert level(steered[middle], noise()) == pytest.approx(0, abs=0.2)
    assert level(other[middle], noise(seed=1)) < known - 3


@pytest.mark.parametrize('size', [160, 147, 1000])
def test_samples_are_counted_and_stamped_as_they_come(size):
    heard = delayed(noise(), travel(PLACE))
    former, count = Beamformer(ARRAY), 0
    for block in blocks(heard, size=size):
        end = block.first_sample + len(block.samples)
        for _, beam in former.process(block, {1: PLACE, 2: ELSEWHERE}):
            assert beam.samples.shape == (round(HOP * RATE), 1)
            assert beam.stamp == pytest.approx(
                START + beam.first_sample * NANOSECONDS // RATE, abs=1
            )
            assert beam.first_sample == count // 2 * round(HOP * RATE)
            count += 1
        assert end - count // 2 * round(HOP * RATE) < 2 * HOP * RATE
    assert count == 2 * (COUNT // round(HOP * RATE) - 1)


def test_a_beam_is_the_same_whether_the_other_place_is_listened_to_or_known():
    heard = delayed(noise(), travel(PLACE)) + delayed(noise(seed=1), travel(ELSEWHERE))
    both = stream(Beamformer(ARRAY), heard, {3: PLACE, 5: ELSEWHERE})
    for number, place, other in ((3, PLACE, ELSEWHERE), (5, ELSEWHERE, PLACE)):
        alone = stream(Beamformer(ARRAY), heard, {number: place}, others=[other])[number]
        np.testing.assert_allclose(joined(both[number]), joined(alone), atol=1e-3)


def as_last_heard(sound, place):
    return delayed(sound, [travel(place).max()])[:, 0]


def test_of_two_who_talk_at_once_each_beam_hears_its_own():
    sounds, places = (noise(), noise(seed=1)), (PLACE, ELSEWHERE)
    heard = sum(delayed(*pair) for pair in zip(sounds, map(travel, places), strict=True))
    beams = stream(Beamformer(ARRAY), heard, dict(enumerate(places)))
    middle = slice(3000, 7000)
    for number, place in enumerate(places):
        own = as_last_heard(sounds[number], place)[middle]
        # Delay and sum: -9.4 dB.
        assert level(joined(beams[number])[middle] - own, own) < -11.5


def test_a_loss_is_a_gap():
    heard = delayed(noise(), travel(PLACE))
    former, beams = Beamformer(ARRAY), []
    for block in blocks(heard):
        if not 2000 <= block.first_sample < 4000:
            beams += [beam for _, beam in former.process(block, {1: PLACE})]
    firsts = np.array([beam.first_sample for beam in beams])
    assert sorted(set(np.diff(firsts))) == [320, 320 * 5]
    whole = stream(Beamformer(ARRAY), heard, {1: PLACE})[1]
    by_first = {beam.first_sample: beam.samples for beam in whole}
    for beam in beams:
        if beam.first_sample < 1600 or beam.first_sample > 4400:
            np.testing.assert_allclose(beam.samples, by_first[beam.first_sample], atol=0.05)


def test_a_new_stream_starts_anew():
    heard = delayed(noise(), travel(PLACE))
    former = Beamformer(ARRAY)
    stream(former, heard, {1: PLACE})
    again = stream(former, heard, {1: PLACE}, start=START - 5 * NANOSECONDS)[1]
    fresh = stream(Beamformer(ARRAY), heard, {1: PLACE})[1]
    np.testing.assert_array_equal(joined(again), joined(fresh))
    assert again[0].first_sample == 0


def test_a_dead_microphone_is_left_out():
    heard = delayed(noise(), travel(PLACE))
    heard[:, 3] = 0.5
    whole, without = (
        joined(stream(Beamformer(ARRAY), each, {1: PLACE})[1])
        for each in (delayed(noise(), travel(PLACE)), heard)
    )
    np.testing.assert_allclose(without[1000:6000], whole[1000:6000], atol=0.02)


def test_one_who_walks_is_heard_without_clicks():
    time = np.arange(COUNT) / RATE
    tone = np.cos(2 * np.pi * 500 * time)
    heard = delayed(tone, travel(PLACE))
    former, beam = Beamformer(ARRAY), []
    for number, block in enumerate(blocks(heard)):
        place = PLACE + 0.01 * number * np.array([0, 1.0, 0])
        beam += [each for _, each in former.process(block, {1: place})]
    bend = np.abs(np.diff(joined(beam)[1000:6000], n=2)).max()
    assert bend < 1.05 * (2 * np.pi * 500 / RATE) ** 2


def test_without_places_nothing_is_computed(monkeypatch):
    monkeypatch.setattr(beamformer, 'DistortionlessBeams', lambda *_: pytest.fail('for nobody'))
    former = Beamformer(ARRAY)
    for block in blocks(delayed(noise(), travel(PLACE))):
        assert former.process(block, {}) == []
