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

"""The description of the microphones behind a topic of sound, as nodes that publish sound need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from av_tracker_msgs.msg import MicrophoneArrayInfo
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import (
    load_card_channels,
    load_microphones,
    load_mounting,
    load_room,
)
from av_tracker_nodes.geometry.microphones import speed_of_sound
from av_tracker_nodes.nodes.conversions import to_array_info
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED
from av_tracker_nodes.nodes.static_frame import StaticFrame


class ArrayDescription:
    """Reads the description that the parameters of a node name, and publishes it.

    Parameters
    ----------
    node : StageNode
        Has the parameters that :meth:`declare` gave it.

    Attributes
    ----------
    microphones : MicrophoneArray
    frame : str
        Of their positions.

    Raises
    ------
    InputError
        When there is no description or it is malformed.
    """

    def __init__(self, node: StageNode) -> None:
        path = node.value('calibration')
        if not path:
            raise InputError(
                f'{node.get_name()}: parameter calibration is not set; give it the description of '
                'the microphones (YAML)'
            )
        self._described = load_microphones(path)
        self._card_channels = load_card_channels(path)
        mounting = load_mounting(path, 'array')
        self.frame = node.value('frame_id') or mounting.frame or 'mic_array'
        self._node = node
        self._room = load_room(path)
        self._info = node.advertise(MicrophoneArrayInfo, 'audio/array_info', LATCHED)
        self._static_frame = StaticFrame(node, self.frame, mounting)
        self.adapt()

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare the description and what it leaves open."""
        node.parameter('calibration', '', 'Description of the microphones (YAML)')
        node.parameter(
            'temperature',
            float('nan'),
            'Temperature of the air (degrees Celsius), which sets the speed of sound; .nan '
            'leaves it as the description of the microphones says',
            live=True,
        )
        node.parameter(
            'frame_id',
            '',
            'Frame of the positions of the microphones; empty for that of the description, else '
            'mic_array',
        )
        StaticFrame.declare(node)

    @staticmethod
    def check(values: Mapping[str, Any]) -> None:
        """Refuse a temperature at which no room is."""
        if not np.isnan(values['temperature']):
            speed_of_sound(values['temperature'])

    def adapt(self) -> None:
        """Take over the temperature, and say so."""
        self.microphones = _at_temperature(self._described, self._node.value('temperature'))
        self._announce()

    @property
    def channels(self) -> int:
        """Channels of sound that the microphones need."""
        return int(self.microphones.channels.max()) + 1

    @property
    def card_channels(self) -> int:
        """Channels that the sound card is opened with: some cards give all or none."""
        return max(self.channels, self._card_channels)

    def publish(self) -> None:
        """Publish the description and where the array sits; late joiners get them too."""
        self._static_frame.publish()
        self._announce()

    def _announce(self) -> None:
        stamp = self._node.get_clock().now().nanoseconds
        self._info.publish(to_array_info(self.microphones, stamp, self.frame, self._room))


def _at_temperature(microphones: MicrophoneArray, temperature: float) -> MicrophoneArray:
    if np.isnan(temperature):
        return microphones
    return replace(microphones, speed_of_sound=speed_of_sound(temperature))
