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
from uuid import uuid4

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import DEFAULT_MODEL, create_fusion
from av_tracker_nodes.launching.arguments import complete
from av_tracker_nodes.launching.parameter_files import parameters_of, unknown_nodes
from av_tracker_nodes.launching.player import PLAYER
from av_tracker_nodes.launching.profiles import PROFILES
from av_tracker_nodes.launching.topics import (
    TOPIC_ARGUMENTS,
    images_of,
    live_remappings,
    topic_names,
)
from av_tracker_nodes.models.shipped import PACKAGE, shipped_file
from av_tracker_nodes.recordings.bag import REPLAY_PATIENCE, Sources

_logger = logging.getLogger(__name__)

STAGES = ('face_detector', 'acoustic_map', 'fusion', 'tracker')

_FASTEST = 10.0
"""Nodes need no more patience at higher rates: the player runs a second ahead at most."""

DONE, BAD_INPUT = 0, 2
"""Exit statuses of nodes that end on purpose; any other one is a death."""

RESPAWN_DELAY = 0.2
"""A node that has died is started again after this (s): its start takes longer."""

_Parameters = Mapping[str, Any]


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
    parameter_file : Path or None
        Parameters of the nodes, which those in `arguments` come before.
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
    parameter_file: Path | None = None
    ends_all: bool = False
    respawns: bool = False

    def has_died(self, status: int | None) -> bool:
        """Tell from an exit status, None while it runs, whether it is to be started again."""
        return self.respawns and status not in (None, DONE, BAD_INPUT)


@dataclass(frozen=True)
class _Node:
    """A node and the parameters that the arguments give it.

    Attributes
    ----------
    name : str
    given : mapping
        What somebody has chosen, and what has to agree with that.
    usual : mapping
        What holds where the parameter file tells nothing else.
    ends_all : bool
        See `NodeSpec`.
    """

    name: str
    given: _Parameters = field(default_factory=dict)
    usual: _Parameters = field(default_factory=dict)
    ends_all: bool = False


def _same(*names: str) -> dict[str, str]:
    return dict(zip(names, names, strict=True))


_PLACED = _same('target_frame', 'camera_calibration', 'tf_timeout')
"""A node that knows where the camera is."""
_LOCATED = {**_PLACED, **_same('array_calibration')}
"""A node that knows where the microphones are too."""
_RECORDED = _same(
    *('rate', 'loops', 'depth', 'audio_offset', 'camera_calibration', 'array_calibration'),
    *(f'{name}_topic' for name in TOPIC_ARGUMENTS),
)
_FUSED = {'model': 'fusion_model', 'device': 'network_device'}

_FOLLOWS = {
    PLAYER: _RECORDED,
    'microphone_array': {'device': 'microphone_device', 'calibration': 'array_calibration'},
    'camera': {'device': 'camera_device', 'calibration': 'camera_calibration'},
    'face_detector': _same('image_transport'),
    'acoustic_map': {
        **_LOCATED,
        **_same('image_transport', 'max_lateness', 'measure', 'audio_offset'),
    },
    'fusion': {**_LOCATED, **_same('image_transport', 'max_lateness', 'depth'), **_FUSED},
    'tracker': {**_LOCATED, **_same('publish_tf')},
    'speaker_beams': {**_LOCATED, **_same('audio_offset')},
    'ros4hri_bridge': {**_PLACED, **_same('image_transport')},
}
"""The arguments that parameters follow, by node and parameter."""

_FOR_ALL = _same('use_sim_time', 'autostart')
_NUMBERS = ('rate', 'loops', 'audio_offset', 'tf_timeout', 'max_lateness')
_SWITCHES = ('depth', 'publish_tf', 'use_sim_time', 'autostart')


def node_set(arguments: Mapping[str, str]) -> list[NodeSpec]:
    """Describe the processes for some arguments.

    Parameters of a node are those that the arguments give, then those of the parameter file, then
    those that follow from the recording and the model, and last the defaults of the node.

    Parameters
    ----------
    arguments : mapping of str to str
        Values of :data:`~av_tracker_nodes.launching.arguments.ARGUMENTS`; missing ones take their
        defaults.

    Raises
    ------
    InputError
        When they contradict each other, or the bag or the model does not exist.
    """
    chosen = _Chosen(arguments)
    nodes = [*_sources(chosen), *_stages(chosen), *_extras(chosen), *_sinks(chosen)]
    common = _common_ros_arguments(chosen)
    parameters = [f'{node.name}={json.dumps(chosen.parameters(node))}' for node in nodes]
    if chosen.is_on('one_process'):
        name = 'av_tracker_all'
        ends_all = any(node.ends_all for node in nodes)
        specs = [NodeSpec(PACKAGE, name, name, tuple(parameters), common, chosen.file, ends_all)]
    else:
        specs = [
            NodeSpec(PACKAGE, node.name, node.name, (values,), common, chosen.file, node.ends_all)
            for node, values in zip(nodes, parameters, strict=True)
        ]
    if chosen['enclaves']:
        specs = [_in_enclave(spec, chosen['enclaves']) for spec in specs]
    if chosen.is_on('respawn'):
        specs = [replace(spec, respawns=not spec.ends_all) for spec in specs]
    return specs + ([_rviz(chosen)] if chosen.is_on('rviz') else [])


class _Chosen:
    """What was chosen, by the names of arguments, and what follows from it.

    Attributes
    ----------
    file : Path
        Parameters of the nodes.
    model : FusionModel
    is_rectified : bool
        Whether the images are.
    image_transport : str
        How images come.
    run : str
        Name of the run, as no other one has.
    """

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self._values = complete(arguments)
        self._read: dict[str, _Parameters] = {}
        for name in _NUMBERS:
            _number(name, self[name] or '0')
        named = self['params_file']
        self.file = Path(named).resolve() if named else shipped_file('params.yaml')
        if not self.file.is_file():
            raise InputError(f'no parameter file {named}')
        for problem in unknown_nodes(self.file):
            _logger.warning(problem)
        self._values |= self._calibrations() | self._recorded_topics()
        is_compressed, self.is_rectified = images_of(self._values)
        self.image_transport = 'compressed' if is_compressed else 'raw'
        self.run = uuid4().hex
        # Its network is loaded to be asked: once.
        self.model = create_fusion(self.told('fusion', 'model', DEFAULT_MODEL))

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def is_on(self, name: str) -> bool:
        """Whether a switch is given and on."""
        return self[name] == 'true'

    def told(self, node: str, parameter: str, default: Any = '') -> Any:
        """Return a parameter of a node, by argument or file."""
        given = self.follow(node)
        return given.get(parameter, self._in_file(node).get(parameter, default))

    def follow(self, node: str) -> dict[str, Any]:
        """Return the parameters of a node that are given by arguments."""
        followed = {**_FOR_ALL, **_FOLLOWS.get(node, {})}
        return {
            parameter: _typed(argument, self[argument])
            for parameter, argument in followed.items()
            if self[argument]
        }

    def parameters(self, node: _Node) -> dict[str, Any]:
        """Return the parameters of a node that come before those of the file."""
        in_file = self._in_file(node.name)
        usual = {name: value for name, value in node.usual.items() if name not in in_file}
        return {**usual, **self.follow(node.name), **node.given}

    def _in_file(self, node: str) -> _Parameters:
        if node not in self._read:
            full_name = f'{_namespace(self["namespace"])}/{node}'
            self._read[node] = parameters_of(full_name, self.file)
        return self._read[node]

    def _calibrations(self) -> dict[str, str]:
        """Files that are given, and those of the rig for what is not."""
        names = ('camera_calibration', 'array_calibration')
        given = [Path(self[name]).resolve() if self[name] else None for name in names]
        sources = Sources(camera_calibration=given[0], array_calibration=given[1])
        sources = sources.with_rig(self['rig'])
        files = {name: getattr(sources, name) for name in names}
        return {name: '' if path is None else str(path) for name, path in files.items()}

    def _recorded_topics(self) -> dict[str, str]:
        """Topics of the recording that the file names."""
        names = [f'{name}_topic' for name in TOPIC_ARGUMENTS]
        return {name: self.told(PLAYER, name) for name in names} if self['bag'] else {}


def _sources(chosen: _Chosen) -> list[_Node]:
    """Bag player, or devices."""
    if chosen['bag']:
        extras = [node.name for node in _extras(chosen)]
        waited_for = [*STAGES, *extras, *(['track_writer'] if chosen['out'] else [])]
        given = {
            'bag': str(Path(chosen['bag']).resolve()),
            'wait_for': ','.join(waited_for),
            # It makes the time of a replay and cannot follow it.
            'use_sim_time': False,
            **_catches_up(chosen),
            'respawn': chosen.is_on('respawn'),
            **_senses(chosen),
        }
        usual = {'depth': chosen.told('fusion', 'depth', False)}
        return [_Node(PLAYER, given, usual, ends_all=True)]
    devices = (
        ('microphone_array', chosen.model.hears, 'start_microphones', 'audio_topic'),
        ('camera', chosen.model.sees, 'start_camera', 'image_topic'),
    )
    nodes = []
    for node, is_needed, start, topic in devices:
        # A topic that is named has a publisher of its own.
        starts = chosen.is_on(start) if chosen[start] else not chosen[topic]
        if is_needed and starts:
            _require_calibration(chosen, node)
            nodes.append(_Node(node))
    return nodes


def _require_calibration(chosen: _Chosen, node: str) -> None:
    if not chosen.told(node, 'calibration'):
        raise InputError(
            f'{_FOLLOWS[node]["calibration"]} is not set; the {node.replace("_", " ")} needs it '
            '(or give a bag to replay)'
        )


def _senses(chosen: _Chosen) -> dict[str, bool]:
    """Return which senses the model has."""
    return {'sees': chosen.model.sees, 'hears': chosen.model.hears}


def _stages(chosen: _Chosen) -> list[_Node]:
    senses, transport, seen = _senses(chosen), _transport(chosen), _seen(chosen)
    waiting = {'patience': _patience(chosen)} if chosen['bag'] else {}
    measure = {'measure': chosen.model.measure}
    follows = {'follows_heads': chosen.model.follows_heads}
    profile = PROFILES[chosen['profile']]
    detection = {
        **transport,
        **_reliable(chosen),
        **_time(chosen),
        **profile['face_detector'],
    }
    mapping = {**seen, **transport, **waiting, **measure, **profile['acoustic_map']}
    return [
        _Node('face_detector', usual=detection),
        _Node('acoustic_map', senses, mapping),
        _Node('fusion', senses, {**seen, **transport, **waiting}),
        _Node('tracker', {**senses, **follows, **_goes_on(chosen)}, seen),
    ]


def _goes_on(chosen: _Chosen) -> dict[str, str]:
    """Return the name by which a tracker knows the one before it, where it is started again."""
    return {'run': chosen.run} if chosen.is_on('respawn') else {}


def _patience(chosen: _Chosen) -> float:
    rate = float(chosen.told(PLAYER, 'rate', 1.0))
    return REPLAY_PATIENCE * min(max(rate, 1.0), _FASTEST)


def _transport(chosen: _Chosen) -> dict[str, str]:
    return {'image_transport': chosen.image_transport}


def _time(chosen: _Chosen) -> dict[str, bool]:
    return {'use_sim_time': True, **_catches_up(chosen)} if chosen['bag'] else {}


def _catches_up(chosen: _Chosen) -> dict[str, bool]:
    """Nodes that share a process die together: none of them starts late."""
    return {'catch_up': not chosen.is_on('one_process')}


def _reliable(chosen: _Chosen) -> dict[str, bool]:
    return {'reliable_images': True} if chosen['bag'] else {}


def _seen(chosen: _Chosen) -> _Parameters:
    """Return what a node that knows where the camera is has to know of the images, too."""
    return {'rectified': chosen.is_rectified, **_reliable(chosen), **_time(chosen)}


def _extras(chosen: _Chosen) -> list[_Node]:
    """Nodes that tell more about the tracks, for who wants it."""
    bridged = chosen.is_on('ros4hri')
    senses, nodes = _senses(chosen), []
    if bridged or chosen.is_on('beams'):
        nodes.append(_Node('speaker_beams', senses, _seen(chosen)))
    if bridged:
        nodes.append(_Node('ros4hri_bridge', senses, {**_seen(chosen), **_transport(chosen)}))
    return nodes


def _sinks(chosen: _Chosen) -> list[_Node]:
    replays = bool(chosen['bag'])
    nodes = []
    if chosen['out']:
        given = {
            'out': str(Path(chosen['out']).resolve()),
            'model': chosen.told('fusion', 'model', DEFAULT_MODEL),
            'mode': 'replay' if replays else 'live',
            'run': chosen.run,
            **_senses(chosen),
        }
        nodes.append(_Node('track_writer', given, {**_reliable(chosen), **_time(chosen)}))
    if chosen['record']:
        if replays:
            raise InputError('record and bag exclude each other: a replay is recorded already')
        nodes.append(_Node('recorder', {'out': str(Path(chosen['record']).resolve())}))
    return nodes


def _common_ros_arguments(chosen: _Chosen) -> tuple[str, ...]:
    result = list(_in_namespace(chosen))
    renamed = {} if chosen['bag'] else live_remappings(topic_names(chosen))
    for ours, theirs in renamed.items():
        result += ['-r', f'{ours}:={theirs}']
    return (*result, '--log-level', chosen['log_level'])


def _in_namespace(chosen: _Chosen) -> tuple[str, ...]:
    name = _namespace(chosen['namespace'])
    return ('-r', f'__ns:={name}') if name else ()


def _namespace(name: str) -> str:
    return f'/{name.strip("/")}' if name.strip('/') else ''


def _in_enclave(spec: NodeSpec, below: str) -> NodeSpec:
    enclave = f'/{below.strip("/")}/{spec.name}'
    return replace(spec, ros_arguments=(*spec.ros_arguments, '--enclave', enclave))


def _rviz(chosen: _Chosen) -> NodeSpec:
    """RViz in the namespace, to which the topics of the view are relative, and in our time."""
    frame = chosen.told('tracker', 'target_frame', 'world')
    view = ('-d', str(shipped_file('av_tracker.rviz')), '-f', frame)
    follows_clock = chosen['use_sim_time'] or ('true' if chosen['bag'] else 'false')
    time = ('-p', f'use_sim_time:={follows_clock}')
    return NodeSpec('rviz2', 'rviz2', 'rviz2', view, (*time, *_in_namespace(chosen)))


def _typed(argument: str, text: str) -> bool | float | str:
    """Return the value of an argument as parameters have it."""
    if argument in _SWITCHES:
        return text == 'true'
    if argument in _NUMBERS:
        return _number(argument, text)
    return text


def _number(name: str, text: str) -> float:
    try:
        return int(text) if name == 'loops' else float(text)
    except ValueError as error:
        raise InputError(f"{name} must be a number, got '{text}'") from error
