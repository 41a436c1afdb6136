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

"""The sound as messages of audio_common, for tools that know no messages of ours."""

from __future__ import annotations

from av_tracker_msgs.msg import AudioBlock
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED

try:
    from audio_common_msgs import msg as audio_common
except ImportError:
    audio_common = None

_BITS = {'S16LE': 16, 'FLOAT32LE': 32}
_FORMATS = {'S16LE': 'S16LE', 'FLOAT32LE': 'F32LE'}


class AudioMirror:
    """Publishes ``audio_stamped`` and, latched, ``audio_info`` where audio_common is installed.

    The names and types are those of the package of ros-drivers, which ROS distributions carry:
    ``AudioDataStamped`` and ``AudioInfo``. Another package of the same name has other types; for
    that one, as where none is installed, nothing is published.
    """

    def __init__(self, node: StageNode) -> None:
        self._publisher = None
        self._told = False
        if not hasattr(audio_common, 'AudioDataStamped'):
            node.get_logger().info('audio_common_msgs is not installed: no audio_stamped')
            return
        self._publisher = node.advertise(audio_common.AudioDataStamped, 'audio_stamped', AUDIO)
        self._info = node.advertise(audio_common.AudioInfo, 'audio_info', LATCHED)

    def publish(self, block: AudioBlock) -> None:
        """Publish a block when somebody listens; with the first one, its format."""
        if self._publisher is None:
            return
        if not self._told:
            self._info.publish(_info(block))
            self._told = True
        if self._publisher.get_subscription_count():
            data = audio_common.AudioData(data=block.data)
            stamped = audio_common.AudioDataStamped(header=block.header, audio=data)
            self._publisher.publish(stamped)


def _info(block: AudioBlock) -> object:
    return audio_common.AudioInfo(
        channels=block.channels,
        sample_rate=block.sample_rate,
        sample_format=_FORMATS[block.encoding],
        bitrate=block.sample_rate * block.channels * _BITS[block.encoding],
        coding_format='WAVE',
    )
