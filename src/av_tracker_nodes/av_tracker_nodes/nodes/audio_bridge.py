# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: sound of audio_common's driver in, blocks of samples out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from av_tracker_msgs.msg import AudioBlock
from av_tracker_nodes.capture.sample_clock import SampleClock
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.array_description import ArrayDescription
from av_tracker_nodes.nodes.conversions import to_audio
from av_tracker_nodes.nodes.losses import RecentLoss
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import AUDIO
from av_tracker_nodes.recordings.messages import stamp_of
from av_tracker_nodes.types import NANOSECONDS, to_nanoseconds

try:
    from audio_common_msgs import msg as audio_common
except ImportError:
    audio_common = None

_FORMATS = {'S16LE': '<i2', 'F32LE': '<f4'}
_WATCH_PERIOD = 1.0


class AudioBridge(StageNode):
    """Turns ``audio_stamped`` and ``audio_info`` of ``audio_capture`` into our ``audio``.

    Those messages do not count samples: losses are found from the stamps, as
    :class:`~av_tracker_nodes.capture.sample_clock.SampleClock` finds them from arrivals.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('audio_bridge', **node_options)
        ArrayDescription.declare(self)

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
        self._rate = self._array.microphones.rate
        self._format: str | None = None
        self._channels = 0
        self._samples = self.output(AudioBlock, 'audio', AUDIO)
        self.problems['info'] = 'no audio_info yet: the driver sends it every few seconds'
        self.learn(audio_common.AudioInfo, 'audio_info', self._learn, expected=True)
        self.listen(audio_common.AudioDataStamped, 'audio_stamped', self._hear, AUDIO, needed=True)
        self.every(_WATCH_PERIOD, self._watch)

    def adapt(self) -> None:
        """Take over the temperature."""
        self._array.adapt()

    def activate(self) -> None:
        """Count samples from here on."""
        self._array.publish()
        self._counted: SampleClock[np.ndarray] = SampleClock(self._rate)
        self._began: int | None = None
        self._losses = RecentLoss()

    def _learn(self, info: object) -> None:
        """Take the format of the driver, or say how to set it."""
        self._format = None
        self.problems['info'] = problem = self._objection(info)
        if problem is None:
            del self.problems['info']
            self._format, self._channels = _FORMATS[info.sample_format.upper()], info.channels

    def _objection(self, info: object) -> str | None:
        if info.coding_format.lower() != 'wave' or info.sample_format.upper() not in _FORMATS:
            return (
                f'the driver sends {info.coding_format} of {info.sample_format}: start it with '
                'format:=wave sample_format:=S16LE'
            )
        if info.channels < self._array.channels or info.sample_rate != self._rate:
            return (
                f'the driver sends {info.channels} channels at {info.sample_rate} Hz, the array '
                f'has {self._array.channels} at {self._rate} Hz'
            )
        return None

    def _hear(self, message: object) -> None:
        self.counts['in'] += 1
        if self._format is None:
            return
        samples = np.frombuffer(bytes(message.audio.data), self._format)
        if samples.size % self._channels:
            raise InputError(
                f'{samples.size} values do not make samples of {self._channels} channels'
            )
        stamp, frames = stamp_of(message.header), samples.size // self._channels
        if self._began is None:
            self._began = stamp
        end = (stamp - self._began) / NANOSECONDS + frames / self._rate
        for block in self._counted.add(samples.reshape(frames, self._channels), frames, end):
            taken = self._began + to_nanoseconds(block.time)
            self._samples.publish(
                to_audio(taken, block.first_sample, self._rate, block.samples, self._array.frame)
            )
            self.counts['out'] += 1

    def _watch(self) -> None:
        self.facts['lost samples'] = self._counted.lost
        self.facts['clock drift (ppm)'] = round(self._counted.drift, 1)
        self.note('loss', self._losses.recent(self._counted.lost))


def main() -> int:
    """Run the node."""
    return run(AudioBridge)


if __name__ == '__main__':
    sys.exit(main())
