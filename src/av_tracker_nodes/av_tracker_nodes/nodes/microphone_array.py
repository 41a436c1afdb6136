# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: a sound card in, blocks of samples out."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from av_tracker_msgs.msg import AudioBlock, MicrophoneArrayInfo
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import load_microphones, load_mounting, load_room
from av_tracker_nodes.geometry.microphones import speed_of_sound
from av_tracker_nodes.nodes.conversions import to_array_info, to_audio
from av_tracker_nodes.nodes.node_base import StageNode, run
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED
from av_tracker_nodes.nodes.sample_clock import SampleClock
from av_tracker_nodes.nodes.sound_device import find_input, load_sounddevice
from av_tracker_nodes.nodes.static_frame import publish_static_frame
from av_tracker_nodes.types import NANOSECONDS, to_nanoseconds

_BLOCK = 0.01
_WATCH_PERIOD = 1.0


class MicrophoneArrayNode(StageNode):
    """Publishes blocks of 10 ms with the capture time of their first sample.

    The time comes from the converter's clock, smoothed; samples that the card lost are counted,
    so that the gap shows in ``first_sample``. A card that stops is opened again.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('microphone_array', **node_options)
        device = self.parameter(
            'device', '', 'Sound card: part of its name or its index; empty for the only fitting'
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
        self._room = load_room(path)
        mounting = load_mounting(path)
        self._frame = self.parameter(
            'frame_id', mounting.frame or 'mic_array', 'Frame of the positions of the microphones'
        )
        self._sounddevice = load_sounddevice()
        self._channels = int(self._microphones.channels.max()) + 1
        devices = list(self._sounddevice.query_devices())
        self._device = find_input(devices, device, self._channels)
        self.facts['device'] = devices[self._device]['name']
        self._samples = self.output(AudioBlock, 'audio', AUDIO)
        self._info = self.output(MicrophoneArrayInfo, 'audio/array_info', LATCHED)
        self._static_frame = publish_static_frame(self, self._frame, mounting)
        self._next_sample = 0
        # It outlives the stream: what a card misses while it is closed is a gap like any other.
        self._clock_of_samples = SampleClock(self._microphones.rate)
        self._stream: Any = None
        self._open()
        self.every(_WATCH_PERIOD, self._watch)

    def close(self) -> None:
        """Close the sound card."""
        if self._stream is not None:
            self._stream.close()

    def _open(self) -> None:
        rate = self._microphones.rate
        self._stream = self._sounddevice.RawInputStream(
            samplerate=rate,
            blocksize=round(_BLOCK * rate),
            device=self._device,
            channels=self._channels,
            dtype='int16',
            callback=self.guarded(self._capture),
        )
        self._stream.start()
        now = self.get_clock().now().nanoseconds
        self._info.publish(to_array_info(self._microphones, now, self._frame, self._room))

    def _capture(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """Publish a block; PortAudio calls this from a thread of its own."""
        now = self.get_clock().now().nanoseconds / NANOSECONDS
        reading = now - (times.currentTime - times.inputBufferAdcTime)
        block = self._clock_of_samples.block(frames, reading)
        if status.input_overflow:
            self.counts['overruns'] += 1
        self.counts['lost samples'] += block.lost
        self._next_sample += block.lost
        samples = np.frombuffer(data, np.int16).reshape(frames, self._channels)
        self._samples.publish(
            to_audio(
                to_nanoseconds(block.time),
                self._next_sample,
                self._microphones.rate,
                samples,
                self._frame,
            )
        )
        self._next_sample += frames
        self.counts['out'] += 1

    def _watch(self) -> None:
        self.facts['clock drift (ppm)'] = round(self._clock_of_samples.drift, 1)
        self.facts['clock residual (ms)'] = round(1e3 * self._clock_of_samples.residual, 3)
        if self._stream.active:
            self.problems.pop('device', None)
            return
        self.problems['device'] = f"sound card '{self.facts['device']}' has stopped"
        self.counts['reopened'] += 1
        self._stream.close()
        self._open()


def _at_temperature(microphones: MicrophoneArray, temperature: float) -> MicrophoneArray:
    if np.isnan(temperature):
        return microphones
    return replace(microphones, speed_of_sound=speed_of_sound(temperature))


def main() -> int:
    """Run the node."""
    return run(MicrophoneArrayNode)


if __name__ == '__main__':
    sys.exit(main())
