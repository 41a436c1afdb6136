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

"""All nodes in one process, for small computers: ``av_tracker_all [NODE[={JSON}]] ...``.

Each NODE may carry parameters; without any NODE the live ones run. The nodes keep their names,
topics and parameters, and still talk over ROS.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module

from rclpy.utilities import remove_ros_args

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run

NODES = {
    'microphone_array': 'MicrophoneArrayNode',
    'camera': 'CameraNode',
    'face_detector': 'FaceDetector',
    'acoustic_map': 'AcousticMapNode',
    'fusion': 'Fusion',
    'tracker': 'Tracker',
    'bag_player': 'BagPlayer',
    'track_writer': 'TrackWriterNode',
    'recorder': 'Recorder',
    'speaker_beams': 'SpeakerBeams',
    'ros4hri_bridge': 'Ros4HriBridge',
    'audio_bridge': 'AudioBridge',
    'viewer': 'Viewer',
}
"""All nodes, by the modules that they are in."""

_LIVE = tuple(NODES)[:6]


def make(argument: str) -> StageNode:
    """Make the node of ``NODE`` or ``NODE={JSON}``, which finds its parameters there itself.

    Raises
    ------
    InputError
        When there is no such node, or its parameters are not JSON.
    """
    name, _, _ = argument.partition('=')
    if name not in NODES:
        raise InputError(f"no node '{name}'; there are {', '.join(NODES)}")
    return getattr(import_module(f'{__package__}.{name}'), NODES[name])()


def main() -> int:
    """Run the nodes."""
    wanted = remove_ros_args(sys.argv)[1:] or _LIVE
    return run(*(partial(make, argument) for argument in wanted))


if __name__ == '__main__':
    sys.exit(main())
