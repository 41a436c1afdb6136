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

"""Node: sound of audio_common's driver in, blocks of samples out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from av_tracker_msgs.msg import AudioBlock
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.array_description import ArrayDescription
from av_tracker_nodes.nodes.conversions import to_audio
from av_tracker_nodes.nodes.losses import RecentLoss
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import AUDIO
from av_tracker_nodes.recordings.messages import AudioCommonSound

try:
    from audio_common_msgs import msg as audio_common
except ImportError:
    audio_common = None

_WATCH_PERIOD = 1.0
_INT16_SCALE = 32_768


class AudioBridge(StageNode):
    """Turns ``audio_stamped`` and ``audio_info`` of ``audio_capture`` into our ``audio``."""

    def __init__(self, **node_options: object) -> None:
        super().__init__('audio_bridge', **node_options)
        ArrayDescription.declare(self)
        self.parameter(
            'stamped',
            True,
            'Take audio_stamped (AudioDataStamped); off for audio_data (AudioData), whose blocks '
            'end when they come',
        )

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse a temperature at which no room is."""
        ArrayDescription.check(values)

    def configure(self) -> None:
        """Read the description of the array."""
        if not hasattr(audio_common, 'AudioDataStamped'):
            raise InputError(
                'audio_bridge: the messages of audio_common (ros-drivers) are not installed: '
                'apt-get install ros-$ROS_DISTRO-audio-common-msgs'
            )
        self._array = ArrayDescription(self)
        self._sound = AudioCommonSound(self._array.channels)
        self._told = 0
        self._samples = self.advertise(AudioBlock, 'audio', AUDIO)
        self.problems['info'] = 'no audio_info yet: the driver sends it every few seconds'
        self.subscribe_always(audio_common.AudioInfo, 'audio_info', self._learn, expected=True)
        if self.value('stamped'):
            kind, topic = audio_common.AudioDataStamped, 'audio_stamped'
        else:
            kind, topic = audio_common.AudioData, 'audio_data'
        self.subscribe(kind, topic, self._hear, AUDIO, needed=True)
        self.add_timer(_WATCH_PERIOD, self._watch)

    def adapt(self) -> None:
        """Take over the temperature."""
        self._array.adapt()

    def activate(self) -> None:
        """Count samples from here on."""
        self._array.publish()
        self._sound.reset()
        self._losses = RecentLoss()

    def _learn(self, info: object) -> None:
        """Take the format of the driver, or say how to set it."""
        try:
            self._sound.learn(info)
        except InputError as error:
            self.problems['info'] = str(error)
        else:
            self.problems.pop('info', None)

    def _hear(self, message: object) -> None:
        self.counts['in'] += 1
        if 'info' in self.problems:
            return
        arrived = self.get_clock().now().nanoseconds
        for block in self._sound.hear(message, arrived):
            samples = block.samples
            if self._sound.is_16_bits:
                samples = np.rint(_INT16_SCALE * samples).astype('<i2')
            self._samples.publish(
                to_audio(block.stamp, block.first_sample, block.rate, samples, self._array.frame)
            )
            self.counts['out'] += 1

    def _watch(self) -> None:
        self.facts['lost samples'] = self._sound.lost
        self.facts['clock drift (ppm)'] = round(self._sound.drift, 1)
        self.note('loss', self._losses.recent(self._sound.lost))
        for note in self._sound.notes[self._told :]:
            self.get_logger().warning(note)
        self._told = len(self._sound.notes)


def main() -> int:
    """Run the node."""
    return run(AudioBridge)


if __name__ == '__main__':
    sys.exit(main())
