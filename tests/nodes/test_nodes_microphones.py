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

"""What nodes that publish sound have in common, and sound in the messages of audio_common."""

import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from node_bench import Kept, tick

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import load_microphones, load_mounting
from av_tracker_nodes.geometry.rig_files import find_rig
from av_tracker_nodes.nodes import audio_bridge, audio_mirror, microphone_array
from av_tracker_nodes.nodes.conversions import to_audio
from av_tracker_nodes.nodes.losses import RecentLoss
from av_tracker_nodes.nodes.microphone_array import MicrophoneArrayNode
from av_tracker_nodes.recordings.messages import AudioCommonSound, from_audio
from av_tracker_nodes.recordings.messages.sample_formats import sample_size

ROOT = Path(__file__).resolve().parents[2]
UMA16 = str(ROOT / 'calibration' / 'minidsp_uma16.yaml')
MESSAGES = SimpleNamespace(
    AudioData=SimpleNamespace, AudioDataStamped=SimpleNamespace, AudioInfo=SimpleNamespace
)


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'temperature': 300.0}, 'no temperature of a room'),
        ({'channel_map': '0-7'}, 'names 8 channels, the array needs 16'),
        ({'channel_map': 'left'}, 'is not like 0-3, 7'),
        ({'sample_format': 'mp3'}, 'must be one of int16, float32'),
        ({'block_size': -1}, 'block_size'),
    ],
)
def test_wrong_settings_are_one_clear_line(start, parameters, message):
    with pytest.raises(InputError, match=message):
        start(MicrophoneArrayNode, calibration=UMA16, **parameters)


@pytest.mark.parametrize(
    ('calibration', 'channel_map', 'channels'),
    [
        (str(find_rig('respeaker_usb_webcam')), '', 6),
        (str(find_rig('respeaker_usb_webcam')), '0-5', 6),
        (str(find_rig('uma8_webcam')), '', 8),
        (UMA16, '', 16),
    ],
)
def test_a_card_is_opened_with_all_channels_that_it_has(
    start, monkeypatch, calibration, channel_map, channels
):
    opened = []

    class Card:
        def __init__(self, settings, *_):
            opened.append(settings.card_channels)
            raise InputError('no card here')

    monkeypatch.setattr(microphone_array, 'MicrophoneStream', Card)
    with pytest.raises(InputError, match='no card here'):
        start(MicrophoneArrayNode, calibration=calibration, channel_map=channel_map)
    assert opened == [channels]


def test_documented_array_can_be_read(tmp_path):
    text = (ROOT / 'docs' / 'microphones.md').read_text()
    example = textwrap.dedent(text.partition('```yaml\n')[2].partition('```')[0])
    (tmp_path / 'array.yaml').write_text(example)
    array = load_microphones(tmp_path / 'array.yaml')
    assert array.channels.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert load_mounting(tmp_path / 'array.yaml', 'array').parent == 'base_link'


def test_a_loss_is_shown_for_a_while():
    now = 100.0
    losses = RecentLoss(lambda: now)
    assert losses.recent(0) is None
    assert losses.recent(480) == '480 samples lost (480 since the start)'
    now += 5
    assert losses.recent(500) == '20 samples lost (500 since the start)'
    now += 9
    assert losses.recent(500) is not None
    now += 2
    assert losses.recent(500) is None


@pytest.fixture
def mirror(monkeypatch):
    """A mirror on a node that hands out publishers, and its topics."""

    def make(package=MESSAGES):
        monkeypatch.setattr(audio_mirror, 'audio_common', package)
        topics = {}
        node = SimpleNamespace(
            advertise=lambda kind, topic, quality: topics.setdefault(topic, Kept(1)),
            get_logger=lambda: SimpleNamespace(info=lambda text: None),
        )
        return audio_mirror.AudioMirror(node), topics

    return make


def block_of(kind=np.int16):
    return to_audio(5, 0, 48_000, np.ones((480, 6), kind), 'mic_array')


@pytest.mark.parametrize(
    ('kind', 'sample_format', 'bits'), [(np.int16, 'S16LE', 16), (np.float32, 'F32LE', 32)]
)
def test_mirror_says_its_format_once(mirror, kind, sample_format, bits):
    (told, topics), block = mirror(), block_of(kind)
    for _ in range(2):
        told.publish(block)
    assert [vars(info) for info in topics['audio_info']] == [
        {
            'channels': 6,
            'sample_rate': 48_000,
            'sample_format': sample_format,
            'bitrate': 48_000 * 6 * bits,
            'coding_format': 'WAVE',
        }
    ]
    assert len(topics['audio_stamped']) == 2
    assert topics['audio_stamped'][0].header == block.header
    assert topics['audio_stamped'][0].audio.data == block.data


def test_mirror_sends_nothing_that_nobody_hears(mirror):
    told, topics = mirror()
    topics['audio_stamped'].listeners = 0
    told.publish(block_of())
    assert topics['audio_stamped'] == []


@pytest.mark.parametrize('package', [None, SimpleNamespace(AudioStamped=SimpleNamespace)])
def test_mirror_does_without_the_package(mirror, package):
    """The second is another package of the same name."""
    told, topics = mirror(package)
    told.publish(block_of())
    assert topics == {}


def unstamped(message):
    return SimpleNamespace(data=message.audio.data)


class Bridge(audio_bridge.AudioBridge):
    """A bridge that is told in person."""

    def __init__(self, **node_options):
        super().__init__(**node_options)
        self.hear = {}

    def subscribe(self, _, topic, callback, *__, **___):
        self.hear[topic] = callback

    subscribe_always = subscribe

    def learn(self, info):
        self.hear['audio_info'](info)

    def listen(self, message):
        self.hear['audio_stamped'](message)


class TestBridge:
    @pytest.fixture
    def bridge(self, start, monkeypatch):
        monkeypatch.setattr(audio_bridge, 'audio_common', MESSAGES)
        return start(Bridge, calibration=UMA16)

    def info(self, **changes):
        parts = {'channels': 16, 'sample_rate': 48_000, 'sample_format': 'S16LE'}
        return SimpleNamespace(**({'coding_format': 'wave'} | parts | changes))

    def stamped(self, number, data=None):
        stamp = SimpleNamespace(sec=100, nanosec=10_000_000 * number)
        samples = np.full((480, 16), number, '<i2')
        data = samples.tobytes() if data is None else data
        return SimpleNamespace(
            header=SimpleNamespace(stamp=stamp), audio=SimpleNamespace(data=data)
        )

    @pytest.mark.parametrize(
        ('changes', 'problem'),
        [
            ({'coding_format': 'mp3'}, 'start it with format:=wave'),
            ({'sample_format': 'Vorbis'}, 'start it with format:=wave'),
            ({'channels': 2}, '2 channels of S16LE at 48000 Hz, the array needs 16 channels'),
        ],
    )
    def test_says_how_the_driver_has_to_be_set(self, bridge, changes, problem):
        assert 'no audio_info yet' in bridge.problems['info']
        bridge.learn(self.info(**changes))
        assert problem in bridge.problems['info']
        bridge.learn(self.info())
        assert 'info' not in bridge.problems

    def test_counts_what_was_lost(self, bridge):
        bridge.learn(self.info())
        for number in [*range(40), *range(45, 99)]:
            bridge.listen(self.stamped(number))
        tick(bridge)
        assert bridge.facts['lost samples'] == 5 * 480
        assert '2400 samples lost' in bridge.problems['loss']
        firsts = [block.first_sample for block in bridge.sent['audio']]
        stamps = [block.header.stamp.nanosec for block in bridge.sent['audio']]
        assert firsts == [480 * number for number in [*range(40), *range(45, 99)]]
        assert stamps == pytest.approx([10_000_000 * first / 480 for first in firsts], abs=2)

    @pytest.mark.parametrize(
        ('sample_format', 'rate', 'encoding'),
        [
            ('S16LE', 48_000, 'S16LE'),
            ('U8', 48_000, 'S16LE'),
            ('S24LE', 48_000, 'FLOAT32LE'),
            ('F32LE', 48_000, 'FLOAT32LE'),
            # Another rate than the array is described with.
            ('S16LE', 16_000, 'S16LE'),
            ('S32LE', 96_000, 'FLOAT32LE'),
        ],
    )
    def test_hears_what_a_recording_says(self, bridge, sample_format, rate, encoding):
        offline = AudioCommonSound(channels=16)
        generator = np.random.default_rng(0)
        info = self.info(sample_format=sample_format, sample_rate=rate)
        bridge.learn(info)
        offline.learn(info)
        expected = []
        for number in [*range(40), *range(45, 99)]:
            values = generator.uniform(-1, 1, (rate // 100, 16)).astype('<f4').tobytes()
            octets = generator.bytes(rate // 100 * 16 * sample_size(sample_format))
            message = self.stamped(number, values if sample_format == 'F32LE' else octets)
            bridge.listen(message)
            expected += offline.hear(message, 0)
        assert len(bridge.sent['audio']) == len(expected) == 94
        for message, block in zip(bridge.sent['audio'], expected, strict=True):
            assert message.encoding == encoding
            sent = from_audio(message)
            assert (sent.stamp, sent.first_sample) == (block.stamp, block.first_sample)
            assert sent.rate == rate
            np.testing.assert_array_equal(sent.samples, block.samples)

    @pytest.fixture
    def warnings(self, bridge, monkeypatch):
        warnings = []
        logger = SimpleNamespace(warning=warnings.append)
        monkeypatch.setattr(bridge, 'get_logger', lambda: logger)
        return warnings

    def test_warns_of_a_change(self, bridge, warnings):
        for channels in (16, 16, 18):
            bridge.learn(self.info(channels=channels))
            tick(bridge)
            tick(bridge)
        assert [note.partition(' from')[0] for note in warnings] == ['the sound changed']

    def test_refuses_what_is_cut_off(self, bridge):
        bridge.learn(self.info())
        with pytest.raises(InputError, match='do not make samples of 16 channels'):
            bridge.listen(self.stamped(0, bytes(34)))

    def test_sound_without_stamps_is_placed_by_when_it_comes(self, bridge, warnings):
        bridge.learn(self.info())
        for number in range(3):
            bridge.listen(unstamped(self.stamped(number)))
        tick(bridge)
        assert [note for note in warnings if 'no stamps' in note]

    def test_needs_the_messages(self, context, monkeypatch):
        monkeypatch.setattr(audio_bridge, 'audio_common', None)
        with pytest.raises(InputError, match='audio-common-msgs'):
            audio_bridge.AudioBridge(context=context).start()
