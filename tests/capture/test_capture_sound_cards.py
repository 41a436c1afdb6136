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

"""Choice of a sound card and of its channels; the stream of one that comes and goes."""

import builtins
from types import SimpleNamespace

import pytest

from av_tracker_nodes.capture import microphone_stream
from av_tracker_nodes.capture.microphone_stream import (
    MicrophoneStream,
    StreamSettings,
    parse_channel_map,
)
from av_tracker_nodes.capture.sound_cards import MissingCardError, find_input, load_sounddevice
from av_tracker_nodes.errors import InputError

DEVICES = [
    {'name': 'HDA Intel: Analog (hw:0,0)', 'max_input_channels': 2},
    {'name': 'ReSpeaker 6 Mic Array: USB (hw:1,0)', 'max_input_channels': 8},
    {'name': 'miniDSP UMA-16: USB (hw:12,0)', 'max_input_channels': 16},
    {'name': 'HDMI (hw:0,3)', 'max_input_channels': 0},
    {'name': 'HDMI in (hw:1,01)', 'max_input_channels': 8},
]


@pytest.mark.parametrize(
    ('wanted', 'channels', 'found'),
    [
        # By part of the name, whatever the case; by index; the only one with enough channels.
        ('respeaker', 6, 1),
        ('2', 16, 2),
        ('', 9, 2),
        # An exact name beats parts of others.
        ('USB', 8, 5),
        # By the numbers of ALSA.
        ('hw:1,0', 4, 1),
        ('plughw:1,0', 4, 1),
        ('hw:CARD=1,DEV=0', 4, 1),
    ],
)
def test_what_fits_is_found(wanted, channels, found):
    devices = [*DEVICES, {'name': 'USB', 'max_input_channels': 8}]
    assert find_input(devices, wanted, channels) == found


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


# ---- the stream of a card that comes and goes, on a stand-in for PortAudio


ARRAY = {'name': 'UMA-8: USB (hw:1,0)', 'max_input_channels': 8}


class Library:
    """Cards that can be plugged in and out, of which PortAudio makes a list at times."""

    class PortAudioError(Exception):
        pass

    def __init__(self):
        self.plugged, self.listed, self.takes = [], [], True
        self.stream = None
        self.RawInputStream = self._make_stream

    def _terminate(self):
        self.listed = []

    def _initialize(self):
        self.listed = list(self.plugged)

    def query_devices(self):
        return self.listed

    def _make_stream(self, **_):
        if not self.takes:
            raise self.PortAudioError('Invalid sample rate')
        self.stream = SimpleNamespace(
            active=True, start=lambda: None, abort=lambda **_: None, close=lambda **_: None
        )
        return self.stream

    def unplug(self):
        self.plugged = []
        self.stream.active = False


@pytest.fixture
def library(monkeypatch):
    library = Library()
    monkeypatch.setattr(microphone_stream, 'load_sounddevice', lambda: library)
    return library


@pytest.fixture
def stream(library):
    return MicrophoneStream(StreamSettings(device='uma', channels=8), lambda *_: None)


def test_a_card_that_is_missing_at_the_start_is_opened_when_it_comes(library, stream):
    with pytest.raises(MissingCardError, match="no sound card fits 'uma' with 8 channels"):
        stream.open()
    assert 'no sound card fits' in stream.revive()
    assert 'has stopped' not in stream.revive()
    library.plugged = [ARRAY]
    assert stream.revive() is None
    assert stream.name == ARRAY['name']
    assert stream.is_running
    assert stream.reopened == 0


def test_a_card_that_was_unplugged_is_opened_when_it_comes_back(library, stream):
    library.plugged = library.listed = [ARRAY]
    stream.open()
    assert stream.revive() is None
    library.unplug()
    assert stream.revive().startswith(f'{ARRAY["name"]} has stopped: no sound card fits')
    library.plugged = [ARRAY]
    assert stream.revive() is None
    assert stream.reopened == 1


def test_an_index_is_of_the_card_that_had_it_at_the_start(library):
    stream = MicrophoneStream(StreamSettings(device='0', channels=8), lambda *_: None)
    with pytest.raises(MissingCardError):
        stream.open()
    library.plugged = [ARRAY]
    assert stream.revive() is None
    library.unplug()
    library.plugged = [{'name': 'other', 'max_input_channels': 8}, ARRAY]
    assert stream.revive() is None
    assert stream.name == ARRAY['name']


@pytest.mark.parametrize(
    ('devices', 'takes', 'message'),
    [
        ([{**ARRAY, 'max_input_channels': 2}], True, 'no sound card fits'),
        ([ARRAY, ARRAY], True, 'several sound cards fit'),
        ([ARRAY], False, 'does not give 8 channels of int16 at 16000 Hz: Invalid sample rate'),
    ],
)
def test_a_card_that_will_not_do_is_an_error(library, stream, devices, takes, message):
    library.plugged = library.listed = devices
    library.takes = takes
    with pytest.raises(InputError, match=message) as told:
        stream.open()
    assert not isinstance(told.value, MissingCardError)
