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

"""Beams to those who speak, on real ROS 2: there for listeners, gone with the track."""

import time

import numpy as np
import pytest
from builders import make_track
from live_graph import live_graph
from sensor_stubs import Stubs
from tiny_recording import RATE, VOICE, make_rig, make_sound

from av_tracker_msgs.msg import AudioBlock as AudioMessage
from av_tracker_nodes.acoustics.beamformer import Beamformer
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.nodes.quality_of_service import AUDIO
from av_tracker_nodes.recordings.messages import from_audio
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

pytestmark = [pytest.mark.slow, pytest.mark.graph]

NODE = 'speaker_beams'
TOPIC = '/speaker_7/audio'
SILENT = [1.0, 2.0, 0.0]
START = 100 * NANOSECONDS


def value(graph, key):
    values = {v.key: v.value for status in graph.statuses_of(NODE)[-1:] for v in status.values}
    return values.get(key)


def test_a_beam_for_who_listens():
    rig = make_rig()
    sound = make_sound(rig, np.random.default_rng(1))
    blocks = [
        AudioBlock(START + first * NANOSECONDS // RATE, first, RATE, sound[first : first + 160])
        for first in range(0, len(sound) // 2, 160)
    ]
    with live_graph([NodeSpec(PACKAGE, NODE, NODE)]) as graph:
        stubs = Stubs(graph, rig)

        def offered():
            stubs.follow(START, make_track(7, VOICE, speaks=True), make_track(8, SILENT))
            return stubs.topics('/speaker_*/audio')

        assert graph.spin_until(offered), graph.lines
        # Only who speaks has a beam, and nobody listens: the sound is not even taken in.
        assert stubs.topics('/speaker_*/audio') == {TOPIC: 'av_tracker_msgs/msg/AudioBlock'}
        assert graph.node.count_subscribers('audio') == 0

        heard = []
        listener = graph.node.create_subscription(AudioMessage, TOPIC, heard.append, AUDIO)

        def listens():
            # It is silent now, and still has its beam.
            stubs.follow(START, make_track(7, VOICE), make_track(8, SILENT))
            return stubs.audio.get_subscription_count() == 1

        assert graph.spin_until(listens), graph.lines
        for block in blocks:
            stubs.hear(block)
            time.sleep(0.003)
        assert graph.spin_until(lambda: len(heard) > 70), (len(heard), graph.lines)
        assert graph.spin_until(lambda: listens() and value(graph, 'beams with listeners') == '1')
        check(heard, blocks, rig)

        graph.node.destroy_subscription(listener)

        def ignored():
            stubs.follow(START, make_track(7, VOICE))
            return stubs.audio.get_subscription_count() == 0

        assert graph.spin_until(ignored), graph.lines

        def gone():
            stubs.follow(START, make_track(8, SILENT))
            return not stubs.topics('/speaker_*/audio')

        assert graph.spin_until(gone), graph.lines


def check(heard, blocks, rig):
    """The samples are those of the beamformer, and stand where the sound stands."""
    former = Beamformer(rig.microphones)
    expected = {}
    for block in blocks:
        for _, beam in former.process(block, {7: VOICE}):
            expected[beam.first_sample] = beam
    beams = [from_audio(message) for message in heard]
    assert {message.header.frame_id for message in heard} == {'mic_array'}
    assert {message.channels for message in heard} == {1}
    # What came before the first one is missing in it, and in what the beam knows of the noise.
    differences, sounds = [], []
    for beam in beams[10:]:
        known = expected[beam.first_sample]
        assert abs(beam.stamp - known.stamp) <= 1
        differences.append(beam.samples - known.samples)
        sounds.append(known.samples)
    assert np.std(differences) < 0.05 * np.std(sounds)
    firsts = np.array([beam.first_sample for beam in beams])
    assert set(np.diff(firsts)) == {len(beams[0].samples)}
