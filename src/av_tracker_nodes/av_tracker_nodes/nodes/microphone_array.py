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

"""Node: a sound card in, blocks of samples out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from av_tracker_msgs.msg import AudioBlock
from av_tracker_nodes.capture.microphone_stream import (
    SAMPLE_FORMATS,
    MicrophoneStream,
    StreamSettings,
    parse_channel_map,
)
from av_tracker_nodes.capture.sound_cards import MissingCardError
from av_tracker_nodes.nodes.array_description import ArrayDescription
from av_tracker_nodes.nodes.audio_mirror import AudioMirror
from av_tracker_nodes.nodes.conversions import to_audio
from av_tracker_nodes.nodes.losses import RecentLoss
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import AUDIO

_WATCH_PERIOD = 1.0


class MicrophoneArrayNode(StageNode):
    """Publishes blocks of samples with the capture time of their first sample.

    Samples that the card lost are counted, so that the gap shows in ``first_sample``; a warning
    says so for 10 s. A card that is not there yet, stops or is unplugged is looked for every
    second, and opened when it is there.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('microphone_array', **node_options)
        self.parameter(
            'device',
            '',
            'Sound card: part of its name, its index, or an ALSA id such as hw:CARD=ArrayUAC10; '
            'empty for the only fitting',
        )
        self.parameter('sample_format', 'int16', 'Type of the samples', choices=SAMPLE_FORMATS)
        self.parameter('block_size', 0, 'Samples of a block; 0 for 10 ms', 0, 1_000_000)
        self.parameter(
            'channel_map',
            '',
            "Channels of the card, counted from 0, that are published, such as '1-4' or "
            "'3,2,1,0'; empty for those that the description needs, in order",
        )
        self.parameter(
            'buffer',
            0.1,
            'Length of the recording buffer (s): longer stalls of the computer lose samples; '
            'sound arrives in portions of a part of it',
            0.0,
            10.0,
        )
        ArrayDescription.declare(self)

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse a temperature at which no room is."""
        ArrayDescription.check(values)

    def configure(self) -> None:
        """Read the description of the array."""
        self._array = ArrayDescription(self)
        channel_map = parse_channel_map(self.value('channel_map'))
        self._settings = StreamSettings(
            device=self.value('device'),
            channels=self._array.channels if channel_map else self._array.card_channels,
            rate=self._array.microphones.rate,
            sample_format=self.value('sample_format'),
            block_size=self.value('block_size'),
            channel_map=channel_map,
            latency=self.value('buffer'),
        )
        self._samples = self.advertise(AudioBlock, 'audio', AUDIO)
        self._mirror = AudioMirror(self)
        self._stream: MicrophoneStream | None = None
        self.add_timer(_WATCH_PERIOD, self._watch)

    def adapt(self) -> None:
        """Take over the temperature."""
        self._array.adapt()

    def activate(self) -> None:
        """Open the sound card."""
        self._array.publish()
        self._losses = RecentLoss()
        self._stream = MicrophoneStream(
            self._settings, self.guarded(self._publish), lambda: self.get_clock().now().nanoseconds
        )
        with suppress(MissingCardError):
            self._stream.open()
        self._watch()

    def deactivate(self) -> None:
        """Close the sound card."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _publish(self, stamp: int, first_sample: int, samples: np.ndarray) -> None:
        """Publish a block; called from a thread of the sound library."""
        if not self.context.ok():
            return
        rate = self._array.microphones.rate
        message = to_audio(stamp, first_sample, rate, samples, self._array.frame)
        self._samples.publish(message)
        self._mirror.publish(message)
        self.counts['out'] += 1

    def _watch(self) -> None:
        problem = self._stream.revive()
        waits = problem and f'{problem}; trying again every {_WATCH_PERIOD:g} s'
        self.note('device', waits, is_fault=True)
        self.note('loss', self._losses.recent(self._stream.lost))
        clock = self._stream.clock
        self.facts |= {
            'device': self._stream.name,
            'clock drift (ppm)': round(clock.drift, 1),
            'clock spread (ms)': round(1e3 * clock.spread, 3),
            'clock anchors': clock.anchors,
            'lost samples': clock.lost,
            'overruns': self._stream.overruns,
            'reopened': self._stream.reopened,
        }


def main() -> int:
    """Run the node."""
    return run(MicrophoneArrayNode)


if __name__ == '__main__':
    sys.exit(main())
