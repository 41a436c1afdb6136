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

"""Beams to places, of a block and of a stream."""

import numpy as np
import pytest
from acoustic_scenes import RATE, blocks, propagate, two_circles
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics import beamformer
from av_tracker_nodes.acoustics.beam import PartedBeams, delay_and_sum
from av_tracker_nodes.acoustics.beamformer import HOP, Beamformer
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.types import NANOSECONDS

ARRAY = two_circles()
DELAYS = PairDelays.of(ARRAY)
PLACE, ELSEWHERE = np.array([0.9, -0.4, 0.6]), np.array([0.7, 0.8, 0.6])


def tones(time, frequencies, phases):
    return sum(np.cos(2 * np.pi * f * time + p) for f, p in zip(frequencies, phases, strict=True))


def test_whole_samples_of_delay_are_undone_exactly():
    sound = np.random.default_rng(0).normal(size=500).astype(np.float32)
    shifts = np.array([0, 3, 7])
    heard = np.stack([np.concatenate([np.zeros(s), sound])[:500] for s in shifts], axis=1)
    (beam,) = delay_and_sum(heard.astype(np.float32), shifts[None] / RATE, RATE)
    assert beam.shape == (500,)
    assert beam.dtype == np.float32
    np.testing.assert_allclose(beam[7:], sound[:-7], atol=1e-5)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 3e-3), min_size=1, max_size=6),
    st.lists(st.floats(100, 7000), min_size=1, max_size=4),
    st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000, 96_000]),
)
def test_tones_come_out_at_any_delay_and_rate_as_the_last_microphone_hears_them(
    delays, frequencies, rate
):
    frequencies = np.minimum(frequencies, 0.4 * rate)
    phases = np.arange(len(frequencies))
    time = np.arange(rate // 4) / rate
    heard = np.stack([tones(time - d, frequencies, phases) for d in delays], axis=1)
    (beam,) = delay_and_sum(heard.astype(np.float32), np.array([delays]), rate, RATE)
    assert len(beam) == len(time) * RATE // rate
    expected = tones(np.arange(len(beam)) / RATE - max(delays), frequencies, phases)
    middle = slice(1000, -1000)
    np.testing.assert_allclose(beam[middle], expected[middle], atol=0.02 * len(frequencies))


def test_a_beam_gains_ten_times_the_logarithm_of_the_number_of_microphones_over_noise():
    noise = np.random.default_rng(1).normal(size=(RATE, 16)).astype(np.float32)
    (beam,) = delay_and_sum(noise, DELAYS.travel(PLACE)[None], RATE)
    assert beam[200:].var() == pytest.approx(1 / 16, rel=0.05)


def delayed(sound, delays, rate=RATE):
    """What arrives after delays (s), shape (samples, delays)."""
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    turns = np.exp(-2j * np.pi * frequencies * np.reshape(delays, (-1, 1)))
    return np.fft.irfft(np.fft.rfft(sound) * turns, len(sound)).T.astype(np.float32)


def as_last_heard(sound, place):
    """The sound of a place as it reaches the last microphone, without its spreading."""
    return delayed(sound, [DELAYS.travel(place).max()])[:, 0]


ALL = np.ones(16, bool)


def summed(samples, places):
    return delay_and_sum(samples, DELAYS.travel(places), RATE)


def parted(samples, places, alive=ALL, **options):
    beams = PartedBeams(DELAYS, RATE, RATE, len(samples), **options)
    return beams.form(samples, alive, places)


@pytest.mark.parametrize(('form', 'most'), [(summed, 0.35), (parted, 0.1)])
def test_beams_hear_their_places_and_less_of_others(form, most):
    places = np.stack([PLACE, ELSEWHERE])
    sounds = np.random.default_rng(2).normal(size=(2, RATE // 2))
    samples = propagate(list(zip(places, sounds, strict=True)), ARRAY)
    beams = form(samples, places)
    heard = [as_last_heard(*pair) for pair in zip(sounds, places, strict=True)]
    gains = np.corrcoef(np.vstack([beams, heard])[:, 400:-100])[:2, 2:]
    assert (np.diag(gains) > 0.9).all()
    assert (np.abs([gains[0, 1], gains[1, 0]]) < most).all()


def test_less_noise_from_all_sides_is_in_a_parted_beam_than_in_a_sum():
    """From as many directions as there are on a grid over the sphere, none of them the place."""
    rng = np.random.default_rng(5)
    towards = rng.normal(size=(100, 3))
    far = 50 * towards / np.linalg.norm(towards, axis=1, keepdims=True)
    samples = propagate([(place, 50 * rng.normal(size=RATE // 4)) for place in far], ARRAY)
    low = np.fft.rfftfreq(3000, 1 / RATE) < 500
    sounds = propagate([(PLACE, rng.normal(size=RATE // 4))], ARRAY)

    def noise_over_place(form):
        powers = [
            np.sum(np.abs(np.fft.rfft(form(each, PLACE[None])[0, 900:3900])[low]) ** 2)
            for each in (samples, sounds)
        ]
        return powers[0] / powers[1]

    assert noise_over_place(parted) < 0.8 * noise_over_place(summed)


def test_beams_to_one_place_share_its_sound_and_none_is_lost():
    samples = propagate([(PLACE, np.random.default_rng(4).normal(size=RATE // 2))], ARRAY)
    alone = parted(samples, PLACE[None])
    shared = parted(samples, np.stack([PLACE] * 3))
    np.testing.assert_allclose(shared, shared[[1, 2, 0]], atol=1e-5)
    np.testing.assert_allclose(shared.sum(axis=0), alone[0], atol=0.1 * np.abs(alone).max())


def test_parted_beams_are_those_of_the_microphones_that_hear_now():
    places = np.stack([PLACE, ELSEWHERE])
    sounds = np.random.default_rng(7).normal(size=(2, 4000))
    samples = propagate(list(zip(places, sounds, strict=True)), ARRAY)
    some = np.arange(16) % 3 > 0
    damaged = np.where(some, samples, 1e3).astype(np.float32)
    beams = PartedBeams(DELAYS, RATE, RATE, len(samples))
    for alive in (ALL, some, ALL):
        heard = damaged if alive is some else samples
        fresh = parted(np.where(alive, samples, 0), places, alive)
        np.testing.assert_allclose(beams.form(heard, alive, places), fresh, atol=1e-5)


def test_offset_and_rumble_are_left_out():
    time = np.arange(8000) / RATE
    rumble, wanted = 1 + np.cos(2 * np.pi * 20 * time), np.cos(2 * np.pi * 500 * time)
    above = np.array([[0, 0, 1000.0]])
    with_rumble, without = (
        parted(np.stack([each] * 16, 1).astype(np.float32), above, lowest=60)
        for each in (rumble + wanted, wanted)
    )
    # The block is filled up with silence, so an offset has edges.
    middle = slice(2000, -2000)
    np.testing.assert_allclose(
        with_rumble[:, middle], without[:, middle], atol=0.05 * np.abs(without).max()
    )


def test_a_constant_on_all_delays_changes_nothing_and_no_place_gives_no_beam():
    samples = np.random.default_rng(3).normal(size=(900, 16)).astype(np.float32)
    delays = DELAYS.travel(np.stack([PLACE, ELSEWHERE]))
    beams = delay_and_sum(samples, delays, RATE)
    np.testing.assert_allclose(delay_and_sum(samples, delays + 0.7, RATE), beams, atol=1e-5)
    assert delay_and_sum(samples, np.zeros((0, 16)), RATE).shape == (0, 900)
    assert parted(samples, np.zeros((0, 3))).shape == (0, 900)


# ---- streams of beams


START = 50 * NANOSECONDS
COUNT = RATE // 2


def noise(count=COUNT, rate=RATE, seed=0, highest=7_000):
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum[np.fft.rfftfreq(count, 1 / rate) > highest] = 0
    return np.fft.irfft(spectrum, count)


def stream(former, samples, places, others=(), start=START, **options):
    """All blocks of all beams, by number."""
    beams = {number: [] for number in places}
    for block in blocks(samples, start=start, **options):
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
    heard = delayed(sound, DELAYS.travel(PLACE), rate)
    array = MicrophoneArray(ARRAY.positions, rate=rate)
    beam = stream(Beamformer(array, RATE), heard, {7: PLACE}, rate=rate, size=rate // 100)[7]
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    last = np.fft.rfft(sound) * np.exp(-2j * np.pi * frequencies * DELAYS.travel(PLACE).max())
    expected = np.fft.irfft(last[: COUNT // 2 + 1], COUNT) * COUNT / len(sound)
    middle = slice(1000, 6000)
    assert level(joined(beam)[middle] - expected[middle], expected[middle]) < -40


def test_another_place_is_let_through_less_than_by_delay_and_sum():
    frequencies = np.arange(0, 7_000, 10)
    difference = DELAYS.travel(ELSEWHERE) - DELAYS.travel(PLACE)
    turns = np.exp(-2j * np.pi * frequencies[:, None] * difference)
    known = 10 * np.log10(np.mean(np.abs(turns.mean(axis=1)) ** 2))
    assert known < -9
    steered, other = (
        joined(stream(Beamformer(ARRAY), delayed(sound, DELAYS.travel(place)), {1: PLACE})[1])
        for sound, place in ((noise(), PLACE), (noise(seed=1), ELSEWHERE))
    )
    middle = slice(1000, 6000)
    assert level(steered[middle], noise()) == pytest.approx(0, abs=0.2)
    assert level(other[middle], noise(seed=1)) < known - 3


@pytest.mark.parametrize('size', [160, 147, 1000])
def test_samples_are_counted_and_stamped_as_they_come(size):
    heard = delayed(noise(), DELAYS.travel(PLACE))
    former, count = Beamformer(ARRAY), 0
    for block in blocks(heard, size, start=START):
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
    heard = delayed(noise(), DELAYS.travel(PLACE)) + delayed(
        noise(seed=1), DELAYS.travel(ELSEWHERE)
    )
    both = stream(Beamformer(ARRAY), heard, {3: PLACE, 5: ELSEWHERE})
    for number, place, other in ((3, PLACE, ELSEWHERE), (5, ELSEWHERE, PLACE)):
        alone = stream(Beamformer(ARRAY), heard, {number: place}, others=[other])[number]
        np.testing.assert_allclose(joined(both[number]), joined(alone), atol=1e-3)


def test_of_two_who_talk_at_once_each_beam_hears_its_own():
    sounds, places = (noise(), noise(seed=1)), (PLACE, ELSEWHERE)
    heard = sum(delayed(*pair) for pair in zip(sounds, map(DELAYS.travel, places), strict=True))
    beams = stream(Beamformer(ARRAY), heard, dict(enumerate(places)))
    middle = slice(3000, 7000)
    for number, place in enumerate(places):
        own = as_last_heard(sounds[number], place)[middle]
        # Delay and sum: -9.4 dB.
        assert level(joined(beams[number])[middle] - own, own) < -11.5


def test_a_loss_is_a_gap():
    heard = delayed(noise(), DELAYS.travel(PLACE))
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
    heard = delayed(noise(), DELAYS.travel(PLACE))
    former = Beamformer(ARRAY)
    stream(former, heard, {1: PLACE})
    again = stream(former, heard, {1: PLACE}, start=START - 5 * NANOSECONDS)[1]
    fresh = stream(Beamformer(ARRAY), heard, {1: PLACE})[1]
    np.testing.assert_array_equal(joined(again), joined(fresh))
    assert again[0].first_sample == 0


def test_a_dead_microphone_is_left_out():
    heard = delayed(noise(), DELAYS.travel(PLACE))
    heard[:, 3] = 0.5
    whole, without = (
        joined(stream(Beamformer(ARRAY), each, {1: PLACE})[1])
        for each in (delayed(noise(), DELAYS.travel(PLACE)), heard)
    )
    np.testing.assert_allclose(without[1000:6000], whole[1000:6000], atol=0.02)


def test_one_who_walks_is_heard_without_clicks():
    time = np.arange(COUNT) / RATE
    tone = np.cos(2 * np.pi * 500 * time)
    heard = delayed(tone, DELAYS.travel(PLACE))
    former, beam = Beamformer(ARRAY), []
    for number, block in enumerate(blocks(heard)):
        place = PLACE + 0.01 * number * np.array([0, 1.0, 0])
        beam += [each for _, each in former.process(block, {1: place})]
    bend = np.abs(np.diff(joined(beam)[1000:6000], n=2)).max()
    assert bend < 1.05 * (2 * np.pi * 500 / RATE) ** 2


def test_without_places_nothing_is_computed(monkeypatch):
    monkeypatch.setattr(beamformer, 'DistortionlessBeams', lambda *_: pytest.fail('for nobody'))
    former = Beamformer(ARRAY)
    for block in blocks(delayed(noise(), DELAYS.travel(PLACE))):
        assert former.process(block, {}) == []
