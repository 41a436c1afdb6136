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

"""Sound as it comes from real cards: each fault costs little, or the answer is an honest nothing.

Two circles of eight microphones, a voice 1.2 m away, noise 25 dB below. Unharmed, the median
direction is off by 0.3 degrees or less.
"""

from functools import partial
from itertools import chain

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    RIG,
    TALKER,
    angle_between,
    blocks,
    fed,
    frame_at,
    normalised_error,
    propagate,
    seconds,
    two_circles,
    voice,
)

from av_tracker_nodes.acoustics import MEASURES, AcousticStage
from av_tracker_nodes.acoustics.channels import dead_channels
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.types import AudioBlock

TIMES = np.arange(0.5, 2.4, 0.1)


@pytest.fixture(scope='module')
def spoken():
    return propagate([(TALKER, voice(2.5))], two_circles(), noise=1.5e-3)


def maps_of(samples, times=TIMES, measure='vggcf'):
    stage = fed(AcousticStage(RIG, measure), samples)
    return [stage.process(frame_at(time)) for time in times]


def errors_of(maps, origin=RIG.microphones.centre):
    """Errors (degrees) of the strongest peaks, seen from a place, of maps that have some."""
    peaks = [m.peaks[0] for m in maps if m.peaks and m.peaks[0].score > 0.1]
    return np.array([angle_between(peak.position - origin, TALKER - origin) for peak in peaks])


def clipped(samples):
    limit = 0.5 * samples.std()
    return np.clip(samples, -limit, limit)


def with_offset(samples):
    return samples + np.linspace(-0.5, 0.5, 16, dtype=np.float32)


def with_step(samples):
    jump = np.zeros_like(samples)
    jump[20_000:, 4] = 0.3
    return samples + jump


def with_gain(samples, gain):
    """One channel is louder or quieter than the others."""
    return samples * np.where(np.arange(16) == 6, gain, 1).astype(np.float32)


def rumbling(samples):
    hum = 0.5 * np.sin(2 * np.pi * 50 * np.arange(len(samples)) / RATE)
    return samples + hum[:, None].astype(np.float32)


def switched_off(samples):
    off = samples.copy()
    off[18_000:, [2, 9, 11]] = 0
    return off


def swapped_for_zero(samples):
    """A loose plug: three channels come and go."""
    loose = samples.copy()
    loose[(np.arange(len(samples)) // 1500) % 2 == 0, 3:6] = 0
    return loose


def never_a_number(samples):
    broken = samples.copy()
    broken[:, 5] = np.nan
    broken[:, 12] = np.inf
    return broken


def sometimes_no_number(samples):
    broken = samples.copy()
    broken[np.random.default_rng(0).random(len(samples)) < 0.001] = np.nan
    return broken


@pytest.mark.thorough
@pytest.mark.parametrize(
    ('fault', 'tolerance'),
    [
        (lambda samples: samples, 0.3),
        (clipped, 1.0),
        (with_offset, 0.3),
        (with_step, 1.0),
        (partial(with_gain, gain=0.1), 0.3),
        (partial(with_gain, gain=10), 1.0),
        (rumbling, 1.0),
        (switched_off, 0.5),
        (swapped_for_zero, 1.0),
        (never_a_number, 0.5),
        (sometimes_no_number, 2.0),
    ],
)
def test_a_fault_costs_little(spoken, fault, tolerance):
    maps = maps_of(fault(spoken))
    errors = errors_of(maps)
    assert all(np.isfinite(m.values).all() for m in maps)
    assert len(errors) > 0.5 * len(maps)
    assert np.median(errors) < tolerance
    assert np.percentile(errors, 90) < 3 + tolerance


@pytest.mark.thorough
@pytest.mark.parametrize('count', range(1, 9))
@pytest.mark.parametrize('how', ['zero', 'hiss of the preamplifier'])
def test_one_to_eight_dead_microphones(spoken, count, how):
    rng = np.random.default_rng(count)
    dead = np.sort(rng.choice(16, count, replace=False))
    damaged = spoken.copy()
    hiss = 1e-6 * rng.normal(size=(len(spoken), count))
    damaged[:, dead] = 0 if how == 'zero' else hiss
    maps = maps_of(damaged)
    assert {m.dead_channels for m in maps} == {tuple(dead.tolist())}
    assert np.median(errors_of(maps)) < 1
    # Pairs that hear nothing leave no ghosts.
    assert np.median([p.score for m in maps for p in m.peaks[1:]] or [0]) < 0.1


def test_a_whole_array_may_be_dead(spoken):
    damaged = spoken.copy()
    damaged[:, 8:] = 0
    north = RIG.microphones.positions[:8].mean(axis=0)
    assert np.median(errors_of(maps_of(damaged), north)) < 1


@pytest.mark.parametrize('alive', [0, 1])
def test_without_a_pair_nothing_is_said(spoken, alive):
    damaged = np.zeros_like(spoken)
    damaged[:, :alive] = spoken[:, :alive]
    for m in maps_of(damaged):
        assert m.peaks == ()
        assert not m.values.any()
        assert len(m.dead_channels) == (15 if alive else 0)


def test_two_microphones_left_say_that_they_know_little(spoken):
    damaged = np.zeros_like(spoken)
    damaged[:, [0, 4]] = spoken[:, [0, 4]]
    for m in maps_of(damaged):
        for peak in m.peaks[:1]:
            assert normalised_error(peak, TALKER) < 11.34
            assert np.sqrt(np.linalg.eigvalsh(peak.covariance)[-2:]).min() > 0.3


@pytest.mark.parametrize('measure', MEASURES)
def test_silence_is_silent(measure):
    for m in maps_of(np.zeros((RATE, 16), np.float32), [0.3, 0.6, 0.9], measure):
        assert m.peaks == ()
        assert m.dead_channels == ()
        assert not m.values.any()
        assert m.coverage == 1


def test_only_numbers_that_are_none(spoken):
    for m in maps_of(np.full_like(spoken, np.nan)):
        assert m.coverage == 0
        assert m.peaks == ()
        assert not m.values.any()


def test_noise_that_no_place_explains_has_no_strong_peak():
    noise = 0.01 * np.random.default_rng(1).normal(size=(2 * RATE, 16)).astype(np.float32)
    maps = maps_of(noise, np.arange(0.5, 1.9, 0.1))
    assert max((p.score for m in maps for p in m.peaks), default=0) < 0.15


def stage_without(samples, start, end):
    """A stage to which the blocks that begin within some samples never came."""
    came = [block for block in blocks(samples) if not start <= block.first_sample < end]
    return fed(AcousticStage(RIG), came)


def test_blocks_that_never_came_are_a_gap_and_no_click(spoken):
    stage = stage_without(spoken, 20_000, 24_000)
    whole = maps_of(spoken, [1.2, 1.4, 1.9])
    before, within, after = (stage.process(frame_at(t)) for t in (1.2, 1.4, 1.9))
    assert before.coverage == after.coverage == 1
    assert 0 < within.coverage < 1
    np.testing.assert_array_equal(before.values, whole[0].values)
    for maps in ([within], [after]):
        assert (errors_of(maps) < 3).all()
    # The floor of the noise remembers 2 s.
    np.testing.assert_allclose(after.values, whole[2].values, atol=0.05)


def test_in_a_gap_nothing_is_heard(spoken):
    silent = stage_without(spoken, 20_000, 40_000).process(frame_at(1.6))
    assert silent.coverage == 0
    assert silent.peaks == ()


def in_disorder(stream):
    start, *pending = stream
    turned = [pending[k : k + 5][::-1] for k in range(0, len(pending), 5)]
    return [start, *chain(*turned)]


@pytest.mark.parametrize('come', [in_disorder, lambda stream: [b for b in stream for _ in '12']])
def test_blocks_in_disorder_are_put_in_order_and_those_that_come_twice_count_once(spoken, come):
    stage, expected = fed(AcousticStage(RIG), come(blocks(spoken))), maps_of(spoken, [1.2])[0]
    np.testing.assert_array_equal(stage.process(frame_at(1.2)).values, expected.values)


@pytest.mark.parametrize('channels', [1, 8, 15])
def test_too_few_channels_are_refused_and_the_sound_before_is_kept(spoken, channels):
    stage = fed(AcousticStage(RIG), spoken[:20_000])
    with pytest.raises(InputError, match=f'{channels} channels'):
        stage.add(AudioBlock(seconds(1.25), 20_000, RATE, np.zeros((160, channels), np.float32)))
    assert stage.process(frame_at(1.2)).coverage == 1


def test_channels_beyond_the_array_are_ignored(spoken):
    more = np.concatenate([spoken, np.ones((len(spoken), 2), np.float32)], axis=1)
    np.testing.assert_array_equal(maps_of(more, [1.2])[0].values, maps_of(spoken, [1.2])[0].values)


@pytest.mark.parametrize('silent', range(16))
def test_any_number_of_silent_channels_is_told(silent):
    power = np.full(16, 1e-6)
    power[:silent] = 0
    assert np.flatnonzero(dead_channels(power)).tolist() == list(range(silent))
