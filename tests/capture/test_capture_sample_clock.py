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

"""Places of samples in time, from arrivals that a simulated computer delays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.capture.sample_clock import MOST_DRIFT, SampleClock

RATE, BLOCK = 16_000, 160
START = 5000.0


class Card:
    """A card that runs at its own rate, and a computer that takes its blocks late."""

    def __init__(self, clock, ppm=0.0, jitter=0.0, seed=0):
        self.clock = clock
        self.period = (1 + 1e-6 * ppm) / RATE
        self.jitter = jitter
        self.rng = np.random.default_rng(seed)
        self.captured = 0
        self.arrived = 0.0
        self.placed = []

    def true_time(self, sample):
        return START + sample * self.period

    def run(self, blocks, not_before=0.0):
        """Capture and deliver blocks, none of them earlier than a time."""
        for _ in range(blocks):
            first, self.captured = self.captured, self.captured + BLOCK
            arrival = self.true_time(self.captured) + self.jitter * self.rng.exponential()
            self.arrived = max(arrival, not_before, self.arrived + 1e-5)
            self.placed += self.clock.add(first, BLOCK, self.arrived)
        return self

    def lose(self, samples):
        self.captured += samples
        return self

    def stall(self, seconds, kept):
        """Let nobody take blocks for a while; the card keeps some of the blocks, then drops."""
        end = self.arrived + seconds
        self.run(kept, not_before=end)
        missed = int((end - self.true_time(self.captured)) / self.period) // BLOCK * BLOCK
        return self.lose(max(missed, 0))

    def close(self):
        self.placed += self.clock.interrupt()

    @property
    def errors(self):
        """Of the times, against the sample that each block really begins with."""
        return np.array([b.time - self.true_time(b.samples) for b in self.placed])

    @property
    def miscounts(self):
        return np.array([b.first_sample - b.samples for b in self.placed])


def test_times_are_those_of_capture():
    card = Card(SampleClock(RATE), jitter=1e-3).run(6000)
    assert len(card.placed) == 6000
    assert np.abs(card.errors).max() < 1e-3
    assert np.abs(card.errors[3000:]).max() < 2e-4
    assert (card.miscounts == 0).all()


@pytest.mark.parametrize('ppm', [-180, 120])
def test_follows_a_card_that_is_fast_or_slow(ppm):
    card = Card(SampleClock(RATE), ppm=ppm, jitter=5e-4).run(9000)
    assert np.abs(card.errors[2000:]).max() < 1e-3
    assert np.abs(card.errors[6000:]).max() < 2e-4
    assert card.clock.drift == pytest.approx(ppm, abs=5)
    assert card.clock.lost == 0


def test_late_blocks_are_no_loss():
    """A computer that is busy for a second, and a card that keeps what it has."""
    card = Card(SampleClock(RATE), jitter=5e-4).run(500).stall(1.0, kept=101).run(500)
    assert card.clock.lost == 0
    assert (card.miscounts == 0).all()
    assert np.abs(card.errors).max() < 1e-3


@pytest.mark.parametrize('seconds', [3.0, 3.002, 3.005, 3.008])
@pytest.mark.parametrize('kept', [0, 40])
def test_what_a_stall_lost_is_counted_at_its_place(kept, seconds):
    """Cards drop what is new when their buffer is full, or all that they had."""
    card = Card(SampleClock(RATE), jitter=5e-4).run(500).stall(seconds, kept).run(500)
    lost = card.captured - 160 * len(card.placed)
    assert lost > 2.5 * RATE - 160 * kept
    assert card.clock.lost == pytest.approx(lost, abs=0.010 * RATE)
    # When the card resumes at the very end of the stall, the block before the gap is not told
    # from the one after it.
    wrong = np.abs(card.miscounts) >= 0.010 * RATE
    assert wrong.sum() <= 1
    assert sum(block.lost > 0 for block in card.placed) == 1
    assert np.abs(card.errors[~wrong]).max() < 0.010


@pytest.mark.parametrize('lost', [240, 800, 5000])
def test_a_gap_without_a_stall(lost):
    card = Card(SampleClock(RATE), jitter=3e-4).run(300).lose(lost).run(300)
    assert card.clock.lost == pytest.approx(lost, abs=16)
    assert np.abs(card.miscounts).max() < 16
    assert card.placed[300].lost == card.clock.lost


def test_gaps_add_up():
    card = Card(SampleClock(RATE), jitter=2e-4).run(300)
    for _ in range(20):
        card.lose(1600).run(200)
    assert card.clock.lost == pytest.approx(32_000, abs=160)
    assert card.clock.anchors == 21


def test_fragments_are_no_loss():
    """Servers hand over several blocks at once."""
    card = Card(SampleClock(RATE))
    for number in range(400):
        card.run(4, not_before=START + 0.04 * (number + 1))
    assert card.clock.lost == 0
    assert np.abs(card.errors).max() < 1e-3


def test_a_loss_between_fragments_is_counted_at_its_place():
    card = Card(SampleClock(RATE))

    def fragments(count):
        for _ in range(count):
            card.run(3, not_before=card.true_time(card.captured + 3 * BLOCK))

    fragments(100)
    card.run(40, not_before=card.true_time(card.captured) + 2.0)
    card.captured = round((card.arrived - START) / card.period)
    fragments(100)
    assert np.abs(card.miscounts).max() < 0.010 * RATE
    assert card.clock.lost == pytest.approx(card.captured - 160 * 640, abs=0.010 * RATE)


def test_what_is_missed_while_closed_is_lost():
    card = Card(SampleClock(RATE), ppm=80, jitter=2e-4).run(2000)
    card.close()
    card.lose(600 * RATE + 77).run(300)
    assert card.clock.lost == pytest.approx(600 * RATE + 77, abs=0.010 * RATE)
    assert np.abs(card.miscounts).max() < 0.010 * RATE


def test_the_rate_is_remembered_over_losses():
    card = Card(SampleClock(RATE), ppm=150, jitter=2e-4).run(4000)
    for _ in range(5):
        card.lose(3200).run(150)
    assert card.clock.drift == pytest.approx(150, abs=10)


def test_blocks_kept_back_come_out_at_the_end():
    card = Card(SampleClock(RATE)).run(100)
    card.run(5, not_before=card.arrived + 0.5)
    assert len(card.placed) == 100
    card.close()
    assert len(card.placed) == 105


def test_a_start_amid_delays_is_put_right():
    """All first blocks come 30 ms late; the line moves once they do no longer."""
    card = Card(SampleClock(RATE))
    for _ in range(40):
        card.run(1, not_before=card.true_time(card.captured + BLOCK) + 0.03)
    card.run(500)
    assert np.abs(card.errors[100:]).max() < 1e-3
    assert (np.diff([block.time for block in card.placed]) > 0).all()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    ppm=st.floats(-300, 300),
    jitter=st.floats(0, 4e-3),
    gaps=st.lists(st.tuples(st.integers(30, 200), st.integers(0, 9000)), max_size=5),
)
def test_time_runs_on_at_a_bounded_rate(seed, ppm, jitter, gaps):
    card = Card(SampleClock(RATE), ppm, jitter, seed).run(200)
    for blocks, lost in gaps:
        card.lose(lost).run(blocks)
    times = np.array([block.time for block in card.placed])
    firsts = np.array([block.first_sample for block in card.placed])
    assert (np.diff(times) > 0).all()
    assert (np.diff(firsts) >= BLOCK).all()
    steady = np.diff(times)[[block.lost == 0 for block in card.placed[1:]]]
    if card.clock.anchors == 1:
        assert np.abs(steady * RATE / BLOCK - 1).max() < MOST_DRIFT + 1e-6
