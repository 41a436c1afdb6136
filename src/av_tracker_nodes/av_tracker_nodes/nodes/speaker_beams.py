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

"""Node: sound and tracks in, the sound of each person who speaks out."""

from __future__ import annotations

import sys
import time

import numpy as np

from av_tracker_msgs.msg import AudioBlock, SpeakerTrackArray
from av_tracker_nodes.acoustics.beamformer import Beamformer
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.nodes.clock import elapsed_seconds
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import to_audio
from av_tracker_nodes.nodes.per_id import PublishersPerId, SubscriptionOnDemand
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import AUDIO
from av_tracker_nodes.nodes.rig_listener import RigListener
from av_tracker_nodes.nodes.waiting import declare_audio_offset
from av_tracker_nodes.recordings.messages import from_audio, from_tracks
from av_tracker_nodes.synchronisation import shift_sound
from av_tracker_nodes.types import TrackState

_LONGEST_SILENCE = 2.0
"""A tracker that says nothing for so long (s) follows nobody any more."""
_LOUDEST = 2**15 - 1


class SpeakerBeams(ControlledNode):
    """Publishes ``speaker_<id>/audio`` of everybody who has spoken, while somebody listens.

    The topic is there from the first word of a track to its end, through all pauses. It carries
    one channel: a beam to the track that lets through little of the others and of noise, stamped
    and counted as the sound is. Sound is taken in only while a beam has a listener.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('speaker_beams', **node_options)
        self.parameter(
            'rate',
            16_000,
            'Sampling rate of the beams (Hz); recognisers want 16000; 0 for that of the sound',
            0,
            192_000,
        )
        declare_audio_offset(self)
        RigListener.declare(self)

    def configure(self) -> None:
        """Listen to tracks; to sound only while somebody wants it."""
        self._sensors = RigListener(self)
        self._beamformer: Beamformer | None = None
        self._microphones: MicrophoneArray | None = None
        self._places: dict[int, np.ndarray] = {}
        self._followed_at = time.monotonic_ns()
        self._beams = PublishersPerId(self, 'speaker_{}', {'audio': (AudioBlock, AUDIO)})
        self._sound = SubscriptionOnDemand(self, AudioBlock, 'audio', self._hear, AUDIO)
        self.subscribe(SpeakerTrackArray, 'speaker_tracks', self._follow, needed=True)
        self.add_timer(_LONGEST_SILENCE / 4, self._forget_when_quiet)

    def adapt(self) -> None:
        """Set by how much sound is shifted; sound at other stamps is other sound."""
        self._audio_offset = self.value('audio_offset')
        self._beamformer = None

    def reset(self) -> None:
        """Forget everybody and all sound."""
        self._places = {}
        self._beamformer = None
        self._offer()

    def _follow(self, message: SpeakerTrackArray) -> None:
        """Offer a beam from the first word on, and steer it as long as the track lasts."""
        self.counts['in'] += 1
        if not self._sensors.is_target(message.header.frame_id, 'tracks'):
            return
        self._followed_at = time.monotonic_ns()
        self._places = {
            track.id: track.position
            for track in from_tracks(message, self.leave_out).tracks
            if track.id in self._places
            or (track.is_speaking and track.state != TrackState.TENTATIVE)
        }
        self._offer()

    def _offer(self) -> None:
        self._beams.keep(map(str, self._places))
        wanted = self._beams.heard('audio')
        self._sound.want(bool(wanted))
        if not wanted:
            self._beamformer = None
        self.facts['beams'] = len(self._places)
        self.facts['beams with listeners'] = len(wanted)

    def _forget_when_quiet(self) -> None:
        if self._places and elapsed_seconds(self._followed_at) > _LONGEST_SILENCE:
            self.reset()

    def _hear(self, message: AudioBlock) -> None:
        began = time.monotonic_ns()
        block = shift_sound(from_audio(message), self._audio_offset)
        rig = self._sensors.rig(block.stamp)
        if rig is None:
            return
        if self._beamformer is None or rig.microphones is not self._microphones:
            self._microphones = rig.microphones
            self._beamformer = Beamformer(rig.microphones, self.value('rate') or None)
        array_from_target = rig.target_from_array.inverse
        places = {number: array_from_target @ place for number, place in self._places.items()}
        wanted = {int(name): places.pop(int(name)) for name in self._beams.heard('audio')}
        for number, beam in self._beamformer.process(block, wanted, list(places.values())):
            samples = np.rint(_LOUDEST * beam.samples).clip(-_LOUDEST, _LOUDEST).astype('<i2')
            self._beams.publish(
                str(number),
                'audio',
                to_audio(
                    beam.stamp, beam.first_sample, beam.rate, samples, message.header.frame_id
                ),
            )
            self.answered(beam.stamp, began, from_image=False)


def main() -> int:
    """Run the node."""
    return run(SpeakerBeams)


if __name__ == '__main__':
    sys.exit(main())
