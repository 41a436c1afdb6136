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

import numpy as np
import pytest
from acoustic_scenes import RATE, propagate, two_circles
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.beam import PartedBeams, delay_and_sum
from av_tracker_nodes.acoustics.delays import PairDelays

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


def as_last_heard(sound, place):
    """The sound of a place as it reaches the last microphone, without its spreading."""
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    turn = np.exp(-2j * np.pi * frequency * DELAYS.travel(place).max())
    return np.fft.irfft(np.fft.rfft(sound) * turn)


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
