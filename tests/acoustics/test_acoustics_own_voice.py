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

"""When the robot itself talks."""

import pickle

from av_tracker_nodes.acoustics.own_voice import OwnVoice
from av_tracker_nodes.types import to_nanoseconds as at


def heard(voice, *seconds):
    return [voice.is_heard(at(second)) for second in seconds]


def test_is_heard_while_it_talks_and_a_while_after():
    voice = OwnVoice(hold=0.5)
    assert not voice.talks
    voice.tell(True, at(10))
    assert voice.talks
    assert heard(voice, 9.99, 10, 12) == [False, True, True]
    voice.tell(False, at(13))
    assert not voice.talks
    assert heard(voice, 13.49, 13.5) == [True, False]


def test_cycles_may_lag_behind_what_is_told():
    voice = OwnVoice(hold=0.1)
    for begin in (1, 2, 30):
        voice.tell(True, at(begin))
        voice.tell(False, at(begin + 0.5))
    assert heard(voice, 1.2, 1.7, 2.2, 2.7, 30.2) == [True, False, True, False, True]


def test_what_is_repeated_changes_nothing():
    voice = OwnVoice(hold=0.0)
    for second in (1, 2):
        voice.tell(True, at(second))
    assert heard(voice, 1.5) == [True]
    for second in (3, 4):
        voice.tell(False, at(second))
    assert heard(voice, 3.5) == [False]


def test_after_a_jump_only_what_goes_on_counts():
    voice = OwnVoice()
    voice.tell(True, at(10))
    voice.tell(False, at(20))
    voice.reset()
    assert heard(voice, 15) == [False]
    voice.tell(True, at(30))
    voice.reset()
    assert heard(voice, 2, 40) == [True, True]
    voice.tell(False, at(3))
    assert heard(voice, 4) == [False]


def test_what_is_over_is_not_kept():
    voice = OwnVoice()
    sizes = []
    for second in range(100):
        voice.tell(second % 2 == 0, at(second))
        voice.is_heard(at(second))
        sizes.append(len(pickle.dumps(voice)))
    assert max(sizes[50:]) <= max(sizes[:50])
