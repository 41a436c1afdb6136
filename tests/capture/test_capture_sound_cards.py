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

"""Choice of a sound card and of its channels."""

import builtins

import pytest

from av_tracker_nodes.capture.microphone_stream import StreamSettings, parse_channel_map
from av_tracker_nodes.capture.sound_cards import MissingCardError, find_input, load_sounddevice
from av_tracker_nodes.errors import InputError

DEVICES = [
    {'name': 'HDA Intel: Analog (hw:0,0)', 'max_input_channels': 2},
    {'name': 'ReSpeaker 6 Mic Array: USB (hw:1,0)', 'max_input_channels': 8},
    {'name': 'miniDSP UMA-16: USB (hw:12,0)', 'max_input_channels': 16},
    {'name': 'HDMI (hw:0,3)', 'max_input_channels': 0},
    {'name': 'HDMI in (hw:1,01)', 'max_input_channels': 8},
]


def test_by_part_of_the_name_whatever_the_case():
    assert find_input(DEVICES, 'respeaker', 6) == 1


def test_by_index():
    assert find_input(DEVICES, '2', 16) == 2


def test_the_only_one_with_enough_channels():
    assert find_input(DEVICES, '', 9) == 2


def test_an_exact_name_beats_parts_of_others():
    devices = [*DEVICES, {'name': 'USB', 'max_input_channels': 8}]
    assert find_input(devices, 'USB', 8) == 5


@pytest.mark.parametrize('wanted', ['hw:1,0', 'plughw:1,0', 'hw:CARD=1,DEV=0'])
def test_by_alsa_number(wanted):
    assert find_input(DEVICES, wanted, 4) == 1


@pytest.mark.parametrize('wanted', ['hw:CARD=UMA16,DEV=0', 'hw:UMA16', 'hw:UMA16,0'])
def test_by_alsa_id_wherever_it_is_plugged_in(wanted, tmp_path):
    """The kernel links /proc/asound/ID to the card of that id."""
    (tmp_path / 'card12').mkdir()
    (tmp_path / 'UMA16').symlink_to('card12')
    assert find_input(DEVICES, wanted, 8, tmp_path) == 2


@pytest.mark.parametrize('wanted', ['usb', 'hdmi (', '0', '9', 'kinect', 'hw:7,0', 'hw:CARD=Gone'])
def test_says_what_there_is(wanted):
    with pytest.raises(InputError, match=r'1: ReSpeaker 6 Mic Array: USB \(hw:1,0\) \(8 channels'):
        find_input(DEVICES, wanted, 4)


@pytest.mark.parametrize(
    ('wanted', 'channels', 'may_come'),
    [
        ('kinect', 4, True),
        ('9', 4, True),
        ('hw:7,0', 4, True),
        ('hw:CARD=Gone', 4, True),
        ('', 32, True),
        ('respeaker', 16, False),
        ('0', 4, False),
        ('hw:12,0', 17, False),
        ('usb', 4, False),
        ('', 4, False),
    ],
)
def test_a_card_that_may_come_is_told_from_one_that_will_not_do(wanted, channels, may_come):
    with pytest.raises(InputError) as told:
        find_input(DEVICES, wanted, channels)
    assert isinstance(told.value, MissingCardError) == may_come


def test_missing_portaudio_is_named(monkeypatch):
    real = builtins.__import__

    def without_portaudio(name, *arguments, **keywords):
        if name == 'sounddevice':
            raise OSError('PortAudio library not found')
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, '__import__', without_portaudio)
    with pytest.raises(InputError, match='libportaudio2'):
        load_sounddevice()


@pytest.mark.parametrize(
    ('text', 'channels'),
    [('', ()), ('3', (3,)), ('1-4', (1, 2, 3, 4)), ('0-1, 7', (0, 1, 7)), ('2 0', (2, 0))],
)
def test_channel_maps(text, channels):
    assert parse_channel_map(text) == channels


@pytest.mark.parametrize('text', ['a', '1-', '-2', '1.5', '0-x'])
def test_malformed_channel_maps(text):
    with pytest.raises(InputError, match='is not like 0-3, 7'):
        parse_channel_map(text)


def test_card_needs_the_channels_that_are_mapped():
    assert StreamSettings(channels=4, channel_map=(2, 3, 4, 5)).card_channels == 6
    assert StreamSettings(channels=4).card_channels == 4
    with pytest.raises(InputError, match='names 2 channels, the array needs 4'):
        StreamSettings(channels=4, channel_map=(0, 1))


def test_block_is_10_ms_unless_it_is_given():
    assert StreamSettings(rate=48_000).block == 480
    assert StreamSettings(rate=48_000, block_size=1024).block == 1024
