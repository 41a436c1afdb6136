# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: a sound card in, blocks of samples out."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from av_tracker_msgs.msg import AudioBlock, MicrophoneArrayInfo
from av_tracker_nodes.capture.microphone_stream import (
    SAMPLE_FORMATS,
    MicrophoneStream,
    StreamSettings,
    parse_channel_map,
)
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import load_microphones, load_mounting, load_room
from av_tracker_nodes.geometry.microphones import speed_of_sound
from av_tracker_nodes.nodes.audio_mirror import AudioMirror
from av_tracker_nodes.nodes.conversions import to_array_info, to_audio
from av_tracker_nodes.nodes.node_base import StageNode, run
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED
from av_tracker_nodes.nodes.static_frame import publish_static_frame

_WATCH_PERIOD = 1.0
_WARNING = 10.0


class MicrophoneArrayNode(StageNode):
    """Publishes blocks of samples with the capture time of their first sample.

    Samples that the card lost are counted, so that the gap shows in ``first_sample``; a warning
    says so for 10 s. A card that stops or is unplugged is opened again when it is there.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('microphone_array', **node_options)
        device = self.parameter(
            'device',
            '',
            'Sound card: part of its name, its index, or an ALSA id such as hw:CARD=ArrayUAC10; '
            'empty for the only fitting',
        )
        path = self.parameter('calibration', '', 'Description of the microphones (YAML)')
        if not path:
            raise InputError(
                'microphone_array: parameter calibration is not set; give it the description of '
                'the microphones (YAML)'
            )
        self._microphones = _at_temperature(
            load_microphones(path),
            self.parameter(
                'temperature',
                float('nan'),
                'Temperature of the air (degrees Celsius), which sets the speed of sound; .nan '
                'leaves it as the description of the microphones says',
            ),
        )
        mounting = load_mounting(path)
        self._frame = self.parameter(
            'frame_id', mounting.frame or 'mic_array', 'Frame of the positions of the microphones'
        )
        settings = self._settings(device)
        self._samples = self.output(AudioBlock, 'audio', AUDIO)
        self._mirror = AudioMirror(self)
        info = self.output(MicrophoneArrayInfo, 'audio/array_info', LATCHED)
        self._static_frame = publish_static_frame(self, self._frame, mounting)
        self._stream = MicrophoneStream(
            settings, self.guarded(self._publish), lambda: self.get_clock().now().nanoseconds
        )
        stamp = self.get_clock().now().nanoseconds
        info.publish(to_array_info(self._microphones, stamp, self._frame, load_room(path)))
        self._lost, self._lost_at = 0, -_WARNING
        self._loss: str | None = None
        self._watch()
        self.every(_WATCH_PERIOD, self._watch)

    def close(self) -> None:
        """Close the sound card."""
        self._stream.close()

    def _settings(self, device: str) -> StreamSettings:
        return StreamSettings(
            device=device,
            channels=int(self._microphones.channels.max()) + 1,
            rate=self._microphones.rate,
            sample_format=self.parameter(
                'sample_format', 'int16', 'Type of the samples', choices=SAMPLE_FORMATS
            ),
            block_size=self.parameter(
                'block_size', 0, 'Samples of a block; 0 for 10 ms', 0, 1_000_000
            ),
            channel_map=parse_channel_map(
                self.parameter(
                    'channel_map',
                    '',
                    "Channels of the card, counted from 0, that are published, such as '1-4' or "
                    "'3,2,1,0'; empty for those that the description needs, in order",
                )
            ),
            latency=self.parameter(
                'buffer',
                0.1,
                'Length of the buffer that the card is asked to have (s): a computer that is busy '
                'for longer loses samples; sound comes in portions of a part of it',
                0.0,
                10.0,
            ),
        )

    def _publish(self, stamp: int, first_sample: int, samples: np.ndarray) -> None:
        """Publish a block; called from a thread of the sound library."""
        rate = self._microphones.rate
        message = to_audio(stamp, first_sample, rate, samples, self._frame)
        self._samples.publish(message)
        self._mirror.publish(message)
        self.counts['out'] += 1

    def _watch(self) -> None:
        problem = self._stream.revive()
        self._note('device', problem and f'{self._stream.name} has stopped: {problem}')
        self._note('loss', self._recent_loss())
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

    def _recent_loss(self) -> str | None:
        """Say what was lost when the last loss is less than 10 s old."""
        lost, now = self._stream.lost, time.monotonic()
        if lost > self._lost:
            self._loss = f'{lost - self._lost} samples lost ({lost} since the start)'
            self._lost, self._lost_at = lost, now
        return self._loss if now - self._lost_at < _WARNING else None

    def _note(self, topic: str, problem: str | None) -> None:
        """Show a problem in the diagnostics, and log it once when it is new."""
        if not problem:
            if self.problems.pop(topic, None):
                self.get_logger().info(f'{topic}: all is well again')
        elif self.problems.get(topic) != problem:
            self.problems[topic] = problem
            self.get_logger().warning(problem)


def _at_temperature(microphones: MicrophoneArray, temperature: float) -> MicrophoneArray:
    if np.isnan(temperature):
        return microphones
    return replace(microphones, speed_of_sound=speed_of_sound(temperature))


def main() -> int:
    """Run the node."""
    return run(MicrophoneArrayNode)


if __name__ == '__main__':
    sys.exit(main())
