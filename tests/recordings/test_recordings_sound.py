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

"""Sound of every format and rate, in our messages and in those of audio_common."""

import struct
import wave
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.messages.sample_formats import SAMPLE_FORMATS, to_samples
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

START = 5_000_000_000
RATES = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000]


def encoded(value, name):
    """One sample of a value in [-1, 1) in a format, by the standard library."""
    order = 'big' if name.endswith('BE') else 'little'
    if name.startswith('F'):
        kind = 'd' if '64' in name else 'f'
        return struct.pack(('>' if order == 'big' else '<') + kind, value)
    bits = next(bits for bits in (16, 24, 32, 8) if name[1:].startswith(str(bits)))
    whole = round(value * 2 ** (bits - 1))
    if name.startswith('U'):
        return bytes([whole + 128])
    size = 4 if '_32' in name else bits // 8
    return whole.to_bytes(size, order, signed=True)


@pytest.mark.parametrize('name', SAMPLE_FORMATS)
@given(st.lists(st.integers(-128, 127), min_size=3, max_size=12))
def test_samples_of_every_format(name, values):
    values = np.array(values[: len(values) // 3 * 3]) / 128
    data = b''.join(encoded(value, name) for value in values)
    samples = to_samples(data, name, 3)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, values.reshape(-1, 3))
    np.testing.assert_array_equal(to_samples(data, name.lower(), 3), samples)


@pytest.mark.parametrize(('name', 'size'), [('S16LE', 2), ('S24LE', 3), ('S32LE', 4)])
def test_samples_as_in_a_wave_file(tmp_path, name, size):
    """Files of the standard library hold the same bytes."""
    values = np.random.default_rng(0).integers(-(2**15), 2**15, 60)
    data = b''.join(int(v << 8 * (size - 2)).to_bytes(size, 'little', signed=True) for v in values)
    with wave.open(str(tmp_path / 'sound.wav'), 'wb') as file:
        file.setparams((2, size, 16_000, 0, 'NONE', ''))
        file.writeframes(data)
    with wave.open(str(tmp_path / 'sound.wav')) as file:
        read = to_samples(file.readframes(30), name, 2)
    np.testing.assert_array_equal(read.ravel() * 2**15, values)


def our_block(name, data, channels=2, frames=2, rate=16_000):
    block = AudioBlock(START, 7, rate, np.zeros((frames, channels), np.float32))
    message = messages.to_audio(block, 'array')
    message.encoding, message.data = name, np.frombuffer(data, np.uint8)
    return message


@pytest.mark.parametrize('name', SAMPLE_FORMATS)
def test_our_blocks_have_every_format(name):
    values = [0.5, -0.25, -1.0, 0.0]
    data = b''.join(encoded(value, name) for value in values)
    block = messages.from_audio(our_block(name, data))
    np.testing.assert_array_equal(block.samples.ravel(), values)
    assert (block.stamp, block.first_sample, block.rate) == (START, 7, 16_000)
    with pytest.raises(InputError, match='instead of 2 x 2'):
        messages.from_audio(our_block(name, data[:-1]))
    with pytest.raises(InputError, match='rate of 0 Hz'):
        messages.from_audio(our_block(name, data, rate=0))


@pytest.mark.parametrize('name', ['', 'mp3', 'S12LE', 'S16', 'float'])
def test_unknown_formats_are_named(name):
    with pytest.raises(InputError, match=f"audio encoding '{name}' is not supported; use one of"):
        messages.from_audio(our_block(name, bytes(8)))


# ---- audio_common


def make(name, **fields):
    return messages.typestore().types[f'audio_common_msgs/msg/{name}'](**fields)


def info(**changes):
    parts = {
        'channels': 4,
        'sample_rate': 16_000,
        'sample_format': 'S16LE',
        'bitrate': 128,
        'coding_format': 'wave',
    }
    return make('AudioInfo', **(parts | changes))


def plain(samples):
    data = np.ascontiguousarray(samples, '<i2').view(np.uint8).ravel()
    return make('AudioData', data=data)


def stamped(samples, stamp):
    sec, nanosec = divmod(stamp, NANOSECONDS)
    types = messages.typestore().types
    time = types['builtin_interfaces/msg/Time'](sec=sec, nanosec=nanosec)
    header = types['std_msgs/msg/Header'](stamp=time, frame_id='')
    return make('AudioDataStamped', header=header, audio=plain(samples))


def noise(count, channels=4, seed=0):
    return np.random.default_rng(seed).integers(-9000, 9000, (count, channels), np.int16)


def stream(samples, rate=16_000, start=START, size=None, lost=()):
    """Stamped messages and their log times, blocks of 10 ms or of `size` samples."""
    size = size or rate // 100
    for number, first in enumerate(range(0, len(samples), size)):
        part = samples[first : first + size]
        stamp = start + first * NANOSECONDS // rate
        if number not in lost:
            yield stamped(part, stamp), stamp + len(part) * NANOSECONDS // rate


def heard(sound, sent):
    return [block for message, log_time in sent for block in sound.hear(message, log_time)]


@pytest.fixture
def sound():
    """What hears a driver that has told its format."""
    sound = messages.AudioCommonSound()
    sound.learn(info())
    return sound


def assert_is(blocks, samples, start=START, rate=16_000):
    """Blocks hold the samples, at their places and times."""
    np.testing.assert_array_equal(
        np.concatenate([block.samples for block in blocks]) * 2**15, samples
    )
    first = blocks[0].first_sample
    for block in blocks:
        assert block.rate == rate
        expected = start + (block.first_sample - first) * NANOSECONDS / rate
        assert block.stamp == pytest.approx(expected, abs=2_000)


@pytest.mark.parametrize('rate', RATES)
@pytest.mark.parametrize('seconds', [0.1, 1.2])
def test_stamped_sound_of_every_rate(rate, seconds):
    samples = noise(round(seconds * rate))
    sound = messages.AudioCommonSound()
    sound.learn(info(sample_rate=rate))
    blocks = heard(sound, stream(samples, rate)) + sound.flush()
    assert_is(blocks, samples, rate=rate)
    assert sound.lost == 0
    assert sound.notes == []


def test_what_is_logged_in_a_bag_is_read_the_same(sound):
    """The types are known without the package of the driver."""
    store, again = messages.typestore(), messages.AudioCommonSound()
    again.learn(info())
    for message, log_time in stream(noise(8_000)):
        data = store.serialize_cdr(message, 'audio_common_msgs/msg/AudioDataStamped')
        read = store.deserialize_cdr(data, 'audio_common_msgs/msg/AudioDataStamped')
        for one, other in zip(sound.hear(message, 0), again.hear(read, log_time), strict=True):
            assert one.stamp == other.stamp
            np.testing.assert_array_equal(one.samples, other.samples)


def test_losses_are_found_from_stamps(sound):
    samples = noise(16_000)
    blocks = heard(sound, stream(samples, lost=range(50, 55))) + sound.flush()
    kept = np.delete(samples, np.arange(50 * 160, 55 * 160), axis=0)
    assert_is(blocks, kept)
    assert sound.lost == 5 * 160
    assert {block.first_sample for block in blocks} == {
        160 * number for number in range(100) if number not in range(50, 55)
    }


def test_a_loss_just_before_the_end_is_counted(sound):
    heard(sound, stream(noise(16_000), lost=range(90, 98)))
    last = sound.flush()
    assert sound.lost == 8 * 160
    assert [block.first_sample for block in last] == [98 * 160, 99 * 160]


@pytest.mark.parametrize('how', ['without a header', 'stamps of zero'])
def test_sound_without_stamps_goes_by_log_time_and_says_so_once(sound, how):
    samples = noise(16_000)
    sent = list(stream(samples))
    if how == 'without a header':
        sent = [(message.audio, log_time) for message, log_time in sent]
    else:
        for message, _ in sent:
            without_stamp(message)
    assert_is(heard(sound, sent) + sound.flush(), samples)
    assert sound.notes == ['the sound has no stamps: it is placed by when it was logged']


def test_log_times_that_are_late_do_not_move_the_sound(sound):
    """What arrives late was not captured late."""
    rng = np.random.default_rng(1)
    samples = noise(80_000)
    late = rng.exponential(1_000_000, 500).astype(int)
    sent = [
        (message.audio, log_time + delay)
        for (message, log_time), delay in zip(stream(samples), late, strict=True)
    ]
    blocks = heard(sound, sent) + sound.flush()
    assert sound.lost == 0
    error = [block.stamp - START - block.first_sample * NANOSECONDS / 16_000 for block in blocks]
    assert np.abs(error).max() < 1_500_000


@pytest.mark.parametrize(
    ('changes', 'rate', 'channels'),
    [({'sample_rate': 48_000}, 48_000, 4), ({'channels': 6}, 16_000, 6)],
)
def test_a_change_in_mid_stream_is_told_and_loses_nothing(changes, rate, channels):
    before, after = noise(16_000), noise(rate, channels, seed=1)
    sound = messages.AudioCommonSound(channels=4)
    sound.learn(info())
    blocks = heard(sound, stream(before))
    sound.learn(info())
    sound.learn(info(**changes))
    sent = stream(after, rate, START + NANOSECONDS)
    blocks += heard(sound, sent) + sound.flush()
    parts = [block.samples.shape[1] == channels and block.rate == rate for block in blocks]
    assert_is([block for block, new in zip(blocks, parts, strict=True) if not new], before)
    new = [block for block, new in zip(blocks, parts, strict=True) if new]
    assert_is(new, after, START + NANOSECONDS, rate)
    (note,) = sound.notes
    assert f'changed from 4 channels of S16LE at 16000 Hz to {channels} channels' in note


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'coding_format': 'mp3'}, 'the driver sends mp3 of S16LE: start it with format:=wave'),
        ({'sample_format': ''}, 'start it with format:=wave sample_format:=S16LE'),
        ({'channels': 2}, '2 channels of S16LE at 16000 Hz, the array needs 4 channels'),
        ({'sample_rate': 0}, 'at 0 Hz'),
    ],
)
def test_what_the_driver_must_be_told(changes, reason):
    sound = messages.AudioCommonSound(channels=4, rate=16_000)
    with pytest.raises(InputError, match=reason):
        sound.learn(info(**changes))
    with pytest.raises(InputError, match=reason):
        sound.hear(*next(stream(noise(160))))
    sound.learn(info())
    assert_is(heard(sound, stream(noise(16_000))) + sound.flush(), noise(16_000))


def test_without_info_the_array_tells_the_format():
    with pytest.raises(InputError, match='there is no AudioInfo: describe the array'):
        messages.AudioCommonSound(channels=4).hear(*next(stream(noise(160))))
    sound = messages.AudioCommonSound(channels=4, rate=16_000)
    samples = noise(80_000)
    assert_is(heard(sound, stream(samples)) + sound.flush(), samples)
    (note,) = sound.notes
    assert 'there is no AudioInfo: the sound is taken as 4 channels of S16LE at 16000 Hz' in note


@pytest.mark.parametrize(('channels', 'rate'), [(2, 16_000), (4, 48_000), (4, 8_000)])
def test_an_array_of_another_format_is_found_out(channels, rate):
    sound = messages.AudioCommonSound(channels, rate)
    with pytest.raises(InputError, match='it has 64000 values a second'):
        heard(sound, stream(noise(80_000)))


def without_sample(message):
    message.audio.data = message.audio.data[:-1]


def without_stamp(message):
    message.header.stamp.sec = message.header.stamp.nanosec = 0


def of_another_day(message):
    message.header.stamp.sec += 86_400


def of_the_past(message):
    message.header.stamp.sec -= 2


@pytest.mark.parametrize('spoil', [without_sample, without_stamp, of_another_day, of_the_past])
def test_one_bad_block_costs_itself_alone(sound, spoil):
    samples = noise(32_000)
    blocks, refused = [], 0
    for number, (message, log_time) in enumerate(stream(samples)):
        if number == 120:
            spoil(message)
        try:
            blocks += sound.hear(message, log_time)
        except InputError:
            refused += 1
    blocks += sound.flush()
    assert refused == 1
    assert_is(blocks, np.delete(samples, np.arange(120 * 160, 121 * 160), axis=0))
    assert sound.lost == 160


@pytest.mark.parametrize('leap', [-3, 3600])
def test_time_that_jumps_and_stays_begins_anew(sound, leap):
    """A recording that is played again, or a clock that was set."""
    samples = noise(16_000)
    blocks = heard(sound, stream(samples))
    again = list(stream(samples, start=START + leap * NANOSECONDS))
    with pytest.raises(InputError, match='the time of the sound jumps'):
        sound.hear(*again[0])
    blocks += heard(sound, again[1:]) + sound.flush()
    late = [block for block in blocks if abs(block.stamp - START) > 1.5 * NANOSECONDS]
    assert_is(blocks[: len(blocks) - len(late)], samples)
    assert_is(late, samples[160:], START + leap * NANOSECONDS + 10_000_000)
    assert sound.notes == ['the time of the sound jumped: it began anew']


def test_resetting_keeps_the_format(sound):
    heard(sound, stream(noise(1_600)))
    sound.reset()
    samples = noise(16_000, seed=2)
    blocks = heard(sound, stream(samples, start=START + 60 * NANOSECONDS)) + sound.flush()
    assert_is(blocks, samples, START + 60 * NANOSECONDS)


def test_any_object_with_the_fields_will_do():
    """Of rclpy, for one."""
    sound = messages.AudioCommonSound()
    sound.learn(SimpleNamespace(**vars(info())))
    for number in range(30):
        data = noise(160).tobytes()
        stamp = SimpleNamespace(sec=5, nanosec=10_000_000 * number)
        header, audio = SimpleNamespace(stamp=stamp), SimpleNamespace(data=data)
        sound.hear(SimpleNamespace(header=header, audio=audio), 0)
    assert len(sound.flush()) in range(31)
