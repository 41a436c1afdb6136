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

"""The stream of a sound card that comes and goes, on a stand-in for PortAudio."""

from types import SimpleNamespace

import pytest

from av_tracker_nodes.capture import microphone_stream
from av_tracker_nodes.capture.microphone_stream import MicrophoneStream, StreamSettings
from av_tracker_nodes.capture.sound_cards import MissingCardError
from av_tracker_nodes.errors import InputError

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
