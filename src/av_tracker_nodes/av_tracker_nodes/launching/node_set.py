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

"""Which nodes run together, and how: the one description behind every way to start them.

``launch/av_tracker.launch.py`` makes launch actions of it, :mod:`.processes` plain processes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import DEFAULT_MODEL, FUSION_MODELS, create_fusion
from av_tracker_nodes.launching.parameter_files import unknown_nodes
from av_tracker_nodes.launching.topics import (
    TOPIC_ARGUMENTS,
    images_of,
    live_remappings,
    topic_names,
)
from av_tracker_nodes.models.shipped import PACKAGE, shipped_file
from av_tracker_nodes.models.zoo import DEVICES
from av_tracker_nodes.recordings.bag import REPLAY_PATIENCE, TF_TIMEOUT, Sources

_logger = logging.getLogger(__name__)

STAGES = ('face_detector', 'acoustic_map', 'fusion', 'tracker')

_FASTEST = 10.0
"""Nodes need no more patience at higher rates: the player runs a second ahead at most."""

DONE, BAD_INPUT = 0, 2
"""Exit statuses of nodes that end on purpose; any other one is a death."""

RESPAWN_DELAY = 1.0
"""A node that has died is started again after this (s)."""


@dataclass(frozen=True)
class Argument:
    """Something that the person who starts the nodes may choose."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


_SWITCH = ('true', 'false')
_NUMBERS = ('rate', 'loops', 'audio_offset', 'tf_timeout', 'max_lateness')
_RECTIFIED, _SEES, _HEARS = 'images are rectified', 'model sees', 'model hears'
_FOLLOWS = 'model follows heads'
"""What is found out about the arguments."""

ARGUMENTS = (
    Argument('bag', '', 'Recording to replay; empty to use the devices'),
    Argument('rate', '1.0', 'Speed of the replay'),
    Argument('loops', '1', 'How often the recording is replayed; 0 for again and again'),
    Argument('out', '', 'Folder for tracks.csv and run.json; empty to write nothing'),
    Argument('record', '', 'Bag to record the live streams to; empty to record nothing'),
    Argument('model', DEFAULT_MODEL, f'Fusion model: {", ".join(FUSION_MODELS)}'),
    Argument('network_device', 'auto', 'Where the network of the model runs', DEVICES),
    Argument('measure', '', 'Acoustic measure; empty for the one that the model is made for'),
    Argument('camera_device', '0', 'Index, V4L2 path, video, folder of images, or URL'),
    Argument('camera_calibration', '', 'Description of the camera (YAML); needed without a bag'),
    Argument('microphone_device', '', 'Part of the name of the sound card, or its index'),
    Argument(
        'array_calibration', '', 'Description of the microphones (YAML); needed without a bag'
    ),
    Argument(
        'audio_offset',
        '0.0',
        'Added to the stamps of sound (s): what `av-tracker check sync` measures',
    ),
    Argument('rig', '', 'Camera and microphones by name, or a file (YAML): see rigs/'),
    *(
        Argument(f'{name}_topic', '', f'{what}; empty for the usual name, or the one in the bag')
        for name, what in TOPIC_ARGUMENTS.items()
    ),
    Argument(
        'start_camera',
        '',
        'Off where another node publishes the images; empty for no if image_topic is named',
        ('', *_SWITCH),
    ),
    Argument(
        'start_microphones',
        '',
        'Off where another node publishes the sound; empty for no if audio_topic is named',
        ('', *_SWITCH),
    ),
    Argument('image_transport', '', 'raw or compressed; empty for what the bag has, else raw'),
    Argument('depth', 'false', 'Take ranges of faces from depth/image (RGB-D cameras)', _SWITCH),
    Argument('target_frame', 'world', 'Frame in which people are located'),
    Argument('tf_timeout', str(TF_TIMEOUT), 'A moving transform that is older (s) places nothing'),
    Argument('max_lateness', '2.0', 'Images and sound that come later (s) are not waited for'),
    Argument('publish_tf', 'false', 'Publish a frame speaker_<id> for every track', _SWITCH),
    Argument('beams', 'false', 'Publish speaker_<id>/audio of everybody who speaks', _SWITCH),
    Argument('ros4hri', 'false', 'Publish /humans as REP-155 has it (hri_msgs)', _SWITCH),
    Argument('namespace', '', 'Put before all node and topic names'),
    Argument(
        'use_sim_time',
        '',
        'Follow /clock; empty for yes with a bag and no without',
        ('', *_SWITCH),
    ),
    Argument('params_file', '', 'Parameters of the nodes (YAML); empty for the shipped ones'),
    Argument('one_process', 'false', 'All nodes in one process: less memory, one core', _SWITCH),
    Argument(
        'autostart',
        'true',
        'Nodes configure and activate themselves; false leaves that to a manager of life cycles',
        _SWITCH,
    ),
    Argument('respawn', 'true', 'Start a node again that has died', _SWITCH),
    Argument('enclaves', '', 'SROS2: nodes are in enclaves of their names below this one'),
    Argument('rviz', 'false', 'Show everything in RViz', _SWITCH),
    Argument(
        'log_level',
        'info',
        'Log messages from this severity on',
        ('debug', 'info', 'warn', 'error', 'fatal'),
    ),
)
"""What can be chosen, by name; every value is a text, as on a command line."""


@dataclass(frozen=True)
class NodeSpec:
    """One process to start.

    Attributes
    ----------
    package, executable : str
    name : str
        How to call the process in messages.
    arguments : tuple of str
        Before the ROS arguments.
    ros_arguments : tuple of str
        After ``--ros-args``.
    ends_all : bool
        Whether everything stops when this process ends.
    respawns : bool
        Whether it is started again when it has died: it ended neither when its work was done nor
        for bad input.
    """

    package: str
    executable: str
    name: str
    arguments: tuple[str, ...] = ()
    ros_arguments: tuple[str, ...] = ()
    ends_all: bool = False
    respawns: bool = False

    def has_died(self, status: int | None) -> bool:
        """Tell from an exit status, None while it runs, whether it is to be started again."""
        return self.respawns and status not in (None, DONE, BAD_INPUT)


@dataclass(frozen=True)
class _Node:
    """A node and the parameters that the arguments give it."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)


def complete(arguments: Mapping[str, str]) -> dict[str, str]:
    """Fill in the defaults.

    Raises
    ------
    InputError
        For an unknown name or a value that is not among the choices.
    """
    known = {argument.name: argument for argument in ARGUMENTS}
    for name, value in arguments.items():
        if name not in known:
            raise InputError(f"no argument '{name}'; there are {', '.join(known)}")
        choices = known[name].choices
        if choices and value not in choices:
            raise InputError(f"{name} must be one of {', '.join(choices)}, got '{value}'")
    return {name: arguments.get(name, argument.default) for name, argument in known.items()}


def node_set(arguments: Mapping[str, str]) -> list[NodeSpec]:
    """Describe the processes for some arguments.

    Parameters
    ----------
    arguments : mapping of str to str
        Values of `ARGUMENTS`; missing ones take their defaults.

    Raises
    ------
    InputError
        When they contradict each other, or the bag or the model does not exist.
    """
    chosen = complete(arguments)
    for name in _NUMBERS:
        _number(name, chosen)
    chosen = _resolved(chosen)
    nodes = [*_sources(chosen), *_stages(chosen), *_extras(chosen), *_sinks(chosen)]
    common = _common_ros_arguments(chosen)
    if chosen['one_process'] == 'true':
        specs = [_one_process(nodes, common, bool(chosen['bag']))]
    else:
        specs = [_process(node, common) for node in nodes]
    if chosen['enclaves']:
        specs = [_in_enclave(spec, chosen['enclaves']) for spec in specs]
    if chosen['respawn'] == 'true':
        specs = [replace(spec, respawns=not spec.ends_all) for spec in specs]
    return specs + ([_rviz(chosen)] if chosen['rviz'] == 'true' else [])


def _resolved(chosen: Mapping[str, str]) -> dict[str, str]:
    """Find files, those of the rig where none are given, how images come, what the model takes."""
    names = ('camera_calibration', 'array_calibration')
    given = [Path(chosen[name]).resolve() if chosen[name] else None for name in names]
    sources = Sources(camera_calibration=given[0], array_calibration=given[1])
    sources = sources.with_rig(chosen['rig'])
    files = {name: getattr(sources, name) for name in names}
    is_compressed, is_rectified = images_of(chosen)
    transport = chosen['image_transport'] or ('compressed' if is_compressed else 'raw')
    # Its network is loaded to be asked: once.
    model = create_fusion(chosen['model'])
    return {
        **chosen,
        **{name: '' if path is None else str(path) for name, path in files.items()},
        'image_transport': transport,
        'measure': chosen['measure'] or model.measure,
        **{
            name: 'true' if holds else ''
            for name, holds in (
                (_RECTIFIED, is_rectified),
                (_SEES, model.sees),
                (_HEARS, model.hears),
                (_FOLLOWS, model.follows_heads),
            )
        },
    }


def _sources(chosen: Mapping[str, str]) -> list[_Node]:
    """Bag player, or devices."""
    if chosen['bag']:
        extras = [node.name for node in _extras(chosen)]
        waited_for = [*STAGES, *extras, *(['track_writer'] if chosen['out'] else [])]
        parameters = {
            'bag': str(Path(chosen['bag']).resolve()),
            'rate': _number('rate', chosen),
            'loops': int(_number('loops', chosen)),
            'wait_for': ','.join(waited_for),
            'camera_calibration': chosen['camera_calibration'],
            'array_calibration': chosen['array_calibration'],
            'depth': chosen['depth'] == 'true',
            'audio_offset': _number('audio_offset', chosen),
            **{f'{name}_topic': chosen[f'{name}_topic'] for name in TOPIC_ARGUMENTS},
            **_senses(chosen),
        }
        return [_Node('bag_player', parameters)]
    devices = (
        (
            'microphone_array',
            'hears',
            chosen['start_microphones'] or _unless(chosen['audio_topic']),
            'microphone_device',
            'array_calibration',
        ),
        (
            'camera',
            'sees',
            chosen['start_camera'] or _unless(chosen['image_topic']),
            'camera_device',
            'camera_calibration',
        ),
    )
    senses, nodes = _senses(chosen), []
    for node, sense, starts, device, calibration in devices:
        if senses[sense] and starts == 'true':
            _require(chosen, calibration, f'the {node.replace("_", " ")}')
            parameters = {'device': chosen[device], 'calibration': chosen[calibration]}
            nodes.append(_Node(node, parameters))
    return nodes


def _unless(topic: str) -> str:
    """Start a driver unless a topic is named, which another one publishes."""
    return 'false' if topic else 'true'


def _placed(chosen: Mapping[str, str]) -> dict[str, Any]:
    """Parameters of a node that knows where the camera is."""
    return {
        'target_frame': chosen['target_frame'],
        'reliable_images': bool(chosen['bag']),
        'camera_calibration': chosen['camera_calibration'],
        'tf_timeout': _number('tf_timeout', chosen),
        'rectified': bool(chosen[_RECTIFIED]),
        **_senses(chosen),
    }


def _located(chosen: Mapping[str, str]) -> dict[str, Any]:
    """Parameters of a node that knows where the microphones are too."""
    return {**_placed(chosen), 'array_calibration': chosen['array_calibration']}


def _senses(chosen: Mapping[str, str]) -> dict[str, bool]:
    """Which senses the model has."""
    return {'sees': bool(chosen[_SEES]), 'hears': bool(chosen[_HEARS])}


def _stages(chosen: Mapping[str, str]) -> list[_Node]:
    replays = bool(chosen['bag'])
    placed, located = _placed(chosen), _located(chosen)
    transport = {'image_transport': chosen['image_transport']}
    waiting = {'max_lateness': _number('max_lateness', chosen)}
    if replays:
        rate = min(max(_number('rate', chosen), 1.0), _FASTEST)
        waiting['patience'] = REPLAY_PATIENCE * rate
    heard = {**located, 'audio_offset': _number('audio_offset', chosen)}
    fused = {
        'model': chosen['model'],
        'device': chosen['network_device'],
        'depth': chosen['depth'] == 'true',
    }
    followed = {'follows_heads': bool(chosen[_FOLLOWS])}
    return [
        _Node('face_detector', {'reliable_images': replays, **transport}),
        _Node('acoustic_map', {**heard, **transport, **waiting, 'measure': chosen['measure']}),
        _Node('fusion', {**located, **transport, **waiting, **fused}),
        _Node('tracker', {**placed, **followed, 'publish_tf': chosen['publish_tf'] == 'true'}),
    ]


def _extras(chosen: Mapping[str, str]) -> list[_Node]:
    """Nodes that tell more about the tracks, for who wants it."""
    bridged = chosen['ros4hri'] == 'true'
    nodes = []
    if bridged or chosen['beams'] == 'true':
        heard = {**_located(chosen), 'audio_offset': _number('audio_offset', chosen)}
        nodes.append(_Node('speaker_beams', heard))
    if bridged:
        seen = {**_placed(chosen), 'image_transport': chosen['image_transport']}
        nodes.append(_Node('ros4hri_bridge', seen))
    return nodes


def _sinks(chosen: Mapping[str, str]) -> list[_Node]:
    replays = bool(chosen['bag'])
    nodes = []
    if chosen['out']:
        parameters = {
            'out': str(Path(chosen['out']).resolve()),
            'model': chosen['model'],
            'mode': 'replay' if replays else 'live',
            'reliable_images': replays,
            **_senses(chosen),
        }
        nodes.append(_Node('track_writer', parameters))
    if chosen['record']:
        if replays:
            raise InputError('record and bag exclude each other: a replay is recorded already')
        nodes.append(_Node('recorder', {'out': str(Path(chosen['record']).resolve())}))
    return nodes


def _common_ros_arguments(chosen: Mapping[str, str]) -> tuple[str, ...]:
    file = Path(chosen['params_file']) if chosen['params_file'] else shipped_file('params.yaml')
    if not file.is_file():
        raise InputError(f'no parameter file {file}')
    for problem in unknown_nodes(file):
        _logger.warning(problem)
    simulated = chosen['use_sim_time'] or ('true' if chosen['bag'] else 'false')
    result = ['--params-file', str(file.resolve()), '-p', f'use_sim_time:={simulated}']
    result += ['-p', f'autostart:={chosen["autostart"]}']
    if chosen['namespace']:
        result += ['-r', f'__ns:=/{chosen["namespace"].strip("/")}']
    renamed = {} if chosen['bag'] else live_remappings(topic_names(chosen))
    for ours, theirs in renamed.items():
        result += ['-r', f'{ours}:={theirs}']
    return (*result, '--log-level', chosen['log_level'])


def _process(node: _Node, common: tuple[str, ...]) -> NodeSpec:
    values = [
        part
        for name, value in _parameters(node).items()
        for part in ('-p', f'{name}:={json.dumps(value)}')
    ]
    ends_all = node.name == 'bag_player'
    ros_arguments = (*common, *values)
    return NodeSpec(PACKAGE, node.name, node.name, (), ros_arguments, ends_all)


def _one_process(nodes: list[_Node], common: tuple[str, ...], ends_all: bool) -> NodeSpec:
    arguments = tuple(f'{node.name}={json.dumps(_parameters(node))}' for node in nodes)
    return NodeSpec(PACKAGE, 'av_tracker_all', 'av_tracker_all', arguments, common, ends_all)


def _in_enclave(spec: NodeSpec, below: str) -> NodeSpec:
    enclave = f'/{below.strip("/")}/{spec.name}'
    return replace(spec, ros_arguments=(*spec.ros_arguments, '--enclave', enclave))


def _parameters(node: _Node) -> dict[str, Any]:
    # The player makes the time of a replay and cannot follow it.
    own_time = {'use_sim_time': False} if node.name == 'bag_player' else {}
    return {**node.parameters, **own_time}


def _rviz(chosen: Mapping[str, str]) -> NodeSpec:
    view = ('-d', str(shipped_file('av_tracker.rviz')), '-f', chosen['target_frame'])
    return NodeSpec('rviz2', 'rviz2', 'rviz2', view)


def _require(chosen: Mapping[str, str], name: str, whom: str) -> None:
    if not chosen[name]:
        raise InputError(f'{name} is not set; {whom} needs it (or give a bag to replay)')


def _number(name: str, chosen: Mapping[str, str]) -> float:
    try:
        return float(chosen[name])
    except ValueError as error:
        raise InputError(f"{name} must be a number, got '{chosen[name]}'") from error
