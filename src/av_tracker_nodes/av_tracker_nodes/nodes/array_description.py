# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The description of the microphones behind a topic of sound, as nodes that publish sound need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_msgs.msg import MicrophoneArrayInfo
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import load_microphones, load_mounting, load_room
from av_tracker_nodes.geometry.microphones import speed_of_sound
from av_tracker_nodes.nodes.conversions import to_array_info
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.quality_of_service import LATCHED
from av_tracker_nodes.nodes.static_frame import publish_static_frame


class ArrayDescription:
    """Reads the description that the parameters of a node name, and publishes it.

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
        path = node.parameter('calibration', '', 'Description of the microphones (YAML)')
        if not path:
            raise InputError(
                f'{node.get_name()}: parameter calibration is not set; give it the description of '
                'the microphones (YAML)'
            )
        temperature = node.parameter(
            'temperature',
            float('nan'),
            'Temperature of the air (degrees Celsius), which sets the speed of sound; .nan '
            'leaves it as the description of the microphones says',
        )
        self.microphones = _at_temperature(load_microphones(path), temperature)
        mounting = load_mounting(path)
        self.frame = node.parameter(
            'frame_id', mounting.frame or 'mic_array', 'Frame of the positions of the microphones'
        )
        self._node = node
        self._room = load_room(path)
        self._info = node.output(MicrophoneArrayInfo, 'audio/array_info', LATCHED)
        self._static_frame = publish_static_frame(node, self.frame, mounting)

    @property
    def channels(self) -> int:
        """Channels of sound that the microphones need."""
        return int(self.microphones.channels.max()) + 1

    def publish(self) -> None:
        """Publish the description; late joiners get it too."""
        stamp = self._node.get_clock().now().nanoseconds
        self._info.publish(to_array_info(self.microphones, stamp, self.frame, self._room))


def _at_temperature(microphones: MicrophoneArray, temperature: float) -> MicrophoneArray:
    if np.isnan(temperature):
        return microphones
    return replace(microphones, speed_of_sound=speed_of_sound(temperature))
