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

"""Faults of microphone arrays that are built in on purpose."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from av_tracker_nodes.calibration.array_check import ArrayCheck
from av_tracker_nodes.cli.main import main
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.calibration import save_microphones
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

RATE, SPEED = 16_000, 343.0
SQUARE = MicrophoneArray(0.0405 * np.array([[-1, 0, 0], [0, 1, 0], [1, 0, 0], [0, -1, 0]]))
ANGLES = np.arange(8) * np.pi / 4
CIRCLE = MicrophoneArray(0.1 * np.stack([np.cos(ANGLES), np.sin(ANGLES), 0 * ANGLES], -1))


def hear(array, azimuths, seconds=1.0, elevation=20.0, seed=0):
    """Noise from far away, from one direction after the other, over a noise of the channels."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    parts = []
    for azimuth in np.deg2rad(azimuths):
        flat = np.cos(np.deg2rad(elevation))
        x, y, z = flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(np.deg2rad(elevation))
        delays = -array.positions @ [x, y, z] / SPEED
        source = np.fft.rfft(0.05 * rng.normal(size=count))
        shifted = np.fft.irfft(source * np.exp(-2j * np.pi * frequency * delays[:, None]), count)
        parts.append(shifted.T + 0.01 * rng.normal(size=(count, len(delays))))
    return np.concatenate(parts).astype(np.float32)


def reports_of(array, sound):
    check = ArrayCheck(array)
    reports = [check.add(sound[start : start + 160]) for start in range(0, len(sound), 160)]
    return [report for report in reports if report is not None]


@pytest.mark.parametrize('azimuth', [-170, -60, 15, 100])
def test_shows_the_direction(azimuth):
    reports = reports_of(CIRCLE, hear(CIRCLE, [azimuth], 2.0))
    assert len(reports) == 4
    for report in reports:
        (heard,) = report.heard
        assert heard.azimuth == pytest.approx(azimuth, abs=5)
        assert heard.elevation == pytest.approx(20, abs=10)
        assert heard.coherence > 0.5


def test_levels_are_of_full_scale():
    sound = np.zeros((RATE, 4), np.float32)
    sound[:] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)[:, None]
    report = reports_of(SQUARE, sound)[0]
    assert report.levels == pytest.approx(-9.03, abs=0.05)
    assert report.peaks == pytest.approx(-6.02, abs=0.05)


def test_dead_weak_and_clipped_channels():
    sound = hear(CIRCLE, [40])
    sound[:, 2] = 0
    sound[:, 5] = 0.3
    sound[:, 6] *= 0.1
    sound[::50, 7] = 1
    report = reports_of(CIRCLE, sound)[-1]
    assert report.states == ('ok', 'ok', 'dead', 'ok', 'ok', 'dead', 'weak', 'clipped')
    assert report.heard[0].azimuth == pytest.approx(40, abs=8)


def test_one_channel_twice():
    sound = hear(CIRCLE, [40])
    sound[:, 6] = sound[:, 1]
    states = reports_of(CIRCLE, sound)[-1].states
    assert states[6] == 'copy of channel 1'
    assert states.count('ok') == 7


def test_silence_is_dead():
    report = reports_of(SQUARE, np.zeros((RATE, 4), np.float32))[-1]
    assert set(report.states) == {'dead'}
    assert report.heard == ()


@pytest.mark.parametrize('swap', [(0, 1), (2, 6), (3, 5)])
def test_swapped_channels_are_named(swap):
    sound = hear(CIRCLE, [-100, -20, 70, 150])
    sound[:, list(swap)] = sound[:, list(swap[::-1])]
    assert reports_of(CIRCLE, sound)[-1].swaps == (swap,)


def test_channels_in_order_are_not_called_swapped():
    sound = hear(CIRCLE, range(-180, 180, 45), 0.5)
    assert not any(report.swaps for report in reports_of(CIRCLE, sound))


def test_a_square_tells_neighbours_but_not_which():
    """Exchanging the other two neighbours too mirrors the square: it is as good an answer."""
    sound = hear(SQUARE, [-100, -20, 70, 150])
    sound[:, [0, 1]] = sound[:, [1, 0]]
    assert reports_of(SQUARE, sound)[-1].swaps == ((0, 1), (2, 3))


def test_channels_are_those_of_the_card():
    array = MicrophoneArray(SQUARE.positions, channels=np.array([1, 2, 3, 4]))
    sound = np.column_stack([np.zeros(4 * RATE), hear(SQUARE, [-100, -20, 70, 150])])
    sound[:, [1, 2]] = sound[:, [2, 1]]
    report = reports_of(array, sound.astype(np.float32))[-1]
    assert set(report.states) == {'ok'}
    assert report.swaps == ((1, 2), (3, 4))


def with_intruder(sound, delay=0.1):
    """A card whose first channel is a late mixture of its microphones, which follow."""
    mixture = np.roll(sound.mean(axis=1), round(delay * RATE))
    return np.column_stack([mixture, sound]).astype(np.float32)


def test_what_is_no_microphone_is_named_and_not_called_swapped():
    sound = with_intruder(hear(CIRCLE, [-100, -20, 70, 150]))[:, :8]
    report = reports_of(CIRCLE, sound)[-1]
    assert list(report.intruders) == [0]
    assert report.swaps == ()


@pytest.fixture
def check(tmp_path):
    """Run the command on a bag with sound, and a description of its array or of another."""

    def run(sound, *options, array=CIRCLE):
        save_microphones(tmp_path / 'array.yaml', array)
        with BagWriter(tmp_path / 'bag', overwrite=True) as bag:
            bag.write_rig(Rig(Camera(300, 300, 160, 120, (320, 240)), CIRCLE), 0)
            for first in range(0, len(sound), 160):
                stamp = first * NANOSECONDS // RATE
                bag.write_audio(AudioBlock(stamp, first, RATE, sound[first : first + 160]))
        command = ['check', 'array', str(tmp_path / 'array.yaml'), '--bag', str(tmp_path / 'bag')]
        result = CliRunner().invoke(main, [*command, *options])
        return result.exit_code, result.output

    return run


def test_command_finds_nothing_wrong(check):
    status, told = check(hear(CIRCLE, [30, 120]))
    assert status == 0, told
    assert 'nothing wrong was found' in told
    assert 'azimuth' in told


def test_command_names_what_is_wrong(check):
    sound = hear(CIRCLE, [-100, -20, 70, 150])
    sound[:, [3, 5]] = sound[:, [5, 3]]
    sound[:, 0] = 0
    status, told = check(sound)
    assert status == 1
    assert 'channel 0: dead for 100% of the time' in told
    assert 'look swapped: 3 and 5' in told


def test_command_takes_the_channels_that_it_is_given(check):
    """In a bag as on a card; what is wrong is told in channels of the card."""
    sound = with_intruder(hear(CIRCLE, [-100, -20, 70, 150]))
    status, told = check(sound)
    assert status == 1
    assert 'channel 0 comes 100 ms after the others' in told
    status, told = check(sound, '--channels', '1-8')
    assert status == 0, told
    status, told = check(sound, '--channels', '1,2,6,4,5,3,7,8')
    assert status == 1
    assert 'look swapped: 3 and 6' in told.replace('6 and 3', '3 and 6')


@pytest.mark.parametrize(
    ('seconds', 'channels', 'array', 'reason'),
    [
        (1.0, '1-4', CIRCLE, 'names 4 channels'),
        (1.0, '1-7,20', CIRCLE, 'does not fit'),
        (1.0, '1-7,1', CIRCLE, 'distinct'),
        (1.0, '1..4', CIRCLE, "channel map '1..4' is not like 0-3, 7"),
        (0.2, None, CIRCLE, 'half a second is needed'),
        (1.0, None, replace(CIRCLE, channels=np.arange(8) + 8), 'does not fit array'),
    ],
)
def test_command_refuses_what_does_not_fit(check, seconds, channels, array, reason):
    options = ['--channels', channels] if channels else []
    status, told = check(hear(CIRCLE, [0], seconds), *options, array=array)
    assert status == 2
    assert reason in told
