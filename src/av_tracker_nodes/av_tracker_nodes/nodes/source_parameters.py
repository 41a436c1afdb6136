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

"""Parameters of the bag player that say what to take of a recording."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.waiting import declare_audio_offset
from av_tracker_nodes.recordings.bag.sources import Sources
from av_tracker_nodes.recordings.bag.topics import TopicNames


class SourceParameters:
    """Declares the parameters, and makes :class:`Sources` of them."""

    @staticmethod
    def declare(node: StageNode) -> None:
        """Declare them."""
        for each in fields(TopicNames):
            node.parameter(
                f'{each.name}_topic',
                '',
                f'Topic of the recording to take as {each.name}; empty to find it',
            )
        node.parameter(
            'camera_calibration',
            '',
            'Calibration or rig file for a camera that the recording does not describe',
        )
        node.parameter(
            'array_calibration',
            '',
            'Calibration or rig file for microphones that the recording does not describe',
        )
        declare_audio_offset(node)
        node.parameter('sees', True, 'Play images')
        node.parameter('hears', True, 'Play sound')
        node.parameter('depth', False, 'Play depth images')

    @staticmethod
    def read(node: StageNode) -> Sources:
        """Return what the parameters say."""
        names = {each.name: node.value(f'{each.name}_topic') for each in fields(TopicNames)}
        return Sources(
            TopicNames(**names),
            camera_calibration=_path(node.value('camera_calibration')),
            array_calibration=_path(node.value('array_calibration')),
            audio_offset=node.value('audio_offset'),
        )


def _path(text: str) -> Path | None:
    return Path(text) if text else None
