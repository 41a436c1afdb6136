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

"""What the person who starts the nodes may choose, by the launch file or from a program.

Every value is a text, as on a command line. An empty one means that nothing was given: then the
parameter file decides, and what it does not tell either is left as the nodes have it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import DEFAULT_MODEL, FUSION_MODELS
from av_tracker_nodes.launching.profiles import PROFILES
from av_tracker_nodes.launching.topics import TOPIC_ARGUMENTS
from av_tracker_nodes.models.zoo import DEVICES
from av_tracker_nodes.recordings.bag import TF_TIMEOUT

_logger = logging.getLogger(__name__)

_SWITCH = ('true', 'false')
_SPELLINGS = {'1': 'true', '0': 'false'}
"""Python and XML write True and 1 as well; ROS's launch takes them all."""

_NOT_GIVEN = ''


@dataclass(frozen=True)
class Argument:
    """Something that may be chosen.

    Attributes
    ----------
    name, default, description : str
    choices : tuple of str
        In any case of letters; empty where any text will do.
    """

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()

    @property
    def help(self) -> str:
        """The description, and what may be chosen."""
        choices = ', '.join(filter(None, self.choices))
        return f'{self.description} [{choices}]' if choices else self.description

    def read(self, text: str) -> str:
        """Return a value in the spelling of the choices.

        Raises
        ------
        InputError
            It is none of them.
        """
        if not self.choices:
            return text
        value = text.strip().lower()
        if 'true' in self.choices:
            value = _SPELLINGS.get(value, value)
        if value not in self.choices:
            raise InputError(
                f"{self.name} must be one of {', '.join(filter(None, self.choices))}, got '{text}'"
            )
        return value


def _parameter(
    name: str, description: str, choices: tuple[str, ...] = (), usual: str = ''
) -> Argument:
    """Describe an argument that parameters of nodes follow."""
    hint = f'; {usual} unless given here or in params_file' if usual else ''
    return Argument(name, _NOT_GIVEN, description + hint, choices and ('', *choices))


ARGUMENTS = (
    Argument('bag', '', 'Recording to replay; empty to use the devices'),
    _parameter('rate', 'Speed of the replay', usual='1.0'),
    _parameter('loops', 'How often the recording is replayed; 0 for ever', usual='1'),
    Argument('out', '', 'Folder for tracks.csv and run.json; empty to write nothing'),
    Argument('record', '', 'Bag to record the live streams to; empty to record nothing'),
    _parameter('fusion_model', f'Fusion model: {", ".join(FUSION_MODELS)}', usual=DEFAULT_MODEL),
    Argument('model', '', 'Former name of fusion_model, for one version'),
    _parameter('network_device', 'Where the network of the model runs', DEVICES, 'auto'),
    Argument('measure', '', 'Acoustic measure; empty for the one that the model is made for'),
    _parameter('camera_device', 'Index, V4L2 path, video, folder of images, or URL', usual='0'),
    Argument(
        'camera_calibration', '', 'Description of the camera (YAML); to open a camera, this or rig'
    ),
    Argument('microphone_device', '', 'Part of the name of the sound card, or its index'),
    Argument(
        'array_calibration',
        '',
        'Description of the microphones (YAML); to open a card, this or rig',
    ),
    _parameter(
        'audio_offset',
        'Added to the stamps of sound (s): what `av-tracker check sync` measures',
        usual='0.0',
    ),
    Argument('rig', '', 'Camera and microphones by name, or a file (YAML): see rigs/'),
    *(
        Argument(f'{name}_topic', '', f'{what}; empty for the usual name, or the one in the bag')
        for name, what in TOPIC_ARGUMENTS.items()
    ),
    Argument(
        'start_camera',
        '',
        'Open the camera; empty: yes, unless image_topic is named',
        ('', *_SWITCH),
    ),
    Argument(
        'start_microphones',
        '',
        'Open the microphones; empty: yes, unless audio_topic is named',
        ('', *_SWITCH),
    ),
    Argument('image_transport', '', 'raw or compressed; empty for what the bag has, else raw'),
    _parameter('depth', 'Take ranges of faces from depth/image (RGB-D cameras)', _SWITCH, 'false'),
    _parameter('target_frame', 'Frame in which people are located', usual='world'),
    _parameter(
        'tf_timeout',
        'A moving transform that is older (s) is not used',
        usual=str(TF_TIMEOUT),
    ),
    _parameter(
        'max_lateness',
        'Longest wait for late images and sound (s)',
        usual='2.0',
    ),
    _parameter('publish_tf', 'Publish a frame speaker_<id> for each person', _SWITCH, 'false'),
    Argument('beams', 'false', 'Publish speaker_<id>/audio, the voice of each speaker', _SWITCH),
    Argument('ros4hri', 'false', 'Publish /humans as REP-155 has it (hri_msgs)', _SWITCH),
    Argument('namespace', '', 'Put before all node and topic names'),
    Argument(
        'use_sim_time',
        '',
        'Follow /clock; empty: only with a bag',
        ('', *_SWITCH),
    ),
    Argument('params_file', '', 'Parameters of the nodes (YAML); empty for the shipped ones'),
    Argument(
        'profile',
        'full',
        'Use of the processor: small is for small computers; params_file overrides it',
        tuple(PROFILES),
    ),
    Argument('one_process', 'false', 'All nodes in one process: less memory, one core', _SWITCH),
    _parameter(
        'autostart',
        'Nodes configure and activate themselves; false leaves that to a life-cycle manager',
        _SWITCH,
        'true',
    ),
    Argument('respawn', 'true', 'Restart nodes that die', _SWITCH),
    Argument('enclaves', '', 'SROS2: nodes are in enclaves of their names below this one'),
    Argument('rviz', 'false', 'Show everything in RViz', _SWITCH),
    Argument(
        'log_level',
        'info',
        'Log messages from this severity on',
        ('debug', 'info', 'warn', 'error', 'fatal'),
    ),
)
"""What can be chosen, by name."""

_FORMER = {'model': 'fusion_model'}


def complete(arguments: Mapping[str, str]) -> dict[str, str]:
    """Check the values, and fill in the defaults.

    Raises
    ------
    InputError
        For an unknown name or a value that is not among the choices.
    """
    known = {argument.name: argument for argument in ARGUMENTS}
    for name in arguments:
        if name not in known:
            raise InputError(f"no argument '{name}'; there are {', '.join(known)}")
    given = _renamed(arguments)
    return {
        name: argument.read(given.get(name, argument.default))
        for name, argument in known.items()
        if name not in _FORMER
    }


def _renamed(arguments: Mapping[str, str]) -> dict[str, str]:
    """Take former names for the new ones.

    A launch file that includes ours hands its own arguments down: what `model` says there may be
    of a robot.
    """
    given = dict(arguments)
    for former, name in _FORMER.items():
        value = given.pop(former, _NOT_GIVEN)
        if value in FUSION_MODELS:
            _logger.warning("the argument '%s' is called '%s' now", former, name)
            given[name] = given.get(name) or value
        elif value:
            _logger.warning("'%s' of '%s' is no fusion model: see '%s'", value, former, name)
    return given
